"""
Binance's live stream: `@miniTicker`, about once a second for each pair that moved.

Reference: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
Limits: 5 messages a second from us (including answers to pings); 1024 pairs per connection, which lasts 24 hours at
most; 300 connections in 5 minutes per address. An unknown pair is acknowledged and then silent.

Tested in `tests/sources/test_exchanges.py` and `tests/streams/test_reconnecting.py`.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from string import ascii_lowercase, ascii_uppercase
from typing import Any
from urllib.parse import quote

from django.conf import settings
from msgspec import Struct, field

from rates.models import Coin
from rates.sources import binance
from rates.sources.pacing import fingerprint
from rates.sources.protocols import StreamEvent
from rates.sources.vendor_values import NoObject, json_reader
from rates.types import Target

NAME = binance.NAME
MOST_PAIRS = 1024
SUFFIX = "@miniTicker"
TO_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)


class _Event(Struct):
    kind: Any = field(default=None, name="e")
    milliseconds: Any = field(default=None, name="E")
    pair: Any = field(default=None, name="s")
    last: Any = field(default=None, name="c")
    opened: Any = field(default=None, name="o")
    volume: Any = field(default=None, name="q")


class _Message(Struct):
    data: _Event | NoObject = None


_read_message: Callable[[str | bytes], _Message] = json_reader(_Message)


def setup_fingerprint() -> str:
    """Return a digest of this stream's configuration."""
    return fingerprint(settings.BINANCE_STREAM_URL)


def map_pairs(coins: Sequence[Coin]) -> Mapping[str, tuple[Target, ...]]:
    """Return the coins that each pair prices."""
    return dict(list(binance.map_pairs(coins).items())[:MOST_PAIRS])


def open_address(pairs: Collection[str]) -> str:
    """Return the address to connect to, which subscribes to *pairs*."""
    return f"{settings.BINANCE_STREAM_URL}/stream?streams=" + quote("/".join(_names(pairs)), safe="/@")


def first_messages(pairs: Collection[str]) -> list[str]:
    """Return the messages to send after opening: none, the address names the pairs."""
    return []


def change_message(pairs: Collection[str], wanted: bool, number: int) -> str:
    """Return the message that subscribes to *pairs*, or unsubscribes."""
    method = "SUBSCRIBE" if wanted else "UNSUBSCRIBE"
    return json.dumps({"method": method, "params": _names(pairs), "id": number})


def _names(pairs: Collection[str]) -> list[str]:
    return [pair.translate(TO_SMALL) + SUFFIX for pair in pairs]


def read_event(
    frame: str | bytes, targets: Mapping[str, Sequence[Target]], received_at: datetime
) -> StreamEvent | None:
    """
    Return the content of *frame*; None if it is not about prices.

        {"stream": "btcusdt@miniTicker", "data": {"e": "24hrMiniTicker", "E": 1672515782136, "s": "BTCUSDT",
         "c": "67195.12000000", "o": "66000.00000000", "v": "10000", "q": "18"}}

    Raises:
        ValueError: when it is no message of a stream.
    """
    event = _read_message(frame).data
    if not isinstance(event, _Event):
        return None
    if event.kind == "serverShutdown":
        return StreamEvent(is_ending=True)
    pair = event.pair
    if event.kind != "24hrMiniTicker" or not isinstance(pair, str) or pair not in targets:
        return None
    values = (pair, event.last, event.opened, event.volume, event.milliseconds)
    rates = binance.build_rates(values, targets, received_at)
    return StreamEvent(frozenset(target.symbol for target in targets[pair]), tuple(rates))
