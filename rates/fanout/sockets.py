"""
What the hub knows of its clients: encoded frames, the link to one client, and the client itself.

A `Frame` is made once for all clients that get it, whatever carries it: WebSocket messages, or server-sent events. A
`ClientLink` takes it or says that the client is busy.

Tested in `tests/fanout/test_hub.py`.
"""

import random
import re
import zlib
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple, Protocol

# What an event needs to know of a frame of `rates.v1`; `rates.publication` writes these members first.
HEAD = re.compile(
    r'\{"type":"(?P<kind>\w+)"(?:,"epoch":"(?P<epoch>[^"]*)","seq":(?P<seq>\d+)|,"retry_ms":(?P<retry>\d+))?'
)
# How a frame begins.
TEXT, COMPRESSED_TEXT = b"\x81", b"\xc1"
# Bytes of a text from which it is compressed. Boards are repetitive: the lowest levels make a tenth of them.
COMPRESS_FROM = 4096
COMPRESSION_LEVEL = 2
# Bytes that a client's message may have.
MAX_MESSAGE_BYTES = 4096
# Milliseconds after which a browser connects again whose stream has ended. It waits exactly that long, so each gets
# another time: otherwise all would come back in the same moment.
RECONNECT_FROM, RECONNECT_TO = 1000, 5000


# A check as soon as there is one: once a second.
SOON = 0.0


class Group(NamedTuple):
    """
    What decides the text that a socket gets.

    Attributes:
        typed: it speaks `rates.v1`; otherwise it gets plain maps of prices.
        symbols: its selection, folded; None for all coins.
        sure: its plain maps leave out stale and disputed prices.
        currency: what its prices are in; empty for the base.
    """

    typed: bool
    symbols: frozenset[str] | None = None
    sure: bool = False
    currency: str = ""


class Frame:
    """Texts that are sent together, one message each, encoded once for all sockets that get them."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    @cached_property
    def wire(self) -> bytes:
        """The texts as unmasked WebSocket frames (RFC 6455, section 5.2)."""
        return b"".join(encode_text_frame(text.encode()) for text in self.texts)

    @cached_property
    def compressed(self) -> bytes:
        """The same for clients that take compressed messages; short ones would hardly get shorter."""
        encoded = [text.encode() for text in self.texts]
        return b"".join(
            encode_text_frame(deflate(data), COMPRESSED_TEXT) if len(data) >= COMPRESS_FROM else encode_text_frame(data)
            for data in encoded
        )

    @cached_property
    def events(self) -> bytes:
        """The texts as server-sent events."""
        return b"".join(map(encode_event, self.texts))

    @cached_property
    def chunk(self) -> bytes:
        """The events as one chunk of an HTTP/1.1 body (RFC 9112, section 7.1)."""
        return encode_chunk(self.events)


class Greeting(Frame):
    """What many clients get first; as events it differs, because each gets another time to come back after."""

    @property
    def events(self) -> bytes:
        """The texts as server-sent events for one client."""
        return b"".join(map(encode_event, self.texts))

    @property
    def chunk(self) -> bytes:
        """The same as one chunk."""
        return encode_chunk(self.events)


def encode_chunk(data: bytes) -> bytes:
    """Return *data* as one chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def encode_text_frame(data: bytes, kind: bytes = TEXT) -> bytes:
    """Return *data* as one unmasked text frame."""
    size = len(data)
    if size < 126:
        return kind + size.to_bytes(1, "big") + data
    if size < 65536:
        return kind + b"\x7e" + size.to_bytes(2, "big") + data
    return kind + b"\x7f" + size.to_bytes(8, "big") + data


def deflate(data: bytes) -> bytes:
    """Return *data* compressed by itself, so that every client can read it (RFC 7692, section 7.2.1)."""
    compressor = zlib.compressobj(COMPRESSION_LEVEL, wbits=-zlib.MAX_WBITS)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def encode_event(text: str) -> bytes:
    """
    Return *text*, a frame of `rates.v1`, as a server-sent event (HTML Living Standard, section 9.2).

    Its `id` is the publication that the client holds then; `hello` and `bye` say when to come back if the stream ends.
    """
    head = HEAD.match(text)
    assert head is not None
    fields = [f"event: {head['kind']}"]
    if head["seq"]:
        fields.append(f"id: {event_id(head['epoch'], int(head['seq']))}")
    if head["retry"] or head["kind"] == "hello":
        fields.append(f"retry: {head['retry'] or random.randint(RECONNECT_FROM, RECONNECT_TO)}")
    return "\n".join([*fields, f"data: {text}", "", ""]).encode()


def event_id(epoch: str, seq: int) -> str:
    """Return the `id` of an event that brings a client to publication *seq* of *epoch*."""
    return f"{epoch}:{seq}"


def do_nothing() -> None:
    """Be called where nobody needs to know."""


class ClientLink(Protocol):
    """
    The connection to one client; `links` and `server` have one for each kind of server.

    Attributes:
        on_writable: called when the client has taken what it had not.
        on_blocked: called when the client has not taken all of a frame, by links that ask for rare checks.
    """

    on_writable: Callable[[], None]
    on_blocked: Callable[[], None]

    def write(self, frame: Frame) -> bool:
        """Send *frame*; False when the client has not taken the one before yet."""

    def write_heartbeat(self, frame: Frame) -> bool:
        """Send *frame*, a heartbeat, and with it whatever else asks a quiet client for a sign of life."""

    def close(self, code: int) -> None:
        """Close the connection with *code*."""

    def check_client(self) -> float:
        """
        Check that the client is alive and reads what it is sent.

        Returns when to check it again, by the monotonic clock; once a second at most.
        """


class Socket:
    """
    One client of the hub.

    Attributes:
        group: what decides the text that it gets.
        behind: it has missed a publication, so the board is the next that it gets.
        answers: replies to its messages that could not be sent yet.
        expires_at: Unix time at which its token expires; None without one.
        check_second: when it has to be checked, for `check_times`.
    """

    __slots__ = ("answers", "behind", "check_second", "expires_at", "group", "link")

    def __init__(self, link: ClientLink, group: Group, expires_at: float | None = None) -> None:
        self.link = link
        self.group = group
        self.behind = False
        self.answers: tuple[str, ...] = ()
        self.expires_at = expires_at
        self.check_second = 0

    @property
    def typed(self) -> bool:
        """Whether it speaks `rates.v1`."""
        return self.group.typed
