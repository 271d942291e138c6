"""What a module of this package has to offer, so that the engine needs to know no vendor by name; see `registry`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rates.models import Coin
from rates.types import Rate


class Source(Protocol):
    """
    A vendor that is asked for rates, tick by tick.

    Attributes:
        NAME: as in `RATES_SOURCES`, on the wire and in Redis.
        QUOTE: what its prices are in, lower case, when that has to be converted; None when it is `QUOTE_CURRENCY`.
        ID_FIELD: the field of `Coin` that holds the vendor's own name for a coin.
        CREDITS_SETTING: the setting that says how many calls a month are paid for; None where there is no such limit.
    """

    NAME: str
    QUOTE: str | None
    ID_FIELD: str
    CREDITS_SETTING: str | None

    def setup_fingerprint(self) -> str:
        """Return what tells one configuration of this source (address, key) from another."""

    def count_calls(self, coins: Sequence[Coin]) -> int:
        """Return how many calls it takes to ask for *coins*; 0 when it has none of them, and is not asked."""

    def fetch_rates(self, coins: Sequence[Coin], timeout: float) -> list[Rate]:
        """
        Return the rates of those of *coins* that it knows, within *timeout* seconds in total.

        Raises:
            SourceError: when there is no usable answer; no other exception.
        """


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """
    What one message of a stream says; with nothing else in it, that the stream is alive.

    Attributes:
        symbols: the coins that it is about, also those whose price cannot be used.
        rates: the usable ones.
        is_ending: the other side is about to close the connection.
    """

    symbols: frozenset[str] = frozenset()
    rates: tuple[Rate, ...] = ()
    is_ending: bool = False


class StreamSource(Protocol):
    """A vendor that pushes rates over a WebSocket; `rates.streams` keeps the connection."""

    NAME: str

    def setup_fingerprint(self) -> str:
        """Return what tells one configuration of this stream from another."""

    def map_pairs(self, coins: Sequence[Coin]) -> dict[str, tuple[str, ...]]:
        """Return the symbols that each pair prices."""

    def open_address(self, pairs: Collection[str]) -> str:
        """Return the address of a connection for *pairs*."""

    def first_messages(self, pairs: Collection[str]) -> list[str]:
        """Return what must be sent after opening, so that *pairs* are delivered."""

    def change_message(self, pairs: Collection[str], wanted: bool, number: int) -> str:
        """Return the message that starts the prices of *pairs*, or ends them."""

    def read_event(
        self, message: Any, symbols: Mapping[str, Sequence[str]], received_at: datetime
    ) -> StreamEvent | None:
        """
        Return what *message* says; None when it says nothing about prices.

        Raises:
            SourceError: when the message is the vendor's refusal; the connection ends.
        """
