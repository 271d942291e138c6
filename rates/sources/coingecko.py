"""
CoinGecko: an average over many exchanges, in true US dollars, up to a minute old; also measures other currencies.

Reference: https://docs.coingecko.com/reference/simple-price
Limits: one request for all coins; an edge cache of 60 s (20 s on paid plans), so equal answers in a row are normal;
some 5 to 100 requests a minute and 10,000 a month on the free plans. An unknown id is silently left out of the answer.

What other currencies are worth is asked in the request that has USDT, and read from the prices of USDT, or of the coin
that comes first. It makes the address longer by up to 260 characters, and the answer by some 150 bytes for each coin.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings

from rates.concurrency import kept_threads
from rates.currencies import find_ratio, measured, pair_of, relative_change
from rates.exceptions import (
    NotOffered,
    SourceEmpty,
    SourceError,
    SourceGarbled,
    SourceLimited,
    SourceRefused,
    SourceUnreachable,
    TooLongAgo,
)
from rates.kept import KeptLast
from rates.models import Coin
from rates.outbound.dialing import USER_AGENT
from rates.outbound.errors import describe
from rates.outbound.retry_after import read_retry_after
from rates.sources import pacing
from rates.sources.vendor_values import read_json, read_number, read_price, read_time, read_volume
from rates.types import USDT_PAIR, Rate, Rates

if TYPE_CHECKING:
    from rates.outbound.http import Answer

logger = logging.getLogger(__name__)

NAME = "coingecko"
QUOTE: str | None = None
BY_ID = True
CREDITS_SETTING: str | None = "COINGECKO_MONTHLY_CREDITS"
USDT_ID = "tether"
# Up to 515 ids have been answered, and requests fail when the address gets longer than some 4 KB.
IDS_PER_REQUEST = 500
LONGEST_IDS = 3500
LONGEST_BODY = 1_000_000
# What each further currency adds for all the ids of a request.
LONGEST_CURRENCY = 125_000
LONGEST_RETRY_AFTER = 300.0
# Requests that are under way at a time.
SIDE_BY_SIDE = 4
# Seconds between two log lines about a list that is too long.
LOG_INTERVAL = 600.0
PUBLIC_HOST = "https://api.coingecko.com/"
PRO_HOST = "https://pro-api.coingecko.com/"
KEY_HEADERS = {"demo": "x-cg-demo-api-key", "pro": "x-cg-pro-api-key"}
# "Your request exceeds the allowed time range", with status 401.
TOO_LONG_AGO = 10012
# Key missing or wrong; a key for the other host; the firewall.
REFUSED_CODES = (10002, 10010, 10011, 1020)

# An answer, and when it came.
Arrived = tuple["Answer", datetime]

# The first ids of the batches that this process had no time for in its last question, and when it last said so.
_left_out: set[str] = set()
_logged: dict[str, float] = {}


def setup_fingerprint() -> str:
    """Return a digest of this source's configuration."""
    return pacing.fingerprint(price_url(), settings.COINGECKO_API_KEY, settings.COINGECKO_PLAN, settings.QUOTE_CURRENCY)


def price_url() -> str:
    """Return the address of the price endpoint; a key of a paid plan is only valid on that plan's own host."""
    url: str = settings.COINGECKO_API_URL
    pro = settings.COINGECKO_API_KEY and settings.COINGECKO_PLAN == "pro"
    return url.replace(PUBLIC_HOST, PRO_HOST) if pro else url


def count_calls(coins: Sequence[Coin]) -> int:
    """Return how many requests it takes to ask for *coins*."""
    return len(_batches(coins))


def _split(coins: Sequence[Coin]) -> Sequence[Sequence[str]]:
    """Return the ids of *coins* and USDT's in batches, each for one request."""
    batches: list[list[str]] = [[]]
    length = 0
    for coin_id in sorted({USDT_ID, *(coin.coingecko_id for coin in coins)}):
        length += len(coin_id) + 1
        if length > LONGEST_IDS or len(batches[-1]) == IDS_PER_REQUEST:
            batches.append([])
            length = len(coin_id) + 1
        batches[-1].append(coin_id)
    return batches


