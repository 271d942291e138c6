"""
CoinGecko: an average over many exchanges, in true US dollars, up to a minute old.

Reference: https://docs.coingecko.com/reference/simple-price
Limits: one request for all coins; an edge cache of 60 s (20 s on paid plans), so equal answers in a row are normal;
some 5 to 100 requests a minute and 10,000 a month on the free plans. An unknown id is silently left out of the answer.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import requests
from django.conf import settings

from rates.exceptions import SourceError, SourceGarbled, SourceLimited, SourceRefused, SourceUnreachable
from rates.models import Coin
from rates.pacing import fingerprint
from rates.sources.numbers import read_number, read_price
from rates.types import Rate

NAME = "coingecko"
TETHER = ("USDT", "tether")
# Requests fail when the address gets long; 200 ids stay under 4 KB.
IDS_PER_REQUEST = 200
LONGEST_BODY = 1_000_000
CHUNK = 65536
LONGEST_RETRY_AFTER = 300.0
PUBLIC_HOST = "https://api.coingecko.com/"
PRO_HOST = "https://pro-api.coingecko.com/"
KEY_HEADERS = {"demo": "x-cg-demo-api-key", "pro": "x-cg-pro-api-key"}
REFUSED_CODES = (10002, 10005, 10010, 10011, 1020)


def setup() -> str:
    """Return what tells one configuration of this source from another."""
    return fingerprint(price_url(), settings.COINGECKO_API_KEY, settings.COINGECKO_PLAN, settings.QUOTE_CURRENCY)


def price_url() -> str:
    """Return the address of the price endpoint; a key of a paid plan is only valid on that plan's own host."""
    url: str = settings.COINGECKO_API_URL
    pro = settings.COINGECKO_API_KEY and settings.COINGECKO_PLAN == "pro"
    return url.replace(PUBLIC_HOST, PRO_HOST) if pro else url


