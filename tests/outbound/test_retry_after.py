"""What a server asks for with `Retry-After`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates.outbound.retry_after import read_retry_after

DATE = "Wed, 25 Nov 2026 07:27:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("7, 9", 7),
        ("-7", None),
        ("7.5", None),
        ("٧", None),
        ("soon", None),
        ("Wed, 25 Nov 2026 07:28:00 GMT", 60),
        ("Wed, 25 Nov 2026 07:28:00", 60),
        ("Wednesday, 25-Nov-26 07:28:00 GMT", 60),
        ("Wed Nov 25 07:28:00 2026", 60),
        ("Wed, 25 Nov 2026 07:26:00 GMT", None),
        ("Wed, 25 Nov 99999 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_clock_of_the_server(value: str, seconds: float | None) -> None:
    assert read_retry_after(value, DATE) == seconds


def test_date_is_measured_from_our_clock_when_the_server_does_not_tell_its_own() -> None:
    assert (read_retry_after("Wed, 25 Nov 2099 07:28:00 GMT") or 0) > 1e9
    assert read_retry_after("Wed, 25 Nov 2009 07:28:00 GMT", "no date") is None


@given(st.text(), st.text())
def test_no_header_breaks_it(value: str, date: str) -> None:
    read_retry_after(value, date)
