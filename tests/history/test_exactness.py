"""No digit is lost between a publication and a day years later, in whichever database the tests run."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from rates.history import writer
from rates.history.candles import DAY, HOUR, MINUTE, Candle
from tests.history.test_archive import BEGIN, digits, read
from tests.history.test_recording import published, record


def write_down(candle: Candle) -> list[str]:
    """Return open and close of *candle* as the API writes them; of a high that two published, one has more zeros."""
    return [format(price, "f") for price in (candle.open, candle.close)]


class TestWholeWay(TestCase):
    """Each example begins with an empty database."""

    @given(st.lists(digits, min_size=1, max_size=6), st.integers(1, 6), st.booleans())
    def test_a_minute_an_hour_and_a_day_have_every_digit_that_was_published(
        self, prices: Sequence[Decimal], first: int, disputed: bool
    ) -> None:
        marks = ["disputed" if disputed and number == 0 else "" for number in range(len(prices))]
        saved = [published(number, str(price), marks[number]) for number, price in enumerate(prices)]
        # Two processes, of which the second may have published nothing.
        record(*saved[:first])
        record(*saved[first:])
        writer.write_closed(BEGIN + 2 * DAY)
        whole = Candle(BEGIN, prices[0], max(prices), min(prices), prices[-1], len(prices), "kraken", disputed)
        for interval in (MINUTE, HOUR, DAY):
            (found,) = read(interval)
            assert found == whole
            assert write_down(found) == write_down(whole)