def count_calls(coins: Sequence[Coin]) -> int:
    """Return how many requests a question about *coins* takes."""
    return max(1, -(-(len(coins) + 1) // IDS_PER_REQUEST))


def fetch_rates(coins: Sequence[Coin], timeout: float) -> list[Rate]:
    """
    Return the rates CoinGecko knows for *coins*, and USDT's; unknown coins are left out.

    Raises:
        SourceError: on a network failure, an error status, or an unreadable body; nothing within *timeout* seconds.
    """
    deadline = time.monotonic() + timeout
    symbols = dict([TETHER[::-1], *((coin.coingecko_id, coin.symbol) for coin in coins)])
    ids = sorted(symbols)
    rates: list[Rate] = []
    for start in range(0, len(ids), IDS_PER_REQUEST):
        body = get_json(price_url(), _question(ids[start : start + IDS_PER_REQUEST]), deadline)
        rates += parse_prices(body, symbols, settings.QUOTE_CURRENCY, datetime.now(UTC))
    return rates


def _question(ids: Sequence[str]) -> dict[str, str]:
    return {
        "ids": ",".join(ids),
        "vs_currencies": settings.QUOTE_CURRENCY,
        "include_24hr_change": "true",
        "include_24hr_vol": "true",
        "include_last_updated_at": "true",
        "precision": "full",
    }


def get_json(url: str, params: Mapping[str, str], deadline: float, longest: int = LONGEST_BODY) -> Any:
    """
    Return the JSON answer of CoinGecko's *url*, with every number as `Decimal`.

    Raises:
        SourceError: as `fetch_rates`; *deadline* is a time of the monotonic clock.
    """
    try:
        with _session().get(
            url,
            params=params,
            headers=_headers(),
            timeout=max(0.05, deadline - time.monotonic()),
            allow_redirects=False,
            stream=True,
        ) as response:
            return _read(response, b"".join(_chunks(response, deadline, longest)))
    except requests.RequestException as error:
        raise SourceUnreachable(NAME, f"cannot be reached: {type(error).__name__}") from error


@cache
def _session_of(_thread: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = True
    return session


def _session() -> requests.Session:
    return _session_of(threading.get_ident())


def _headers() -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if settings.COINGECKO_API_KEY:
        headers[KEY_HEADERS[settings.COINGECKO_PLAN]] = settings.COINGECKO_API_KEY
    return headers


def _chunks(response: requests.Response, deadline: float, longest: int) -> Iterator[bytes]:
    size = 0
    raw = response.raw
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise SourceUnreachable(NAME, "did not answer in time")
        connection = getattr(raw, "_connection", None)
        if connection is not None and getattr(connection, "sock", None) is not None:
            connection.sock.settimeout(left)
        try:
            chunk = raw.read1(CHUNK, decode_content=True)
        except (OSError, requests.packages.urllib3.exceptions.HTTPError) as error:  # type: ignore[attr-defined]
            raise SourceUnreachable(NAME, f"broke off: {type(error).__name__}") from error
        if not chunk:
            return
        size += len(chunk)
        if size > longest:
            raise SourceGarbled(NAME, f"an answer of more than {longest} bytes")
        yield chunk


def _read(response: requests.Response, body: bytes) -> Any:
    data = _decode(body)
    error = find_error(data)
    if response.status_code == 200 and error is None:
        if not isinstance(data, (dict, list)) or "json" not in response.headers.get("content-type", ""):
            raise SourceGarbled(NAME, "an answer that is not JSON")
        return data
    raise name_failure(response.status_code, error, response.headers.get("retry-after", ""))


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def find_error(data: Any) -> tuple[int, str] | None:
    """Return code and words of an error body, which comes in three shapes and with any status; None for prices."""
    if not isinstance(data, dict):
        return None
    status = data.get("status")
    inner = status if isinstance(status, dict) and not {"usd", "last_updated_at"} & status.keys() else {}
    code = data.get("error_code", inner.get("error_code"))
    words = inner.get("error_message") or data.get("error")
    if code is None and not isinstance(words, str):
        return None
    return int(code) if isinstance(code, Decimal) else 0, str(words or "")[:120]


def name_failure(status: int, error: tuple[int, str] | None, retry_after: str) -> SourceError:
    """Return the exception for an answer without prices: HTTP *status*, error body, `Retry-After` in seconds."""
    code, words = error or (0, "")
    if 429 in (status, code):
        pause = min(float(retry_after), LONGEST_RETRY_AFTER) if retry_after.isdigit() else None
        return SourceLimited(NAME, "asked too often (429)", pause)
    if code in REFUSED_CODES or status in (401, 403):
        advice = "check COINGECKO_API_KEY and COINGECKO_PLAN" if status != 403 or code else "blocked for this address"
        return SourceRefused(NAME, f"refused ({code or status}): {words or advice}; {advice}" if words else advice)
    if status >= 500:
        return SourceUnreachable(NAME, f"out of order ({status})")
    return SourceGarbled(NAME, f"answered {status}: {words or 'no prices'}")


def parse_prices(body: Any, symbols: Mapping[str, str], quote: str, received_at: datetime) -> list[Rate]:
    """
    Return the rates in the *body* of `simple/price`; *symbols* maps CoinGecko's ids to ours.

        {"bitcoin": {"usd": 76975, "usd_24h_change": -1.40, "usd_24h_vol": 2.8e10, "last_updated_at": 1779092258}}

    A coin without a usable price is left out; without a time stamp, the price counts as computed on arrival.
    """
    if not isinstance(body, dict):
        raise SourceGarbled(NAME, "an answer that is not an object")
    rates = []
    for coin_id, item in body.items():
        price = read_price(item.get(quote)) if isinstance(item, dict) else None
        if price is None or coin_id not in symbols:
            continue
        rates.append(
            Rate(
                symbol=symbols[coin_id],
                price=price,
                change_24h_pct=read_number(item.get(f"{quote}_24h_change")),
                volume_24h=read_number(item.get(f"{quote}_24h_vol")),
                source=NAME,
                observed_at=_read_seconds(item.get("last_updated_at")) or received_at,
                received_at=received_at,
            )
        )
    return rates


def _read_seconds(value: Any) -> datetime | None:
    seconds = read_number(value)
    if seconds is None or not 0 < seconds < 10**11:
        return None
    return datetime.fromtimestamp(float(seconds), UTC)
