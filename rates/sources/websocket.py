"""
Questions to exchanges over WebSockets, what a refused handshake means, and sessions that are kept.

To open a session costs as much as to ask, over TLS several times that, and Binance limits how often one may connect. A
session is kept if its exchange has answered quickly and is asked often. One that died meanwhile is replaced within the
same deadline.

This is for requests with answers. A subscription tells the present price only once: of a second one through the same
connection nobody knows whether it begins with the price of now, so Kraken's polls connect each time.

Tested in `tests/sources/test_websocket.py` and `tests/sources/test_kept_sessions.py`.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple, TypeVar

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.http11 import Response

from rates.exceptions import SourceError, SourceGarbled, SourceLimited, SourceRefused, SourceUnreachable
from rates.outbound.deadlines import is_over
from rates.outbound.errors import ProxyError, describe
from rates.outbound.retry_after import read_retry_after
from rates.outbound.websocket import ExchangeSession

T = TypeVar("T")

# Seconds: after a longer pause a session is not used again. A router may have dropped the connection silently, and an
# exchange ends it when a ping was not answered for a minute.
LONGEST_PAUSE = 30.0
# The part of the time that a kept session has for its answer, as it may be dead; the rest is for a new one. An exchange
# that takes half as long is slow, and its sessions are not kept.
PATIENCE = 0.5


class _Kept(NamedTuple):
    session: ExchangeSession
    since: float


# By address; the last question in the time of the monotonic clock.
_kept: dict[str, _Kept] = {}
_asked_at: dict[str, float] = {}


def handshake_error(source: str, error: InvalidStatus | ValueError) -> SourceError:
    """
    Return the exception for a handshake that was answered with an HTTP status instead of a connection.

    For a redirect the library raises `ValueError`, because it cannot follow one on a socket that it was given.
    """
    refusal = error if isinstance(error, InvalidStatus) else error.__cause__
    if not isinstance(refusal, InvalidStatus):
        return SourceGarbled(source, "answered a handshake with what cannot be read")
    response = refusal.response
    status = response.status_code
    if status == 451:
        return SourceRefused(source, "blocked here (451): it does not serve this country or cloud")
    if status in (401, 403):
        return SourceRefused(source, f"blocked here ({status}): its firewall refuses this address")
    if status in (418, 429):
        words = "banned for asking too often" if status == 418 else "asked too often"
        return SourceLimited(source, f"{words} ({status})", _retry_after(response))
    if status >= 500:
        return SourceUnreachable(source, f"out of order ({status})", _retry_after(response))
    return SourceGarbled(source, f"answered {status} instead of opening a WebSocket; check its address")


def _retry_after(response: Response) -> float | None:
    # `headers[name]` would raise an error if the header was sent twice.
    wait, date = (", ".join(response.headers.get_all(name)) for name in ("Retry-After", "Date"))
    return read_retry_after(wait, date)


@contextmanager
def session_errors(source: str, deadline: float) -> Iterator[None]:
    """Turn what ends a session into a `SourceError`."""
    try:
        yield
    except InvalidStatus as error:
        raise handshake_error(source, error) from error
    except (WebSocketException, OSError) as error:
        late = is_over(deadline) and not isinstance(error, ProxyError)
        words = "no answer in time" if late else f"cannot be reached: {describe(error)}"
        raise SourceUnreachable(source, words) from error


@contextmanager
def open_session(source: str, url: str, timeout: float) -> Iterator[ExchangeSession]:
    """
    Open a session at *url*; everything, opening and closing included, ends within *timeout* seconds.

    Raises:
        SourceError: when the connection cannot be opened, breaks, or says nothing in time.
    """
    deadline = time.monotonic() + timeout
    with session_errors(source, deadline), closing(ExchangeSession.connect(url, deadline)) as session:
        yield session


def converse(source: str, url: str, timeout: float, talk: Callable[[ExchangeSession], T]) -> T:
    """
    Return what *talk* makes of a session at *url*; everything ends within *timeout* seconds.

    *talk* runs again, with a new session, if a kept one turns out to be dead.

    Raises:
        SourceError: when no connection can be opened, or it breaks, or says nothing in time.
    """
    began = time.monotonic()
    deadline = began + timeout
    is_asked_often = began - _asked_at.get(url, float("-inf")) <= LONGEST_PAUSE
    _asked_at[url] = began
    quick = PATIENCE / 2 * timeout if is_asked_often else 0.0
    with session_errors(source, deadline):
        if session := _take(url, began):
            session.deadline = began + PATIENCE * timeout
            with suppress(OSError, WebSocketException):
                return _ask(session, url, talk, quick)
        return _ask(ExchangeSession.connect(url, deadline), url, talk, quick)


def _take(url: str, now: float) -> ExchangeSession | None:
    kept = _kept.pop(url, None)
    if kept and now - kept.since > LONGEST_PAUSE:
        kept.session.drop()
        return None
    return kept.session if kept else None


def _ask(session: ExchangeSession, url: str, talk: Callable[[ExchangeSession], T], quick: float) -> T:
    """Return what *talk* makes of *session*; close it, unless it is kept because that took at most *quick* seconds."""
    is_kept, began = False, time.monotonic()
    try:
        answer = talk(session)
        is_kept = time.monotonic() - began <= quick and _keep(session, url)
    finally:
        if not is_kept:
            session.close()
    return answer


def _keep(session: ExchangeSession, url: str) -> bool:
    """Return whether *session* is kept; another tick in this process may have been faster."""
    kept = _Kept(session, time.monotonic())
    return session.is_reusable and _kept.setdefault(url, kept) is kept


def drop_kept() -> None:
    """End all kept sessions, in this process."""
    while _kept:
        _kept.popitem()[1].session.drop()
    _asked_at.clear()


# The parent goes on with them.
os.register_at_fork(after_in_child=drop_kept)
