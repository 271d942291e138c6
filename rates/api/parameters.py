"""
What clients of the HTTP API ask for: coins, currencies, times and limits, each read or refused with a `Problem`.

Tested in `tests/api/test_history.py`.
"""

import json
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest

from rates.api.problems import Problem
from rates.currencies import find_code, offered
from rates.history import reading
from rates.history.candles import INTERVALS
from rates.history.series import Instrument
from rates.models import Coin
from rates.symbols import LONGEST_SYMBOL, fold
from rates.types import encode_json

LIMIT, MOST_CANDLES = 500, 5000
LONGEST_BODY = 200_000
MOST_SYMBOLS = 500
# Bytes of a header that lists symbols.
LONGEST_HEADER = 2000
# Seconds: a client's clock that is this far ahead asks for now.
CLOCK_TOLERANCE = 2.0

# A number of seconds or milliseconds, whose first digits might be read as a date.
EPOCH = re.compile(r"\d{9}")

# Symbol and price of each enabled coin, by its folded symbol.
Coins = Mapping[str, tuple[str, Instrument]]


class Selection(NamedTuple):
    """
    Which coins are wanted.

    Attributes:
        symbols: folded; None for all.
        unknown: what was named and is not on the board, as it was spelled.
    """

    symbols: frozenset[str] | None
    unknown: tuple[str, ...]


def load_coins() -> Coins:
    """Return symbol and price of each enabled coin, by its folded symbol."""
    names = Coin.objects.enabled().values_list("symbol", "coingecko_id")
    return {fold(symbol): (symbol, Instrument(coin_id, settings.QUOTE_CURRENCY)) for symbol, coin_id in names}


def find_coin(symbol: str) -> tuple[str, Instrument]:
    """Return the coin on the board that *symbol* means, in any case, and whose price it is."""
    exact = Coin.objects.enabled().filter(symbol=symbol).values_list("coingecko_id", flat=True)[:1]
    for coin_id in exact:
        return symbol, Instrument(coin_id, settings.QUOTE_CURRENCY)
    return pick_coin(symbol, load_coins())


def pick_coin(symbol: str, coins: Coins) -> tuple[str, Instrument]:
    """Return the one of *coins* that *symbol* means, in any case."""
    if fold(symbol) not in coins:
        raise Problem(404, "unknown_symbol", f"symbol: {symbol[:40]!r} is not on the board; /api/rates lists the coins")
    return coins[fold(symbol)]


def read_symbols(request: HttpRequest, known: Iterable[str]) -> Selection:
    """Return which of the *known* symbols are wanted, in any case; all of them where the request names none."""
    names = [name for text in request.GET.getlist("symbols") for name in text.split(",") if name.strip()]
    if not names:
        return Selection(None, ())
    if len(names) > MOST_SYMBOLS:
        raise Problem(400, "too_many", f"symbols: {len(names)} are named; at most {MOST_SYMBOLS} are allowed")
    there = {fold(symbol) for symbol in known}
    unknown = tuple(name.strip() for name in names if fold(name.strip()) not in there)
    if len(unknown) == len(names):
        raise Problem(
            404, "unknown_symbol", f"symbols: {_say(unknown)} is not on the board; /api/rates lists the coins"
        )
    return Selection(frozenset(fold(name.strip()) for name in names), unknown)


def write_unknown(unknown: Iterable[str]) -> str:
    """Return *unknown* symbols for a header, percent-encoded where that is needed, as many as fit into 2,000 bytes."""
    text = ",".join(quote(symbol[:LONGEST_SYMBOL], safe="$.!*+@=&?~()[]") for symbol in dict.fromkeys(unknown))
    return text if len(text) <= LONGEST_HEADER else text[:LONGEST_HEADER].rpartition(",")[0]


def _say(unknown: Sequence[str]) -> str:
    shown = ", ".join(repr(symbol[:LONGEST_SYMBOL]) for symbol in unknown[:5])
    return shown if len(unknown) <= 5 else f"{shown} and {len(unknown) - 5} more"


