"""
What is sent to the web processes and to the sockets: names, the group message, the frames of both dialects, `publish`.

    publisher ─► {"type": EVENT, "v": 1, "epoch", "seq", "as_of", "rows", "removed", "symbols"} ─► hub ─► sockets

`rows` holds the coins that changed as `[symbol, json, price]`, encoded once by `encode_row`; hubs only join the texts.
`symbols` lists the whole board in its order, so that a hub sees what was added, removed or moved; `currencies` has what
the base is worth in each other currency.
The group message is also a contract between releases: fields may be added; `v` changes when one changes its meaning.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from rates.concurrency import run_in_loop
from rates.currencies import offered
from rates.deployment import describe_deployment
from rates.exceptions import StoreUnavailable
from rates.redis_words import find_refusal
from rates.symbols import fold
from rates.types import (
    Currency,
    DayStats,
    Fragment,
    Rate,
    Row,
    Snapshot,
    decimal_text,
    encode_json,
    map_prices,
    read_time,
    round_places,
    time_text,
)

GROUP = "rates"
EVENT = "rates.publication"
MESSAGE_VERSION = 1
# Seconds that the channel layer may take; its own timeout is longer than a tick may be.
SEND_WITHIN = 2.0

# Half of what `encode_json` costs.
ROW_ENCODER = msgspec.json.Encoder()

Message = dict[str, Any]


class CoinObject(msgspec.Struct, omit_defaults=True):
    """The coin object of `docs/protocol.md`, as it is written: what is not known is null, or left out at the end."""

    symbol: str
    name: str
    price: str | None
    change_24h_pct: str | None
    volume_24h: str | None
    source: str | None
    observed_at: str | None
    stale: bool
    disputed: bool
    confirmed_by: tuple[str, ...]
    spread_pct: str | None
    logo: str = ""
    high_24h: str = ""
    low_24h: str = ""
    from_history: tuple[str, ...] = ()


def encode_row(row: Row) -> Fragment:
    """
    Encode *row* as the coin object of the protocol; what is not known yet is null.

    Called by `judgement.rows` for every coin about which something is new.
    """
    rate = row.rate
    coin = CoinObject(
        row.symbol,
        row.name,
        decimal_text(rate.price) if rate else None,
        _text(rate.change_24h_pct) if rate else None,
        _text(rate.volume_24h) if rate else None,
        rate.source if rate else None,
        time_text(rate.observed_at) if rate else None,
        row.stale,
        row.disputed,
        row.confirmed_by,
        _text(row.spread_pct),
        row.logo,
    )
    if rate and row.day:
        _add_day(coin, rate, row.day)
    return Fragment(row.symbol, ROW_ENCODER.encode(coin).decode(), coin.price)


def _add_day(coin: CoinObject, rate: Rate, day: DayStats) -> None:
    """Add what our own candles say of the last 24 hours, and which fields that is; what the source says stands."""
    coin.high_24h = decimal_text(max(day.high, rate.price))
    coin.low_24h = decimal_text(min(day.low, rate.price))
    coin.from_history = ("high_24h", "low_24h")
    if rate.change_24h_pct is None and day.before is not None:
        coin.change_24h_pct = decimal_text(round_places((rate.price / day.before - 1) * 100, 2))
        coin.from_history += ("change_24h_pct",)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def hello_text(epoch: str, currency: str) -> str:
    """Return the first frame of a `rates.v1` socket that gets prices in *currency*."""
    return encode_json(
        {
            "type": "hello",
            "v": MESSAGE_VERSION,
            "epoch": epoch,
            "quote": currency,
            "interval": settings.RATES_REFRESH_INTERVAL,
            "heartbeat": settings.RATES_HEARTBEAT,
            "stale_after": settings.RATES_STALE_AFTER,
            "currencies": offered(),
        }
    )


def board_text(snapshot: Snapshot, symbols: Collection[str] | None = None, currency: str | None = None) -> str:
    """Return the `board` frame, in *currency*, of all coins or of the selected *symbols* in board order."""
    code = currency or settings.QUOTE_CURRENCY
    return f'{_head("board", snapshot)},"currency":"{code}","rates":[{_join(snapshot, symbols)}]}}'


def update_text(
    snapshot: Snapshot,
    changed: Collection[str],
    removed: Collection[str],
    symbols: Collection[str] | None = None,
    reordered: bool = False,
) -> str:
    """
    Return the `update` frame that leads from the publication before *snapshot* to it.

    *reordered* adds `symbols`, the order of the socket's whole selection, which `rates` alone cannot tell.
    """
    mine = [symbol for symbol in snapshot.fragments if is_selected(symbol, symbols)]
    gone = [symbol for symbol in removed if is_selected(symbol, symbols)]
    rates = ",".join(snapshot.fragments[symbol].json for symbol in mine if symbol in changed)
    order = f',"symbols":{encode_json(mine)}' if reordered else ""
    return f'{_head("update", snapshot)},"rates":[{rates}],"removed":{encode_json(gone)}{order}}}'


def heartbeat_text(snapshot: Snapshot) -> str:
    """Return the `heartbeat` frame: number and time of the newest publication."""
    return _head("heartbeat", snapshot) + "}"


def bye_text(retry_ms: int) -> str:
    """Return the last frame before a restart: when the client should reconnect."""
    return encode_json({"type": "bye", "retry_ms": retry_ms})


def plain_text(snapshot: Snapshot, symbols: Collection[str] | None = None, *, sure: bool = False) -> str:
    """Return the plain dialect's map of prices; a *sure* one leaves out those that are stale or disputed."""
    chosen = (f for symbol, f in snapshot.fragments.items() if is_selected(symbol, symbols))
    return map_prices(f for f in chosen if not (sure and f.is_doubtful))


