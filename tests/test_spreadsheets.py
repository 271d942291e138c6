"""Cells that no spreadsheet runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates.spreadsheets import escape_cell, unescape_cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "-", "-1.2.3"]
)
def test_what_could_be_a_formula_is_quoted(text: str) -> None:
    assert escape_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "1", "-1.87", "+3", "-0.00000001", "Bitcoin", "1=1", "2026-11-30", "'t Hooft"])
def test_numbers_and_other_words_stay_as_they_are(text: str) -> None:
    assert escape_cell(text) == text


@given(st.text("'=+-@1.a", max_size=6) | st.text())
def test_what_was_quoted_can_be_read_again(text: str) -> None:
    assert unescape_cell(escape_cell(text)) == text