def _name_ids(coins: Sequence[Coin]) -> Mapping[str, Sequence[str]]:
    """Return the symbols that each id prices, and the pair of USDT's."""
    symbols: dict[str, tuple[str, ...]] = {USDT_ID: (USDT_PAIR,)}
    for coin in coins:
        symbols[coin.coingecko_id] = (*symbols.get(coin.coingecko_id, ()), coin.symbol)
    return symbols


# A tick asks several times how many calls the same coins take.
_batches = KeptLast(_split)
_symbols = KeptLast(_name_ids)


def fetch_rates(coins: Sequence[Coin], timeout: float) -> Rates:
    """
    Return the rates CoinGecko knows for *coins*, and USDT's; other coins are absent, with the reason.

    Raises:
        SourceError: on a network failure, an error status, or an unreadable body; nothing within *timeout* seconds.
    """
    started = time.monotonic()
    symbols = _symbols(coins)
    # Those that there was no time for in the last tick come first: so a list that is too long has prices over several.
    batches = sorted(_batches(coins), key=lambda ids: ids[0] not in _left_out)
    ask = partial(_ask, deadline=started + timeout)
    # This thread asks as well, and alone where there is one batch. It reads all answers: threads that compute at the
    # same time only get in each other's way.
    others = kept_threads(SIDE_BY_SIDE - 1, NAME).map(ask, batches[1:])
    arrived = [ask(batches[0]), *others]
    answers = [_read_batch(ids, each, symbols) for ids, each in zip(batches, arrived, strict=True)]
    _left_out.clear()
    _left_out.update(ids[0] for ids, answer in zip(batches, answers, strict=True) if isinstance(answer, SourceError))
    return _join(answers, len(coins), time.monotonic() - started, timeout)


def _ask(ids: Sequence[str], deadline: float) -> Arrived | SourceError:
    codes = _codes(ids)
    try:
        return _get(price_url(), _price_params(ids, codes), deadline, _longest(codes)), datetime.now(UTC)
    except SourceError as error:
        return error


def _codes(ids: Sequence[str]) -> Sequence[str]:
    return measured() if USDT_ID in ids else []


def _longest(codes: Sequence[str]) -> int:
    return LONGEST_BODY + LONGEST_CURRENCY * len(codes)


def _read_batch(
    ids: Sequence[str], arrived: Arrived | SourceError, symbols: Mapping[str, Sequence[str]]
) -> Rates | SourceError:
    if isinstance(arrived, SourceError):
        return arrived
    answer, received_at = arrived
    codes = _codes(ids)
    try:
        body = _read(answer, _longest(codes))
        rates = parse_prices(body, symbols, settings.QUOTE_CURRENCY, received_at)
        rates += parse_currencies(body, codes, settings.QUOTE_CURRENCY, received_at)
    except SourceError as error:
        return error
    priced = {rate.symbol for rate in rates}
    lacking = {symbol: coin_id for coin_id in ids for symbol in symbols[coin_id] if symbol not in priced}
    absent = {symbol: explain_absence(body, coin_id) for symbol, coin_id in lacking.items()}
    return Rates(rates, absent, parse_market_caps(body, settings.QUOTE_CURRENCY))


def explain_absence(body: Mapping[str, Any], coin_id: str) -> str:
    """Return why the coin has no usable price in *body*: unknown ids and currencies are left out without a word."""
    item, quote = body.get(coin_id), settings.QUOTE_CURRENCY
    if not isinstance(item, dict):
        return f"no coin has the id {coin_id}: renamed or removed?"
    # A single coin may lack it for itself; USDT, or several together, do not.
    several = USDT_ID in body or len(body) > 1
    if several and not any(isinstance(other, dict) and quote in other for other in body.values()):
        return f"no prices in {quote}"
    if item.get(quote) is None:
        return f"{coin_id} has no price there: not traded any more?"
    return f"the price of {coin_id} is not a usable number"


