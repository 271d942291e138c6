"""
Kraken: one exchange, with prices in real US dollars; also measures what a USDT and what other currencies are worth.

Reference: https://docs.kraken.com/api/docs/websocket-v2/ticker
Limits: not published. Pairs are BASE/QUOTE in Kraken's own spelling; each is acknowledged separately, so an unknown
one affects no other.

Tested in `tests/sources/test_exchanges.py`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from msgspec import Struct
from msgspec.structs import replace

from rates.currencies import measured, pair_of, relative_change
from rates.exceptions import SourceLimited, SourceUnreachable
from rates.kept import KeptLast
from rates.models import Coin
from rates.outbound.websocket import ExchangeSession
from rates.sources.pacing import fingerprint
from rates.sources.vendor_values import (
    NoObject,
    Scalar,
    json_list_reader,
    json_reader,
    read_iso_time,
    read_number,
    read_price,
    read_volume,
)
from rates.sources.websocket import open_session
from rates.types import USDT, USDT_PAIR, Rate, Rates, Target, round_places

NAME = "kraken"
QUOTE: str | None = None
BY_ID = False
CREDITS_SETTING: str | None = None
# Its markets of one currency in another. Which of the two is first differs.
CURRENCY_PAIRS = ("AUD/JPY", "AUD/USD", "EUR/AUD", "EUR/CAD", "EUR/CHF", "EUR/GBP", "EUR/JPY", "EUR/USD", "GBP/USD",
                  "USD/CAD", "USD/CHF", "USD/JPY")  # fmt: skip
# How its answer about each pair that it takes begins, which tells nothing else: half of all messages of a poll.
ACCEPTED = b'{"method":"subscribe","result":'


class Ticker(Struct):
    """What a message says of one pair, or of the trading engine; any of it may be missing, or not what it should be."""

    symbol: Any = None
    last: Any = None
    volume: Any = None
    vwap: Any = None
    change_pct: Any = None
    timestamp: Any = None
    system: Any = None


# What came at a moment.
Arrived = tuple[Sequence[Ticker], datetime]


class Message(Struct):
    """A message of Kraken's: prices, a status, or the answer to a request."""

    channel: Any = None
    type: Any = None
    success: Any = None
    error: Any = ""
    symbol: Any = None
    data: list[Ticker | NoObject] | dict[str, Any] | Scalar = None


read_message: Callable[[str | bytes], Message] = json_reader(Message)
read_messages: Callable[[Sequence[bytes]], list[Message]] = json_list_reader(Message)


def setup_fingerprint() -> str:
    """Return a digest of this source's configuration."""
    return fingerprint(settings.KRAKEN_WS_URL, settings.QUOTE_CURRENCY)


def count_calls(coins: Sequence[Coin]) -> int:
    """Return 1: one subscription has all pairs, and USDT's."""
    return 1


def fetch_rates(coins: Sequence[Coin], timeout: float) -> Rates:
    """
    Return the rates Kraken has for *coins*, and USDT's: subscribe, read the snapshots, close.

    It has none while nothing is traded, although it tells the last prices then.

    Raises:
        SourceError: when nothing usable came within *timeout* seconds.
    """
    targets = map_pairs(coins)
    arrived: list[Arrived] = []
    answered: set[str] = set()
    halt = ""
    try:
        with open_session(NAME, settings.KRAKEN_WS_URL, timeout) as session:
            session.send(subscribe_text("subscribe", list(targets), 1))
            halt = _read_snapshots(session, targets, arrived, answered)
        rates = _build_newest(arrived, targets)
    except SourceUnreachable:
        if not (rates := _build_newest(arrived, targets)):
            raise
    if halt:
        return Rates.of_pairs([], targets, dict.fromkeys(targets, f"not traded now ({halt})"))
    return Rates.of_pairs(rates, {pair: coins for pair, coins in targets.items() if pair in answered})


def map_pairs(coins: Sequence[Coin]) -> Mapping[str, tuple[Target, ...]]:
    """
    Return the coins that each pair prices; those of USDT and of the other currencies are always among them.

    A coin's pair tells its base asset; the quote that is asked for is ours. The quote currency itself has no pair.
    """
    return _pairs(coins, settings.QUOTE_CURRENCY.upper(), measured())


def _map_pairs(coins: Sequence[Coin], quote: str, codes: Sequence[str]) -> Mapping[str, tuple[Target, ...]]:
    targets = {f"{USDT}/{quote}": (Target(USDT_PAIR),), **_map_currencies(codes)}
    for coin in coins:
        if pair := coin.pairs.get(NAME):
            name = f"{pair.name.rpartition('/')[0]}/{quote}"
            targets[name] = (*targets.get(name, ()), Target(coin.symbol, pair.factor))
    return {name: coins for name, coins in targets.items() if name != f"{quote}/{quote}"}


_pairs = KeptLast(_map_pairs)


def _map_currencies(codes: Sequence[str]) -> dict[str, tuple[Target, ...]]:
    """Return the pairs that tell what one unit of the base is worth in other currencies, or the other way round."""
    told = {pair_of(code): pair_of(code) for code in codes}
    told |= {"/".join(reversed(pair.split("/"))): pair for pair in told}
    return {name: (Target(told[name], inverse=told[name] != name),) for name in CURRENCY_PAIRS if name in told}


