"""
What all vendors' histories have in common: candles in a quote currency, and how far back they go.

Tested in `tests/vendor_history/test_vendors.py`.
"""

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

from rates.exceptions import SourceError, SourceGarbled, SourceLimited, SourceRefused, SourceUnreachable
from rates.models import Coin
from rates.outbound.dialing import USER_AGENT
from rates.outbound.errors import describe
from rates.outbound.retry_after import read_retry_after
from rates.sources.vendor_values import read_json

# A thousand candles with all their fields; CoinGecko's longest answer has some 300 kB.
LONGEST_BODY = 2_000_000


class VendorCandle(NamedTuple):
    """
    One candle of a vendor.

    Attributes:
        time: Unix time at which its interval began, aligned to it.
        open, high, low, close: in the vendor's own quote currency.
    """

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class HistoryAnswer(NamedTuple):
    """
    The answer to one request.

    Attributes:
        candles: those that are closed, oldest first, one for each time.
        until: Unix time up to which the request is answered; a vendor may stop early.
    """

    candles: list[VendorCandle]
    until: int


class HistorySource(Protocol):
    """
    A vendor that is asked for historical candles.

    Attributes:
        NAME: as in `RATES_SOURCES`.
        QUOTE: what its prices are in, lower case, when that has to be converted; None when it is `QUOTE_CURRENCY`.
        SPACING: seconds between two requests.
        MOST_CANDLES: the most candles of each interval in one answer.
    """

    NAME: str
    QUOTE: str | None
    SPACING: float
    MOST_CANDLES: Mapping[int, int]

    def setup_fingerprint(self) -> str:
        """Return what tells one configuration of this source (address, key) from another."""

    def find_name(self, coin: Coin) -> str | None:
        """Return the vendor's own name for *coin*; None when it has none."""

    def max_age(self, interval: int) -> float:
        """Return the age of its oldest candle of *interval*, in seconds."""

    def fetch_candles(self, name: str, interval: int, start: int, end: int, timeout: float) -> HistoryAnswer:
        """
        Return the candles of *interval* that begin within [*start*, *end*), within *timeout* seconds in total.

        Raises:
            SourceError: when there is no usable answer; `NotOffered` if it never has one for such a request.
        """


def get_json(source: str, url: str, params: Mapping[str, object], timeout: float) -> tuple[int, Any]:
    """
    Return the status of a vendor's answer, and its JSON with every number as `Decimal`; None if it is not JSON.

    Raises:
        SourceError: no answer in time, or a status that means the same for every vendor.
    """
    from rates.outbound.http import http_get  # noqa: PLC0415 - `requests` takes 4 MB, which most processes never use

    headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
    try:
        answer = http_get(f"{url}?{urlencode(params, safe='/,')}", headers, time.monotonic() + timeout, LONGEST_BODY)
    except OSError as error:
        raise SourceUnreachable(source, f"cannot be reached: {describe(error)}") from error
    pause = read_retry_after(answer.headers.get("retry-after", ""), answer.headers.get("date", ""))
    if answer.status in (418, 429):
        raise SourceLimited(source, f"asked too often ({answer.status})", pause)
    if answer.status in (401, 403, 451):
        raise SourceRefused(source, f"blocked for this address ({answer.status})")
    if answer.status >= 500:
        raise SourceUnreachable(source, f"out of order ({answer.status})", pause)
    if len(answer.body) > LONGEST_BODY:
        raise SourceGarbled(source, f"an answer of more than {LONGEST_BODY} bytes")
    return answer.status, _decode(answer.body)


def _decode(body: bytes) -> Any:
    try:
        return read_json(body)
    except ValueError:
        return None


def select_closed(candles: list[VendorCandle], interval: int, start: int, end: int, now: float) -> list[VendorCandle]:
    """
    Return those of *candles* that were requested and are closed, in order, one for each time.

    Of several for one time the latest makes the close.
    """
    wanted: dict[int, VendorCandle] = {}
    for candle in sorted(candles, key=lambda each: each.time):
        if start <= candle.time < end and candle.time + interval <= now:
            before = wanted.get(candle.time)
            wanted[candle.time] = candle if before is None else _join(before, candle)
    return list(wanted.values())


def _join(one: VendorCandle, later: VendorCandle) -> VendorCandle:
    return later._replace(open=one.open, high=max(one.high, later.high), low=min(one.low, later.low))


def is_sound(candle: VendorCandle) -> bool:
    """Return whether the four prices of *candle* can be those of one."""
    return 0 < candle.low <= min(candle.open, candle.close) and max(candle.open, candle.close) <= candle.high


def garbled(source: str, words: str) -> SourceError:
    """Return the exception for an answer that cannot be read."""
    return SourceGarbled(source, f"history: {words}")
