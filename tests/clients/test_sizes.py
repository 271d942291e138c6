"""The sizes of boards that `docs/clients/libraries.md` tells are those that are sent."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from rates import publication
from rates.types import Rate, Row, Snapshot

PAGE = (Path(__file__).resolve().parents[2] / "docs/clients/libraries.md").read_text()
SIZES = re.findall(r"^\| ([\d,]+) \| ([\d,.]+) kB \| ([\d,.]+) kB \|$", PAGE, re.MULTILINE)


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_there_are_sizes() -> None:
    assert len(SIZES) > 3


@pytest.mark.parametrize(("coins", "typed", "plain"), SIZES)
def test_a_board_is_as_large_as_the_page_says(coins: str, typed: str, plain: str) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    fragments = {}
    for place in range(int(number(coins))):
        symbol = f"C{place}"
        rate = Rate(symbol, Decimal("63250.12"), Decimal("-1.41"), Decimal("28123456789.1"), "binance", now, now)
        row = Row(symbol, "Some coin", rate, confirmed_by=("coingecko", "kraken"), spread_pct=Decimal("0.04"))
        fragments[symbol] = publication.encode_row(row)
    snapshot = Snapshot("e" * 16, 100_000, "2026-11-24T12:00:00.000Z", fragments)
    assert len(publication.board_text(snapshot)) / 1000 == pytest.approx(number(typed), rel=0.1, abs=0.1)
    assert len(publication.plain_text(snapshot)) / 1000 == pytest.approx(number(plain), rel=0.1, abs=0.1)