def is_late(snapshot: Snapshot, now: datetime | None = None) -> bool:
    """Return whether the board is older than `RATES_STALE_AFTER`: nobody publishes, so every price in it is stale."""
    age = (now or datetime.now(UTC)) - read_time(snapshot.as_of)
    return age > timedelta(seconds=settings.RATES_STALE_AFTER)


def mark_stale(snapshot: Snapshot) -> Snapshot:
    """Return *snapshot* with every price marked as stale."""
    fragments = {symbol: fragment.as_stale() for symbol, fragment in snapshot.fragments.items()}
    return replace(snapshot, fragments=fragments)


def is_selected(symbol: str, symbols: Collection[str] | None) -> bool:
    """Return whether *symbol* is among the selected *symbols*, which are folded; None selects all."""
    return symbols is None or fold(symbol) in symbols


def _head(kind: str, snapshot: Snapshot) -> str:
    return f'{{"type":"{kind}","epoch":"{snapshot.epoch}","seq":{snapshot.seq},"as_of":"{snapshot.as_of}"'


def _join(snapshot: Snapshot, symbols: Collection[str] | None) -> str:
    return ",".join(f.json for symbol, f in snapshot.fragments.items() if is_selected(symbol, symbols))


def build_message(snapshot: Snapshot, changed: Collection[str], removed: Collection[str]) -> Message:
    """Return the group message that turns the board before *snapshot* into it."""
    return {
        "type": EVENT,
        "v": MESSAGE_VERSION,
        "deployment": describe_deployment(),
        "epoch": snapshot.epoch,
        "seq": snapshot.seq,
        "as_of": snapshot.as_of,
        "rows": [list(snapshot.fragments[symbol]) for symbol in snapshot.fragments if symbol in changed],
        "removed": sorted(removed),
        "symbols": list(snapshot.fragments),
        "currencies": [worth._asdict() for worth in snapshot.currencies.values()],
    }


def apply(snapshot: Snapshot, message: Mapping[str, Any]) -> Snapshot:
    """
    Return the board after *message*, which must be the publication that follows *snapshot*.

    Raises:
        KeyError: when the message lists a coin that is neither in it nor on the board; read the store then.
    """
    changed = {row[0]: Fragment(*row) for row in message["rows"]}
    old = snapshot.fragments
    fragments = {symbol: changed.get(symbol) or old[symbol] for symbol in message["symbols"]}
    currencies = read_currencies(message.get("currencies", ()))
    return Snapshot(message["epoch"], message["seq"], message["as_of"], fragments, currencies)


def read_currencies(items: Iterable[Mapping[str, Any]]) -> dict[str, Currency]:
    """Return the currencies in *items*, which are as they travel, by code."""
    return {item["code"]: Currency.read(item) for item in items}


async def _send(layer: Any, message: Message) -> None:
    async with asyncio.timeout(SEND_WITHIN):
        await layer.group_send(GROUP, message)


def publish(snapshot: Snapshot, changed: Collection[str], removed: Collection[str]) -> None:
    """
    Send the newest board to every web process.

    This is the only bridge from sync to async on the publishers' side: the channel layer is async. The loop is kept,
    because for each new one the layer connects again, which takes four round trips.

    Raises:
        StoreUnavailable: when Redis does not accept it; hubs then find the board in the store.
    """
    layer = get_channel_layer()
    assert layer is not None
    try:
        run_in_loop(_send(layer, build_message(snapshot, changed, removed)))
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"cannot publish: {str(error) or 'no answer in time'}", find_refusal(error)) from error
