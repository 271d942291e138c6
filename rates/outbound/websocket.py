"""
WebSocket connections to exchanges, with a deadline for each question.

Redirects are not followed, and messages above 1 MiB end the connection.

Tested in `tests/sources/test_websocket.py`.
"""

import socket
import sys
import termios
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from fcntl import ioctl
from struct import Struct
from typing import Self, TypeVar

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import State
from websockets.uri import parse_uri

from rates.outbound.deadlines import is_over, time_left
from rates.outbound.dialing import USER_AGENT, open_connection

T = TypeVar("T")

LONGEST_MESSAGE = 2**20
# Bytes that are read at a time.
CHUNK = 2**16
# The first byte of a frame that is a whole text; the second if so many bytes of length follow; what it has in the frame
# of a client.
TEXT_ALONE, MASKED = 0x81, 0x80
LENGTH_BYTES = {126: 2, 127: 8}
# Both bytes of the shortest text, and of one of 126 to 65,535 bytes; that has its length in the next two.
HEADER, SHORT_TEXT, MEDIUM_TEXT = Struct(">HH"), TEXT_ALONE << 8, TEXT_ALONE << 8 | 126
# Seconds, at most, for the closing handshake.
CLOSING = 0.1
# Seconds in which more messages arrive before they are read: to wake up for each of hundreds costs more than reading.
GATHERING = 0.005


class ExchangeSession:
    """
    An open connection; `send` and `read` raise `OSError` once it has ended, or its deadline has passed.

    It uses the protocol of `websockets` without its client, which passes each message from one thread to another: an
    exchange answers with hundreds of them.

    *deadline* is a time of the monotonic clock, and may be moved.
    """

    def __init__(self, url: str, sock: socket.socket, deadline: float) -> None:
        self.deadline = deadline
        self._sock = sock
        self._held = ExitStack()
        self._protocol = ClientProtocol(parse_uri(url), max_size=LONGEST_MESSAGE)
        self._messages: deque[bytes] = deque()
        self._parts: list[bytes | bytearray | memoryview] = []
        self._are_texts = False
        self._rest = bytearray()

    @classmethod
    def connect(cls, url: str, deadline: float) -> Self:
        """
        Open a session at *url*.

        Raises:
            InvalidStatus: when the other side answers with an HTTP status instead.
            OSError: when it cannot be reached.
        """
        with ExitStack() as held:
            session = cls(url, held.enter_context(open_connection(url, deadline)), deadline)
            session._shake_hands()
            session._held = held.pop_all()
        return session

    @property
    def is_reusable(self) -> bool:
        """
        Whether it can serve another question.

        It cannot once there was a ping, or a message in pieces: all that follows is then read at five times the cost.
        """
        return self._protocol.state is State.OPEN and self._are_texts

    def _shake_hands(self) -> None:
        request = self._protocol.connect()
        request.headers["User-Agent"] = USER_AGENT
        self._protocol.send_request(request)
        self._flush()
        while self._protocol.state is State.CONNECTING:
            self._receive()
            if self._protocol.handshake_exc:
                raise self._protocol.handshake_exc
        # Unless the handshake's answer came together with a part of a frame, which the protocol keeps.
        self._are_texts = not self._protocol.reader.buffer

    def send(self, text: str) -> None:
        """Send a message."""
        self._check_open()
        self._protocol.send_text(text.encode())
        self._flush()

    def read(self, reader: Callable[[bytes], T]) -> T:
        """Return what *reader* makes of the next message that it can read; others are skipped."""
        while True:
            self._wait_for_message()
            try:
                return reader(self._messages.popleft())
            except ValueError:
                continue

    def read_all(self) -> list[bytes]:
        """Return the next message, and all that arrive with it or a moment later."""
        self._wait_for_message()
        time.sleep(GATHERING)
        self._read_arrived()
        messages = list(self._messages)
        self._messages.clear()
        return messages

    def close(self) -> None:
        """Do the closing handshake; the answer is waited for at most `CLOSING` seconds."""
        self.deadline = end = min(self.deadline, time.monotonic() + CLOSING)
        with suppress(OSError, WebSocketException):
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
            while self._protocol.state is not State.CLOSED and not is_over(end):
                self._receive()
                if self._messages:
                    # Prices go on until the exchange has read this; each of them would wake this thread up.
                    self._messages.clear()
                    time.sleep(GATHERING)
        self.drop()

    def drop(self) -> None:
        """End the connection without a word."""
        self._held.close()

    def _wait_for_message(self) -> None:
        while not self._messages:
            self._check_open()
            self._receive()

    def _read_arrived(self) -> None:
        """Read what has arrived, without waiting; if the connection has ended, that is told after its messages."""
        with suppress(OSError):
            # Not all that arrives while this is read: that would be a message at a time.
            left = self._count_arrived()
            sock = self._before_deadline(longest=0)
            while left > 0 and self._protocol.state is State.OPEN:
                data = sock.recv(CHUNK)
                left -= len(data) or left
                self._accept(data)

    def _count_arrived(self) -> int:
        """Return how many bytes wait to be read, by the system's count: with TLS they are fewer when they are read."""
        return int.from_bytes(ioctl(self._sock, termios.FIONREAD, bytes(4)), sys.byteorder)

    def _check_open(self) -> None:
        if self._protocol.state is not State.OPEN:
            raise ConnectionResetError("the connection has ended")

    def _receive(self) -> None:
        self._accept(self._before_deadline().recv(CHUNK))

    def _accept(self, data: bytes) -> None:
        """Take in *data* that has arrived; none is the end of the connection."""
        if data and self._are_texts:
            self._rest += data
            texts, self._are_texts = cut_texts(self._rest)
            self._messages += texts
            if self._are_texts:
                return
            data = bytes(self._rest)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
                self._add(event)

    def _add(self, frame: Frame) -> None:
        self._parts.append(frame.data)
        if frame.fin:
            self._messages.append(b"".join(self._parts))
            self._parts.clear()

    def _flush(self) -> None:
        if data := b"".join(self._protocol.data_to_send()):
            self._before_deadline().sendall(data)

    def _before_deadline(self, longest: float = float("inf")) -> socket.socket:
        """Return the socket, whose next step ends by the deadline, and takes *longest* seconds at most."""
        if is_over(self.deadline):
            raise TimeoutError("no answer in time")
        self._sock.settimeout(min(longest, time_left(self.deadline)))
        return self._sock