def read_interval(text: str) -> int:
    """Return the seconds of an interval such as ``1h``."""
    if text not in INTERVALS:
        raise Problem(400, "bad_interval", f"interval: {text[:40]!r} is not one of {', '.join(INTERVALS)}")
    return INTERVALS[text]


def read_offered(given: Any, name: str = "currency") -> str:
    """Return the currency that is *given*, in any case; the base where none is."""
    code = find_code(settings.QUOTE_CURRENCY if given is None else str(given))
    if code is None:
        raise Problem(
            400, "unknown_currency", f"{name}: {str(given)[:10]!r} is not offered; there are {', '.join(offered())}"
        )
    return code


def read_currency(given: Any) -> str:
    """Return the currency that is *given*, in any case, if there are or will be prices of the past in it."""
    code = "" if given is None else str(given).lower()
    return code if len(code) <= 10 and code and reading.has_currency(code) else read_offered(given)


def read_limit(text: str | None) -> int:
    """Return how many candles are wanted."""
    return LIMIT if text is None else _read_number("limit", text, 1)


def read_points(text: str | None) -> int:
    """Return to how many candles those that are wanted are merged at most; two may share no longer one."""
    return MOST_CANDLES if text is None else _read_number("points", text, 2)


def _read_number(name: str, text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= MOST_CANDLES:
        raise Problem(400, "bad_limit", f"{name}: {text[:40]!r} is not a whole number from {least} to {MOST_CANDLES}")
    return int(text)


def read_within(given: Any, kinds: tuple[type, ...] = (str,)) -> float:
    """Return how many seconds old a price may be; *kinds* of values are numbers where it was *given*."""
    try:
        seconds = 0.0 if given is None else float(given) if type(given) in kinds else -1.0
    except (ValueError, OverflowError):
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise Problem(400, "bad_time", f"within: {str(given)[:40]!r} is not a number of seconds, 0 or more")
    return seconds


def read_range(request: HttpRequest) -> tuple[int, int]:
    """Return the Unix times in the parameters `start` and `end`, up to whole seconds; all of time is the default."""
    start, end = _read_bound(request, "start"), _read_bound(request, "end")
    if start is not None and end is not None and start >= end:
        raise Problem(400, "bad_time", "start must be before end")
    return start or 0, reading.END_OF_TIME if end is None else end


def _read_bound(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    return None if text is None else math.ceil(read_time(name, text))


def read_moment(name: str, given: Any) -> float:
    """Return the Unix time of a moment that is not in the future."""
    moment, now = read_time(name, given), time.time()
    if moment > now + CLOCK_TOLERANCE:
        raise Problem(400, "bad_time", f"{name}: {str(given)[:40]!r} is in the future")
    return min(moment, now)


def read_time(name: str, given: Any) -> float:
    """Return the Unix time that *given* names; without a zone it is UTC, and a blank may stand for a plus."""
    if given is None:
        raise Problem(400, "bad_time", f"{name}: is missing; a time is wanted, such as 2026-11-20T12:34:56Z")
    text = str(given)
    for spelling in () if EPOCH.match(text) else (text, "+".join(text.rsplit(" ", 1))):
        try:
            moment = datetime.fromisoformat(spelling)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    raise Problem(400, "bad_time", f"{name}: {text[:40]!r} is not a time such as 2026-11-20T12:34:56Z")


def read_body(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object that was sent."""
    length = request.headers.get("Content-Length", "0")
    if (length.isdigit() and int(length) > LONGEST_BODY) or len(request.body) > LONGEST_BODY:
        raise Problem(413, "too_many", f"the body has more than {LONGEST_BODY} bytes")
    try:
        body = json.loads(request.body)
        # Answers repeat parts of it, and neither halves of pairs (\ud800) nor NaN are JSON.
        encode_json(body).encode()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "bad_request", 'the body must be JSON: {"wanted": [{"symbol": …, "time": …}]}')
    return body
