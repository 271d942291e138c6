"""
Connecting to a host with several addresses, of which some may be dead (RFC 8305, "Happy Eyeballs").

asyncio has it for its own connections, the standard library not for plain sockets. An address is tried when the one
before has failed, or has not answered within `ATTEMPT_DELAY`; the first that answers is used, and is tried first the
next time.
"""

import os
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from errno import EINPROGRESS
from selectors import EVENT_WRITE, DefaultSelector
from typing import Any

from rates.outbound.deadlines import DeadlineSocket, is_over, time_left

# Seconds: what RFC 8305 recommends.
ATTEMPT_DELAY = 0.25
# Hosts whose address is remembered; there are a few vendors.
MOST_HOSTS = 100

# As `socket.getaddrinfo` returns it.
Address = tuple[Any, ...]
_answered: dict[object, Address] = {}


def connect_first(host: object, addresses: Iterable[Address], deadline: float) -> socket.socket:
    """
    Return a socket that is connected to one of the *addresses* of *host*, by which the address is remembered.

    Raises:
        OSError: if none of them accepts the connection by *deadline*.
    """
    ordered = sorted(addresses, key=lambda address: address != _answered.get(host))
    with Race(ordered) as race:
        winner, address = race.run(deadline)
    if len(_answered) >= MOST_HOSTS:
        _answered.clear()
    _answered[host] = address
    return winner


class Race:
    """Attempts to connect to *addresses*, of which the first that succeeds wins; the others are closed at the end."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._waiting = deque(addresses)
        self._selector = DefaultSelector()
        self._next_at = 0.0
        self._failure = OSError("no address")

    def __enter__(self) -> "Race":
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr] # it is a socket
        self._selector.close()

    def run(self, deadline: float) -> tuple[socket.socket, Address]:
        """
        Return the socket that won, and its address.

        Raises:
            OSError: the last failure; `TimeoutError` after *deadline*.
        """
        while self._waiting or self._selector.get_map():
            if is_over(deadline):
                raise TimeoutError("no answer in time")
            if self._waiting and time.monotonic() >= self._next_at:
                self._start(self._waiting.popleft())
            for sock, address in self._finished(deadline):
                if self._has_won(sock):
                    return sock, address
        raise self._failure

    def _start(self, address: Address) -> None:
        """Start to connect to *address*; the next one has to wait a little, unless this fails at once."""
        family, kind, protocol, _, place = address
        try:
            sock = DeadlineSocket(family, kind, protocol)
        except OSError as error:
            self._failure = error
            return
        sock.setblocking(False)
        code = sock.connect_ex(place)
        if code not in (0, EINPROGRESS):
            sock.close()
            self._failure = OSError(code, os.strerror(code))
            return
        self._selector.register(sock, EVENT_WRITE, address)
        self._next_at = time.monotonic() + ATTEMPT_DELAY

    def _finished(self, deadline: float) -> Iterator[tuple[socket.socket, Address]]:
        """Wait until attempts end, or the next one may start; yield those that ended."""
        wait = time_left(deadline)
        if self._waiting:
            wait = min(wait, max(0.0, self._next_at - time.monotonic()))
        for key, _ in self._selector.select(wait):
            yield key.fileobj, key.data  # type: ignore[misc] # it is a socket

    def _has_won(self, sock: socket.socket) -> bool:
        self._selector.unregister(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code == 0:
            return True
        sock.close()
        self._failure, self._next_at = OSError(code, os.strerror(code)), 0.0
        return False
