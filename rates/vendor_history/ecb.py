"""
The European Central Bank's reference rates of every working day since 1999, of which each is a day's only price here.

Reference: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates
Limits: robots.txt asks for 5 s between calls. The file is next to the daily one: `eurofxref-hist.zip`, a CSV with the
newest day first, `N/A` where there is none, and a comma at the end of each line. No weekends, no bank holidays.

Tested in `tests/vendor_history/test_ecb.py`.
"""

import csv
import io
import time
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from django.conf import settings

from rates.central_bank import file
from rates.currencies import CENTRAL_BANK, code_of, find_ratio, is_pair
from rates.exceptions import NotOffered
from rates.models import Coin
from rates.sources.vendor_values import read_price, read_text
from rates.types import USDT_PAIR
from rates.vendor_history.answers import HistoryAnswer, VendorCandle, garbled, select_closed

NAME = CENTRAL_BANK
QUOTE: str | None = None
SPACING = 5.0
DAY = 86400
# All that there is, in one answer.
MOST_CANDLES: Mapping[int, int] = {60: 20_000, 3600: 20_000, DAY: 20_000}
BEGINNING = 915_408_000
DAILY_FILE, WHOLE_FILE = "eurofxref-daily.xml", "eurofxref-hist.zip"
# It has some 600 kB, and 2 MB unpacked.
LONGEST_BODY, LONGEST_TABLE = 4_000_000, 20_000_000


def setup_fingerprint() -> str:
    """Return what tells one configuration of this source from another."""
    return file.setup_fingerprint()


def find_name(coin: Coin) -> str | None:
    """Return the pair of a currency; None for coins, and where the address is not that of the daily file."""
    known = is_pair(coin.symbol) and coin.symbol != USDT_PAIR and settings.ECB_RATES_URL.endswith(DAILY_FILE)
    return coin.symbol if known else None


def max_age(interval: int) -> float:
    """Return the age of the oldest candle, in seconds; there are only days."""
    return time.time() - BEGINNING if interval == DAY else 0.0


def fetch_candles(name: str, interval: int, start: int, end: int, timeout: float) -> HistoryAnswer:
    """
    Return a candle for each working day, whose four prices are what the bank fixed.

    Raises:
        SourceError: when there is no usable answer; `NotOffered` for a currency that the bank does not know.
    """
    address = settings.ECB_RATES_URL.removesuffix(DAILY_FILE) + WHOLE_FILE
    # One file answers for all currencies; within an hour it is the same.
    text = _unpack(_download(address, int(time.time() // 3600), timeout))
    days = parse_table(text, settings.QUOTE_CURRENCY, code_of(name))
    candles = [VendorCandle(day, *4 * [worth]) for day, worth in days]
    return HistoryAnswer(select_closed(candles, interval, start, end, time.time()), end)


@lru_cache(maxsize=1)
def _download(address: str, hour: int, timeout: float) -> bytes:
    return file.fetch(address, timeout, LONGEST_BODY)


def _unpack(body: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed, packed.open(packed.namelist()[0]) as table:
            found = table.read(LONGEST_TABLE + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, NotImplementedError, RuntimeError) as error:
        raise garbled(NAME, f"a file that cannot be unpacked: {type(error).__name__}") from error
    if len(found) > LONGEST_TABLE:
        raise garbled(NAME, f"a table of more than {LONGEST_TABLE} bytes")
    return found.decode("ascii", "replace")


def parse_table(text: str, base: str, code: str) -> list[tuple[int, Decimal]]:
    """
    Return Unix time and what one unit of *base* was worth in the currency *code*, of each day that has both.

        Date,USD,JPY,...,
        2026-11-27,1.1624,176.21,...,

    Raises:
        SourceError: when it is no such table; `NotOffered` when it lacks one of the two.
    """
    rows = csv.reader(io.StringIO(text))
    head = [name.strip().lower() for name in next(rows, [])]
    if head[:1] != ["date"]:
        raise garbled(NAME, "a file that is no table of days")
    if missing := [each for each in (base, code) if each not in (*head, "eur")]:
        raise NotOffered(NAME, f"does not know {' and '.join(missing)}")
    one, other = (head.index(each) if each in head else None for each in (base, code))
    days = [(_read_day(row[0]), _read_rate(row, other), _read_rate(row, one)) for row in rows if row]
    return [(day, find_ratio(worth, unit)) for day, worth, unit in days if day is not None and worth and unit]


def _read_day(text: str) -> int | None:
    try:
        return int(datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _read_rate(row: list[str], place: int | None) -> Decimal | None:
    """Return what a euro was worth; the euro itself is in no column."""
    if place is None:
        return Decimal(1)
    return read_price(read_text(row[place].strip())) if place < len(row) else None
