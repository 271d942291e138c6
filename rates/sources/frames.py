"""
WebSocket connections to exchanges: one question with a total deadline, what a refused handshake means, and events.

Proxies of the environment are not used, redirects are not followed, and frames above 1 MiB end the connection.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from rates.exceptions import SourceError, SourceGarbled, SourceLimited, SourceRefused, SourceUnreachable
from rates.sources.connection import open_socket
from rates.sources.numbers import read_json
from rates.types import Rate

LONGEST_FRAME = 2**20
# Seconds of the deadline that are kept for the closing handshake.
CLOSING = 0.1


def describe_refusal(source: str, error: InvalidStatus | ValueError) -> SourceError:
    """
    Return the exception for a handshake that was answered with an HTTP status instead of a connection.

    A redirect is a `ValueError` of the library, because it cannot follow one with a socket that was given to it.
    """
    refusal = error if isinstance(error, InvalidStatus) else error.__cause__
    if not isinstance(refusal, InvalidStatus):
        raise error
    response = refusal.response
    status = response.status_code
    if status == 451:
        return SourceRefused(source, "blocked here (451): it does not serve this country or cloud")
    if status in (401, 403):
        return SourceRefused(source, f"blocked here ({status}): its firewall refuses this address")
    if status in (418, 429):
        wait = response.headers.get("Retry-After", "")
        words = "banned for asking too often" if status == 418 else "asked too often"
        return SourceLimited(source, f"{words} ({status})", float(wait) if wait.isascii() and wait.isdigit() else None)
    if status >= 500:
        return SourceUnreachable(source, f"out of order ({status})")
    return SourceGarbled(source, f"answered {status} instead of opening a WebSocket; check its address")


@dataclass(frozen=True, slots=True)
class Event:
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


class Question:
    """An open connection with a deadline; `ask` and `read` raise `SourceUnreachable` when it has passed."""

    def __init__(self, source: str, socket: ClientConnection, deadline: float) -> None:
        self._source = source
        self._socket = socket
        self._deadline = deadline

    def ask(self, text: str) -> None:
        """Send *text*."""
        self._socket.send(text)

    def read(self) -> dict[str, Any]:
        """Return the next message that is a JSON object; other frames are skipped."""
        while True:
            frame = self._socket.recv(timeout=max(0.0, self._deadline - time.monotonic()))
            with suppress(ValueError):
                message = read_json(frame)
                if isinstance(message, dict):
                    return message


@contextmanager
def open_question(source: str, url: str, timeout: float) -> Iterator[Question]:
    """
    Open *url* for questions; everything, opening and closing included, ends within *timeout* seconds.

    Raises:
        SourceError: when the connection cannot be opened, breaks, or says nothing in time.
    """
    deadline = time.monotonic() + timeout - CLOSING
    try:
        with connect(
            url,
            sock=open_socket(url, deadline),
            proxy=None,
            compression=None,
            open_timeout=max(0.05, timeout - CLOSING),
            close_timeout=CLOSING,
            ping_interval=None,
            max_size=LONGEST_FRAME,
        ) as socket:
            yield Question(source, socket, deadline)
    except (InvalidStatus, ValueError) as error:
        raise describe_refusal(source, error) from error
    except TimeoutError as error:
        raise SourceUnreachable(source, "no answer in time") from error
    except (WebSocketException, OSError) as error:
        raise SourceUnreachable(source, f"cannot be reached: {type(error).__name__}") from error