def _join(answers: Sequence[Rates | SourceError], coins: int, took: float, timeout: float) -> Rates:
    """
    Return the rates of all *answers*; batches for which there was no time come with another tick.

    Answers without any price, not even USDT's, are bad ones: some of what is asked for always has one.

    Raises:
        SourceError: the worst of the errors, with the rates that arrived, unless it is only a lack of time.
    """
    parts = [answer for answer in answers if not isinstance(answer, SourceError)]
    absent = {symbol: reason for part in parts for symbol, reason in part.absent.items()}
    market_caps = {coin_id: cap for part in parts for coin_id, cap in part.market_caps.items()}
    told = {symbol: reason for symbol, reason in absent.items() if symbol != USDT_PAIR}
    rates = Rates((rate for part in parts for rate in part), told, market_caps)
    errors = [answer for answer in answers if isinstance(answer, SourceError)]
    worst = next((error for error in errors if not isinstance(error, SourceUnreachable)), errors[0] if errors else None)
    if worst is None and not rates:
        raise SourceEmpty(NAME, f"an answer without any price ({next(iter(absent.values()))})")
    if worst is None:
        return rates
    if rates and isinstance(worst, SourceUnreachable):
        _log_length(coins, took * len(answers) / (len(answers) - len(errors)), timeout)
        return rates
    worst.arrived = rates
    raise worst


def _log_length(coins: int, needed: float, timeout: float) -> None:
    """Say, once in ten minutes, that the list is too long for a tick, and how long one may be."""
    if time.monotonic() - _logged.get("length", float("-inf")) >= LOG_INTERVAL:
        _logged["length"] = time.monotonic()
        logger.warning(
            "coingecko: %d coins take %.1f s, and a tick has %.2f s for them: their prices come over several ticks; "
            "%d coins would do",
            *(coins, needed, timeout, coins * timeout / needed),
        )


