"""
Kraken's live stream: the ticker channel, updated with each trade; a heartbeat about every second if there is none.

Reference: https://docs.kraken.com/api/docs/websocket-v2/ticker
Limits: not published. An unknown pair is refused alone; the others are delivered.

Tested in `tests/sources/test_exchanges.py` and `tests/streams/test_reconnecting.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.conf import settings

from rates.exceptions import SourceUnreachable
from rates.models import Coin
from rates.sources import kraken
from rates.sources.pacing import fingerprint
from rates.sources.protocols import StreamEvent
from rates.types import Target

NAME = kraken.NAME


def setup_fingerprint() -> str:
    """Return a digest of this stream's configuration."""
    return fingerprint(settings.KRAKEN_WS_URL)


def map_pairs(coins: Sequence[Coin]) -> Mapping[str, tuple[Target, ...]]:
    """Return the coins that each pair prices; USDT's is always among them."""
    return kraken.map_pairs(coins) if coins else {}


def open_address(pairs: Collection[str]) -> str:
    """Return the address to connect to; *pairs* are subscribed to afterwards."""
    url: str = settings.KRAKEN_WS_URL
    return url


def first_messages(pairs: Collection[str]) -> list[str]:
    """Return the messages to send after opening, so that *pairs* are delivered."""
    return [change_message(pairs, True, 1)]


def change_message(pairs: Collection[str], wanted: bool, number: int) -> str:
    """Return the message that subscribes to *pairs*, or unsubscribes."""
    return kraken.subscribe_text("subscribe" if wanted else "unsubscribe", list(pairs), number)


def read_event(
    frame: str | bytes, targets: Mapping[str, Sequence[Target]], received_at: datetime
) -> StreamEvent | None:
    """
    Return the content of *frame*; None if it is not about prices.

    Raises:
        ValueError: when it is no message of Kraken's.
        SourceLimited: when a subscription was refused because of the rate limit.
        SourceUnreachable: when nothing is traded; the status comes with each new connection, so trying again finds out.
    """
    message = kraken.read_message(frame)
    if halt := kraken.read_halt(message):
        raise SourceUnreachable(NAME, f"nothing is traded now ({halt})")
    if message.success is False:
        kraken.read_refusal(message)
    if message.channel == "heartbeat":
        return StreamEvent()
    tickers = kraken.read_tickers([message])
    symbols = frozenset(target.symbol for ticker in tickers for target in targets.get(ticker.symbol, ()))
    if not symbols:
        return None
    rates = tuple(kraken.build_rates(tickers, targets, received_at))
    return StreamEvent(symbols, rates, is_snapshot=message.type == "snapshot")
