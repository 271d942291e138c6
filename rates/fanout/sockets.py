"""
What the hub hands to its clients, and how it knows them: prepared texts, the way to one client, the client itself.

A `Frame` is made once for all clients that get it; a `ClientLink` takes it or says that the client is busy.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

# What decides the text that a socket gets: its dialect and its selection.
Group = tuple[bool, frozenset[str] | None]


class Frame:
    """Texts to send together, one message each, encoded once for all sockets that get them."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    @cached_property
    def wire(self) -> bytes:
        """The texts as unmasked WebSocket frames (RFC 6455, section 5.2)."""
        return b"".join(encode_text_frame(text.encode()) for text in self.texts)


def encode_text_frame(data: bytes) -> bytes:
    """Return *data* as one text frame of a server."""
    size = len(data)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + data
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + data
    return b"\x81\x7f" + size.to_bytes(8, "big") + data


class ClientLink(Protocol):
    """The way to one client; `rates.fanout.links` has one for every kind of server."""

    on_writable: Callable[[], None]

    def write(self, frame: Frame) -> bool:
        """Hand over *frame*; False when the link is still busy with the one before."""

    def close(self, code: int) -> None:
        """Close the connection with *code*."""

    def check_client(self) -> None:
        """Find out whether the client is there and takes what it is sent; called every second."""


class Socket:
    """
    One client of the hub.

    Attributes:
        typed: speaks `rates.v1`; otherwise it gets plain maps of prices.
        symbols: its selection, folded; None for all coins.
        behind: it has missed a publication, so the board is the next that it gets.
        answers: what it has asked for and could not be given yet.
        expires_at: seconds since 1970 at which its token runs out; None without one.
    """

    __slots__ = ("answers", "behind", "expires_at", "link", "symbols", "typed")

    def __init__(
        self, link: ClientLink, typed: bool, symbols: frozenset[str] | None = None, expires_at: float | None = None
    ) -> None:
        self.link = link
        self.typed = typed
        self.symbols = symbols
        self.behind = False
        self.answers: tuple[str, ...] = ()
        self.expires_at = expires_at

    @property
    def group(self) -> Group:
        """What decides the text that it gets."""
        return self.typed, self.symbols