def _read_snapshots(
    session: ExchangeSession, targets: Mapping[str, Sequence[Target]], arrived: list[Arrived], answered: set[str]
) -> str:
    """Fill *arrived* until every pair was answered, by a snapshot or an error; return why nothing is traded, if so."""
    nameless = 0
    while len(answered) + nameless < len(targets):
        messages = read_messages([text for text in session.read_all() if not text.startswith(ACCEPTED)])
        tickers = read_tickers(messages)
        answered.update(targets.keys() & [ticker.symbol for ticker in tickers])
        arrived.append((tickers, datetime.now(UTC)))
        others = [message for message in messages if message.channel != "ticker"]
        if halt := next(filter(None, map(read_halt, others)), ""):
            return halt
        refused = [read_refusal(message) for message in others if message.success is False]
        answered.update(pair for pair in refused if pair)
        nameless += refused.count(None)
    return ""


def _build_newest(arrived: Sequence[Arrived], targets: Mapping[str, Sequence[Target]]) -> list[Rate]:
    """Return the rates in the newest usable ticker of each pair: updates come while snapshots are waited for."""
    rates: list[Rate] = []
    priced: set[str] = set()
    for tickers, received_at in reversed(arrived):
        newest = {ticker.symbol: ticker for ticker in tickers}
        left = [t for pair, t in newest.items() if pair in targets and targets[pair][0].symbol not in priced]
        found = build_rates(left, targets, received_at)
        priced.update([rate.symbol for rate in found])
        rates += found
    return rates


def read_halt(message: Message) -> str:
    """
    Return the status of the trading engine in *message* if nothing is traded with it; empty otherwise.

        {"channel": "status", "type": "update", "data": [{"system": "maintenance", "api_version": "v2"}]}

    It comes with each new connection and with each change: `online`, `maintenance`, `cancel_only`, `post_only`. See
    https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/status
    """
    if message.channel != "status":
        return ""
    told = [item.system for item in _items(message)]
    return next((system for system in told if isinstance(system, str) and system != "online"), "")


def _items(message: Message) -> list[Ticker]:
    return [item for item in message.data if isinstance(item, Ticker)] if isinstance(message.data, list) else []


def read_refusal(message: Message) -> str | None:
    """
    Return the pair that Kraken refused to subscribe to; None when it does not name one.

    Raises:
        SourceLimited: when it refused because of its rate limit.
    """
    words = str(message.error)
    if ("rate" in words.lower() and "limit" in words.lower()) or "exceeded" in words.lower():
        raise SourceLimited(NAME, "asked too often")
    return message.symbol if isinstance(message.symbol, str) else None


def subscribe_text(method: str, pairs: Sequence[str], request_id: int) -> str:
    """Return the message that starts (``subscribe``) or ends (``unsubscribe``) the prices of *pairs*."""
    return json.dumps({"method": method, "params": {"channel": "ticker", "symbol": list(pairs)}, "req_id": request_id})


def read_tickers(messages: Iterable[Message]) -> list[Ticker]:
    """Return what those of *messages* that are of the ticker channel say of pairs."""
    return [
        item
        for message in messages
        if message.channel == "ticker" and isinstance(message.data, list)
        for item in message.data
        if isinstance(item, Ticker) and isinstance(item.symbol, str)
    ]


def build_rates(
    tickers: Iterable[Ticker], targets: Mapping[str, Sequence[Target]], received_at: datetime
) -> list[Rate]:
    """
    Return the rates in *tickers*; *targets* maps pairs to our coins.

        {"channel": "ticker", "type": "snapshot", "data": [{"symbol": "BTC/USD", "last": 108359.8, "volume": 2158.32,
         "vwap": 108894.5, "change_pct": -2.41, "timestamp": "2026-07-01T09:04:31.742648Z"}]}

    Numbers are JSON numbers; volume is in coins. A pair without a usable price is left out, and so is one whose
    timestamp is unreadable. Without a timestamp (Kraken added it later), the price counts as computed on arrival.
    """
    rates = []
    for ticker in tickers:
        coins, price, given = targets.get(ticker.symbol, ()), read_price(ticker.last), ticker.timestamp
        observed_at = received_at if given is None else read_iso_time(given, received_at)
        if price is None or observed_at is None:
            continue
        volume, change = read_volume(ticker.volume), read_number(ticker.change_pct)
        average = read_price(ticker.vwap) or price
        traded = read_volume(round_places(volume * average, 2)) if volume is not None else None
        for coin in coins:
            rate = Rate(coin.symbol, coin.price(price), change, traded, NAME, observed_at, received_at)
            rates.append(_invert(rate) if coin.inverse else rate)
    return rates


def _invert(rate: Rate) -> Rate:
    """Return *rate*, whose price is that of the inverse, with what else is true of it."""
    change = rate.change_24h_pct
    return replace(rate, change_24h_pct=change and relative_change(Decimal(0), change), volume_24h=None)
