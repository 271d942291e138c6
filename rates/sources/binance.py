"""
Binance: one exchange; its prices are in USDT, which is not quite a dollar (`rates.judgement.conversion`).

Reference: https://developers.binance.com/docs/binance-spot-api-docs/websocket-api
Limits: a weight of 6000 a minute and 300 connections in 5 minutes per address. Connecting weighs 2; a request weighs 2
for up to 20 pairs, 40 for up to 100, 80 beyond, and 20 for their status. One unknown pair fails the whole request.
Blocked in some places: 451.

Tested in `tests/sources/test_exchanges.py`.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

from django.conf import settings
from msgspec import UNSET, Struct

from rates import store
from rates.exceptions import (
    SourceError,
    SourceGarbled,
    SourceLimited,
    SourceRefused,
    SourceUnreachable,
    StoreUnavailable,
)
from rates.kept import KeptLast
from rates.models import Coin
from rates.outbound.websocket import ExchangeSession
from rates.sources.pacing import fingerprint
from rates.sources.vendor_values import ZERO, NoObject, Scalar, json_reader, read_number, read_text, read_time
from rates.sources.websocket import converse
from rates.types import Rate, Rates, Target, round_places

logger = logging.getLogger(__name__)

NAME = "binance"
QUOTE: str | None = "usdt"
BY_ID = False
CREDITS_SETTING: str | None = None
UNKNOWN_PAIR = -1121
# The answers to a request for a single pair that does not exist, or whose name is malformed.
BAD_PAIR_CODES = (-1100, -1121)
LIMIT_CODE = -1003
# exchangeInfo weighs 20 a request, and one unknown pair fails it; further suspects wait for the next tick.
MOST_CHECKS = 20
# Pairs whose status is asked for, those that moved the longest ago: a hundred are about 200 kB.
MOST_STATUSES = 100

# Of the requests of this process.
_numbers = count(1)


class Info(Struct):
    """What `exchangeInfo` says of a pair."""

    symbol: Any = None
    status: Any = None


class Result(Struct, rename="camel"):
    """The ticker of a pair, or what `exchangeInfo` answers; any of it may be missing, or not what it should be."""

    symbol: Any = None
    last_price: Any = None
    open_price: Any = None
    quote_volume: Any = None
    close_time: Any = None
    count: Any = None
    symbols: list[Info | NoObject] | dict[str, Any] | Scalar = None


class Reply(Struct):
    """The answer to a request."""

    id: Any = None
    status: Any = UNSET
    error: Any = UNSET
    result: list[Result | NoObject] | Result | Scalar = None


read_reply: Callable[[str | bytes], Reply] = json_reader(Reply)


def setup_fingerprint() -> str:
    """Return a digest of this source's configuration."""
    return fingerprint(settings.BINANCE_WS_API_URL)


def count_calls(coins: Sequence[Coin]) -> int:
    """Return 1, because one request has all pairs; 0 if none of *coins* has a pair."""
    return int(any(NAME in coin.pairs for coin in coins))


def fetch_rates(coins: Sequence[Coin], timeout: float) -> Rates:
    """
    Return the rates Binance has for *coins*, in USDT, by one question; coins without a pair are left out.

    Pairs that Binance does not know are remembered, and not asked for again within a day. One that is not traded now
    has a last price, which is not told.

    Raises:
        SourceError: when there is no usable answer within *timeout* seconds.
    """
    deadline = time.monotonic() + timeout
    targets = map_pairs(coins)
    unknown = _load_unknown() if targets else frozenset()
    pairs = [pair for pair in targets if pair not in unknown]
    if not pairs:
        return Rates.of_pairs([], targets)
    time_for_it = deadline - time.monotonic()
    found, halted = converse(NAME, settings.BINANCE_WS_API_URL, time_for_it, partial(_ask_all, pairs=pairs))
    traded = {pair: coins for pair, coins in targets.items() if pair not in halted}
    reasons = {pair: f"{pair} is not traded now ({status})" for pair, status in halted.items()}
    return Rates.of_pairs(parse_tickers(found, traded, datetime.now(UTC)), targets, reasons)


def map_pairs(coins: Sequence[Coin]) -> Mapping[str, tuple[Target, ...]]:
    """Return the coins that each pair prices; two coins may share one."""
    return _pairs(coins)