def _price_params(ids: Sequence[str], codes: Sequence[str]) -> dict[str, str]:
    return {
        "ids": ",".join(ids),
        "vs_currencies": ",".join((settings.QUOTE_CURRENCY, *codes)),
        "include_market_cap": "true",
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
    return _read(_get(url, params, deadline, longest), longest)


def _get(url: str, params: Mapping[str, str], deadline: float, longest: int) -> "Answer":
    from rates.outbound.http import http_get  # noqa: PLC0415 - `requests` takes 4 MB, which most processes never use

    try:
        return http_get(f"{url}?{urlencode(params, safe=',')}", _headers(), deadline, longest)
    except OSError as error:
        raise SourceUnreachable(NAME, f"cannot be reached: {describe(error)}") from error


def _headers() -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
    if settings.COINGECKO_API_KEY:
        headers[KEY_HEADERS[settings.COINGECKO_PLAN]] = settings.COINGECKO_API_KEY
    return headers


def _read(answer: "Answer", longest: int) -> Any:
    status, headers, body = answer
    if len(body) > longest:
        raise SourceGarbled(NAME, f"an answer of more than {longest} bytes")
    data = _decode(body)
    error = find_error(data)
    if status == 200 and error is None:
        if not isinstance(data, (dict, list)) or "json" not in headers.get("content-type", ""):
            raise SourceGarbled(NAME, "an answer that is not JSON")
        return data
    raise answer_error(status, error, read_retry_after(headers.get("retry-after", ""), headers.get("date", "")))


def _decode(body: bytes) -> Any:
    try:
        return read_json(body)
    except ValueError:
        return None


def find_error(data: Any) -> tuple[int, str] | None:
    """
    Return code and words of an error body, which comes with any status; None for prices. Its four shapes:

        {"status": {"error_code": 429, "error_message": "…"}}
        {"error_code": 10010, "status": {"error_message": "…"}}
        {"error": "coin not found"}
        {"error": {"status": {"error_code": 10012, "error_message": "…"}}}
    """
    parts = [part for part in _error_parts(data) if isinstance(part, dict)]
    code = next((part["error_code"] for part in parts if part.get("error_code") is not None), None)
    texts = [part.get(key) for part in parts for key in ("error_message", "error")]
    words = next((text for text in texts if isinstance(text, str)), None)
    if code is None and words is None:
        return None
    number = read_number(code)
    return 0 if number is None else int(number), _quote_words(words)


def _error_parts(data: Any) -> list[Any]:
    """Return what an error body has its code and words in; a coin that is called `status` has neither."""
    if not isinstance(data, dict):
        return []
    nested = data.get("error")
    return [data, data.get("status"), nested, nested.get("status") if isinstance(nested, dict) else None]


def _quote_words(words: object) -> str:
    """Return the vendor's *words* in one line that any log or page can show, without our key should they repeat it."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(words or ""))
    text = " ".join(text.split())
    key: str = settings.COINGECKO_API_KEY
    return (text.replace(key, "[key]") if key else text)[:120]


def answer_error(status: int, error: tuple[int, str] | None, retry_after: float | None) -> SourceError:
    """
    Return the exception for an answer without prices: HTTP *status*, error body, `Retry-After` in seconds.

    An error that is about the question alone is no reason to leave the source alone: a past that the plan does not
    reach (401), an endpoint that it does not have, a currency or a coin that does not exist.
    """
    code, words = error or (0, "")
    if 429 in (status, code):
        pause = None if retry_after is None else min(retry_after, LONGEST_RETRY_AFTER)
        return SourceLimited(NAME, "asked too often (429)", pause)
    if code == TOO_LONG_AGO:
        return TooLongAgo(NAME, words)
    if status == 404 and "coin not found" in words:
        return NotOffered(NAME, words)
    if code in REFUSED_CODES or (status in (401, 403, 451) and not code):
        key = status == 401 or code
        advice = "check COINGECKO_API_KEY and COINGECKO_PLAN" if key else f"blocked for this address ({status})"
        return SourceRefused(NAME, f"refused ({code or status}): {words}; {advice}" if words else advice)
    if status >= 500:
        return SourceUnreachable(NAME, f"out of order ({status})", retry_after)
    return SourceGarbled(NAME, f"answered {code or status}: {words or 'no prices'}")


def parse_prices(body: Any, symbols: Mapping[str, Sequence[str]], quote: str, received_at: datetime) -> list[Rate]:
    """
    Return the rates in the *body* of `simple/price`; *symbols* maps CoinGecko's ids to ours.

        {"bitcoin": {"usd": 76975, "usd_24h_change": -1.40, "usd_24h_vol": 2.8e10, "last_updated_at": 1779092258}}

    A coin without a usable price is left out; without a timestamp, the price counts as computed on arrival.
    """
    if not isinstance(body, dict):
        raise SourceGarbled(NAME, "an answer that is not an object")
    change, volume = f"{quote}_24h_change", f"{quote}_24h_vol"
    rates = []
    for coin_id, item in body.items():
        price = read_price(item.get(quote)) if isinstance(item, dict) else None
        if price is None:
            continue
        moved, traded = read_number(item.get(change)), read_volume(item.get(volume))
        observed_at = read_time(item.get("last_updated_at"), 1, received_at) or received_at
        for symbol in symbols.get(coin_id, ()):
            # Nearly always one, for which a comprehension would take three times as long.
            rates.append(Rate(symbol, price, moved, traded, NAME, observed_at, received_at))  # noqa: PERF401
    return rates


def parse_market_caps(body: Mapping[str, Any], quote: str) -> dict[str, Decimal]:
    """Return the market caps in the *body* of `simple/price`, by id; one that is not known is 0 there and left out."""
    caps = {
        coin_id: read_price(item.get(f"{quote}_market_cap")) for coin_id, item in body.items() if isinstance(item, dict)
    }
    return {coin_id: cap for coin_id, cap in caps.items() if cap is not None}


def parse_currencies(body: Mapping[str, Any], codes: Sequence[str], quote: str, received_at: datetime) -> list[Rate]:
    """
    Return what one unit of *quote* is worth in each of *codes*, where the *body* of `simple/price` tells.

        {"tether": {"usd": 0.99987, "usd_24h_change": -0.01, "eur": 0.92118, "eur_24h_change": 0.22, ...}}

    The same coin in two currencies tells what the one is worth in the other, and the same of its change.
    """
    items = [body.get(USDT_ID), *body.values()]
    item = next((item for item in items if isinstance(item, dict) and read_price(item.get(quote)) is not None), {})
    base, base_change = read_price(item.get(quote)), read_number(item.get(f"{quote}_24h_change"))
    observed_at = read_time(item.get("last_updated_at"), 1, received_at) or received_at
    rates = []
    for code in codes:
        price, change = read_price(item.get(code)), read_number(item.get(f"{code}_24h_change"))
        if base is not None and price is not None:
            moved = None if change is None or base_change is None else relative_change(change, base_change)
            rates.append(Rate(pair_of(code), find_ratio(price, base), moved, None, NAME, observed_at, received_at))
    return rates
