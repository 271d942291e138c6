"""
What a source's module has to offer; mypy checks it where `registry` lists the modules.

Tested in `tests/sources/test_exchanges.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from rates.models import Coin
from rates.types import Rate, Target


class Source(Protocol):
    """
    A vendor that is asked for rates in ticks.

    Attributes:
        NAME: as in `RATES_SOURCES`, on the wire and in Redis.
        QUOTE: currency of its prices, lower case, if they have to be converted; None if it is `QUOTE_CURRENCY`.
        BY_ID: it is asked for a coin by its CoinGecko id, so its prices tell which coin a pair is.
        CREDITS_SETTING: the setting with the number of calls a month that are paid for; None without such a limit.
    """

    NAME: str
    QUOTE: str | None
    BY_ID: bool
    CREDITS_SETTING: str | None

    def setup_fingerprint(self) -> str:
        """Return a digest of this source's configuration (address, key); its health is only valid for the same one."""

    def count_calls(self, coins: Sequence[Coin]) -> int:
        """Return how many calls it takes to ask for *coins*; 0 if it has none of them and is not asked."""

    def fetch_rates(self, coins: Sequence[Coin], timeout: float) -> list[Rate]:
        """
        Return the rates of those of *coins* that it has, within *timeout* seconds in total; `Rates` says what it lacks.

        Raises:
            SourceError: when there is no usable answer; nothing else.
        """


class StreamEvent(Struct, frozen=True):
    """
    The content of one message of a stream; an empty one means that the stream is alive.

    Attributes:
        symbols: the coins that it is about, including those whose price is unusable.
        rates: the usable ones.
        is_snapshot: it tells the present prices to a new subscription; nothing has happened to them.
        is_ending: the other side is about to close the connection.
    """

    symbols: frozenset[str] = frozenset()
    rates: tuple[Rate, ...] = ()
    is_snapshot: bool = False
    is_ending: bool = False


class StreamSource(Protocol):
    """A vendor that pushes rates over a WebSocket; `rates.streams` keeps the connection."""

    NAME: str

    def setup_fingerprint(self) -> str:
        """Return a digest of this stream's configuration; its health is only valid for the same one."""

    def map_pairs(self, coins: Sequence[Coin]) -> Mapping[str, tuple[Target, ...]]:
        """Return the coins that each pair prices."""

    def open_address(self, pairs: Collection[str]) -> str:
        """Return the address to connect to for *pairs*."""

    def first_messages(self, pairs: Collection[str]) -> list[str]:
        """Return the messages to send after opening, so that *pairs* are delivered."""

    def change_message(self, pairs: Collection[str], wanted: bool, number: int) -> str:
        """Return the message that subscribes to *pairs* (*wanted*) or unsubscribes; *number* is its id."""

    def read_event(
        self, frame: str | bytes, targets: Mapping[str, Sequence[Target]], received_at: datetime
    ) -> StreamEvent | None:
        """
        Return the content of *frame*; None if it is not about prices.

        Raises:
            ValueError: when it cannot be read.
            SourceError: when the vendor refuses us with this message; the connection ends then.
        """