def cut_texts(data: bytearray) -> tuple[list[bytes], bool]:
    """
    Take the whole, unmasked texts that *data* begins with out of it; return them, and whether the rest may be one more.

    An exchange answers with hundreds of them, which the protocol of `websockets` parses at five times the cost. Only it
    knows what is right, so once there is any other frame, or one too long, it is given that and all that follows.
    """
    texts: list[bytes] = []
    start, end, goes_on, read_header = 0, len(data), True, HEADER.unpack_from
    while True:
        kind, length = read_header(data, start) if end - start >= 4 else (0, 0)
        if kind == MEDIUM_TEXT:
            begin = start + 4
        elif SHORT_TEXT <= kind < MEDIUM_TEXT:
            begin, length = start + 2, kind - SHORT_TEXT
        else:
            begin, length, goes_on = _read_header(data[start : start + 10], start)
        stop = begin + length
        if stop > end or not goes_on:
            break
        texts.append(bytes(data[begin:stop]))
        start = stop
    del data[:start]
    return texts, goes_on


def _read_header(header: bytearray, start: int) -> tuple[int, int, bool]:
    """Return where the content of a frame begins, how long it is, and whether it is a whole text, by what has come."""
    if len(header) < 2:
        return start + 2, 0, not header or header[0] == TEXT_ALONE
    size = LENGTH_BYTES.get(header[1], 0)
    length = int.from_bytes(header[2 : 2 + size]) if size else header[1]
    is_text = header[0] == TEXT_ALONE and header[1] < MASKED and length <= LONGEST_MESSAGE
    return start + 2 + size, length, is_text