def _map_pairs(coins: Sequence[Coin]) -> Mapping[str, tuple[Target, ...]]:
    targets: dict[str, tuple[Target, ...]] = {}
    for coin in coins:
        if pair := coin.pairs.get(NAME):
            targets[pair.name] = (*targets.get(pair.name, ()), Target(coin.symbol, pair.factor))
    return targets


_pairs = KeptLast(_map_pairs)


def _ask_all(session: ExchangeSession, pairs: Sequence[str]) -> tuple[list[Result], Mapping[str, str]]:
    """Return the tickers of *pairs*, and the status of those that are not traded now."""
    reply = _ask(session, {"all": _tickers({"symbols": list(pairs)})})["all"]
    if _code(reply) in BAD_PAIR_CODES:
        return _ask_separately(session, pairs)
    found = results(reply)
    return found, _find_halted(session, _oldest_first(found))


def _oldest_first(tickers: Sequence[Result]) -> list[str]:
    named = [ticker for ticker in tickers if isinstance(ticker.symbol, str)]
    return [each.symbol for each in sorted(named, key=_closed_at)]


def _closed_at(ticker: Result) -> int:
    return ticker.close_time if isinstance(ticker.close_time, int) else 0


def _ask_separately(session: ExchangeSession, pairs: Sequence[str]) -> tuple[list[Result], Mapping[str, str]]:
    """Ask for each pair separately, all at once; remember those that Binance confirms not to have."""
    replies = _ask(session, {pair: _tickers({"symbol": pair}) for pair in pairs})
    suspects = [pair for pair, reply in replies.items() if _code(reply) in BAD_PAIR_CODES]
    found = [ticker for pair, reply in replies.items() if pair not in suspects for ticker in results(reply)]
    halted = _find_halted(session, _oldest_first(found))
    return found, {**halted, **_verify(session, suspects[:MOST_CHECKS])}


def _find_halted(session: ExchangeSession, pairs: Sequence[str]) -> dict[str, str]:
    """Return the status of those of *pairs* that are not traded now; only so many are asked about."""
    wanted = {"symbols": list(pairs[:MOST_STATUSES]), "showPermissionSets": False}
    try:
        return _read_halted(_ask(session, {"status": ("exchangeInfo", wanted)})["status"]) if pairs else {}
    except (OSError, SourceUnreachable):
        logger.debug("binance: no time left to ask whether pairs are traded")
        return {}


def _verify(session: ExchangeSession, suspects: Sequence[str]) -> dict[str, str]:
    """Remember those of *suspects* that do not exist; return the status of those that are not traded now."""
    try:
        replies = _ask(session, {pair: ("exchangeInfo", {"symbol": pair}) for pair in suspects})
    except (OSError, SourceUnreachable):
        logger.debug("binance: no time left to verify %s", ", ".join(suspects))
        return {}
    _remember_unknown([pair for pair, reply in replies.items() if _code(reply) in BAD_PAIR_CODES])
    return {pair: status for reply in replies.values() for pair, status in _read_halted(reply).items()}


def _read_halted(reply: Reply) -> dict[str, str]:
    """
    Return the status of the pairs in *reply*, from `exchangeInfo`, that are not traded: `BREAK`, `HALT`.

        {"result": {"symbols": [{"symbol": "BTCUSDT", "status": "TRADING"}]}}
    """
    infos = reply.result.symbols if isinstance(reply.result, Result) else None
    known = [info for info in infos if isinstance(info, Info)] if isinstance(infos, list) else []
    return {i.symbol: i.status for i in known if isinstance(i.symbol, str) and i.status not in (None, "TRADING")}


def _tickers(params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "ticker.24hr", {**params, "type": "MINI"}


def _ask(session: ExchangeSession, requests: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, Reply]:
    """Send all *requests* (by name: method, parameters) and return the reply to each; raise if one is a limit."""
    # So that a reply that is late is not taken for one to a later request.
    names = {f"{next(_numbers)}": name for name in requests}
    for number, (method, params) in zip(names, requests.values(), strict=True):
        wanted = {**params, "returnRateLimits": False}
        session.send(json.dumps({"id": number, "method": method, "params": wanted}))
    replies: dict[str, Reply] = {}
    while len(replies) < len(requests):
        reply = session.read(read_reply)
        _raise_limit(reply)
        if reply.id is None and reply.error is not UNSET:
            raise _failure(reply)
        if isinstance(reply.id, str) and reply.id in names:
            replies[names[reply.id]] = reply
    return replies


def _code(reply: Reply) -> int | None:
    code = read_number(reply.error.get("code")) if isinstance(reply.error, dict) else None
    return None if code is None else int(code)


def results(reply: Reply) -> list[Result]:
    """Return what the answer to a request has; raise if it is an error."""
    if reply.error is not UNSET or (reply.status is not UNSET and read_number(reply.status) != 200):
        raise _failure(reply)
    if isinstance(reply.result, list):
        return [item for item in reply.result if isinstance(item, Result)]
    if not isinstance(reply.result, Result):
        raise SourceGarbled(NAME, "an answer without a result")
    return [reply.result]


def _raise_limit(reply: Reply) -> None:
    if _code(reply) == LIMIT_CODE or read_number(reply.status) in (418, 429):
        raise _failure(reply)


def _failure(reply: Reply) -> SourceError:
    """Return the exception for a reply with an error."""
    status, code = read_number(reply.status), _code(reply)
    if code == LIMIT_CODE or status in (418, 429):
        return SourceLimited(NAME, f"asked too often ({status or code})", _read_pause(reply, time.time()))
    if status in (403, 451):
        return SourceRefused(NAME, f"blocked here ({status})")
    if status is not None and status >= 500:
        return SourceUnreachable(NAME, f"out of order ({status})")
    return SourceGarbled(NAME, f"refused the request (code {code}, status {status})")


def _read_pause(reply: Reply, now: float) -> float | None:
    """Return the seconds until a limit ends, which *reply* has as Unix milliseconds; None if it has not."""
    data = reply.error.get("data") if isinstance(reply.error, dict) else None
    if not isinstance(data, dict):
        return None
    end, server = read_number(data.get("retryAfter")), read_number(data.get("serverTime"))
    if end is None:
        return None
    start = float(server) / 1000 if server else now
    return max(0.0, float(end) / 1000 - start)


def parse_tickers(
    tickers: Iterable[Result], targets: Mapping[str, Sequence[Target]], received_at: datetime
) -> list[Rate]:
    """
    Return the rates in *tickers*, results of `ticker.24hr`; *targets* maps pairs to our coins.

        {"symbol": "BTCUSDT", "openPrice": "66000.00000000", "lastPrice": "67195.12000000", "volume": "1.5",
         "quoteVolume": "100000.5", "closeTime": 1660100564909, "count": 2}

    A pair without a usable price, or without a trade in 24 hours, is left out.
    """
    rates = []
    for t in tickers:
        if t.count != 0:
            values = (t.symbol, t.last_price, t.open_price, t.quote_volume, t.close_time)
            rates += build_rates(values, targets, received_at)
    return rates


def build_rates(values: Sequence[Any], targets: Mapping[str, Sequence[Target]], received_at: datetime) -> list[Rate]:
    """Return the rate of each coin of a pair; *values*: pair, last and open price, quote volume, milliseconds."""
    pair, last, opened, volume, milliseconds = values
    price, before, traded = read_text(last), read_text(opened), read_text(volume)
    observed_at = read_time(milliseconds, 1000, received_at)
    if price is None or price <= ZERO or observed_at is None or not isinstance(pair, str):
        return []
    change = read_number(round_places(price / before * 100 - 100, 4)) if before and before > ZERO else None
    traded = None if traded is None or traded < ZERO else traded
    rates = []
    for target in targets.get(pair, ()):
        # Nearly always one, for which a comprehension would take three times as long.
        rates.append(Rate(target.symbol, target.price(price), change, traded, NAME, observed_at, received_at))  # noqa: PERF401
    return rates


def _load_unknown() -> frozenset[str]:
    try:
        return store.load_unknown_pairs()
    except StoreUnavailable:
        return frozenset()


def _remember_unknown(pairs: Sequence[str]) -> None:
    if not pairs:
        return
    logger.warning("binance: no such pair: %s; asked again in a day", ", ".join(pairs))
    try:
        store.save_unknown_pairs(pairs)
    except StoreUnavailable as error:
        logger.warning("binance: cannot remember unknown pairs: %s", error)
