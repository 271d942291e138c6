"""Clients of `/ws/rates` in a thread of their own, which note every frame and every close with its time."""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException


class Heard(NamedTuple):
    """A frame, and when it came by the monotonic clock."""

    at: float
    frame: dict[str, Any]

    @property
    def as_of(self) -> float:
        """When its board was published, in Unix seconds; 0 when it does not say."""
        text = self.frame.get("as_of")
        return datetime.fromisoformat(text).timestamp() if text else 0.0


@dataclass
class Client:
    """
    One socket, and what became of it.

    Attributes:
        heard: its last frames, newest last.
        closed: monotonic time and code of every close.
    """

    heard: list[Heard] = field(default_factory=list)
    closed: list[tuple[float, int]] = field(default_factory=list)
    socket: ClientConnection | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is connected now."""
        return self.socket is not None

    def fresh_at(self, moment: float) -> float | None:
        """Return when it first had a board that was published after *moment* (Unix seconds); monotonic time."""
        return next((heard.at for heard in self.heard if heard.as_of > moment), None)


class Clients:
    """
    *count* sockets of `rates.v1`; with *back_off* they come back as `rates-socket.js` does.

    Attributes:
        clients: each of them.
        attempts: monotonic times of all handshakes that reached a server.
    """

    # Frames that each one keeps.
    KEPT = 400

    def __init__(
        self, address: str, count: int, back_off: Callable[[], "BackOff"] | None = None, spread: float = 0.0
    ) -> None:
        self.address = address
        self.clients = [Client() for _ in range(count)]
        self.attempts: list[float] = []
        self._back_off = back_off
        self._spread = spread
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._running: list[Future[None]] = [self.run(self._live(client)) for client in self.clients]
        return self

    def __exit__(self, *_: object) -> None:
        for task in self._running:
            task.cancel()
        self.run(asyncio.sleep(0.1)).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def run(self, work: Any) -> "Future[Any]":
        """Run a coroutine in the clients' own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _live(self, client: Client) -> None:
        policy = self._back_off() if self._back_off else None
        await asyncio.sleep(random.random() * self._spread)
        while True:
            code = await self._listen(client, policy)
            client.closed.append((time.monotonic(), code))
            if policy is None:
                return
            await asyncio.sleep(policy.wait(code))

    async def _listen(self, client: Client, policy: "BackOff | None") -> int:
        """Return the close code; 1006 also when there was no connection."""
        url = f"ws://{self.address}/ws/rates"
        try:
            began = time.monotonic()
            async with connect(
                url, subprotocols=["rates.v1"], compression=None, proxy=None, ping_interval=None, open_timeout=13
            ) as client.socket:
                self.attempts.append(began)
                if policy:
                    policy.opened()
                while True:
                    text = await client.socket.recv()
                    heard = Heard(time.monotonic(), json.loads(text))
                    client.heard.append(heard)
                    del client.heard[: -self.KEPT]
                    if policy and heard.frame["type"] == "bye":
                        policy.bye(heard.frame["retry_ms"])
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except (OSError, TimeoutError):
            return 1006
        except WebSocketException:
            self.attempts.append(began)
            return 1006
        finally:
            client.socket = None

    # What is asked of them

    def count_open(self) -> int:
        """Return how many are connected."""
        return sum(client.is_open for client in self.clients)

    def closes(self) -> Counter[int]:
        """Return how often a socket was closed, by code."""
        return Counter(code for client in self.clients for _, code in client.closed)

    def wait_served(self, seconds: float = 60.0) -> None:
        """Wait until each has heard a board."""
        self._wait(lambda client: any(heard.as_of for heard in client.heard), seconds, "a first board")

    def wait_fresh(self, moment: float, seconds: float) -> float:
        """
        Wait until each has a board that was published after *moment* (Unix seconds).

        Returns the seconds after *moment* at which the last one had it.
        """
        self._wait(lambda client: client.fresh_at(moment), seconds, "a fresh board")
        last = max(client.fresh_at(moment) or 0.0 for client in self.clients)
        return last - time.monotonic() + time.time() - moment

    def _wait(self, claim: Callable[[Client], object], seconds: float, words: str) -> None:
        deadline = time.monotonic() + seconds
        while missing := [client for client in self.clients if not claim(client)]:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(missing)} of {len(self.clients)} sockets had not {words} in {seconds:g} s")
            time.sleep(0.05)


class BackOff:
    """The waits of `dashboard/static/dashboard/js/rates-socket.js`, function `again`; seconds."""

    FIRST_WAIT, LONGEST_WAIT, GOOD_AFTER = 1.0, 30.0, 5.0

    def __init__(self) -> None:
        self._tries = 0
        self._opened: float | None = None
        self._bye_ms: int | None = None

    def opened(self) -> None:
        """Note that a socket is open."""
        self._opened = time.monotonic()

    def bye(self, retry_ms: int) -> None:
        """Note when the server wants it back."""
        self._bye_ms = retry_ms

    def wait(self, code: int) -> float:
        """Return the seconds until the next attempt after a close with *code*."""
        if self._opened is not None and time.monotonic() - self._opened > self.GOOD_AFTER:
            self._tries = 0
        self._opened = None
        longest = self.LONGEST_WAIT
        if code not in (1008, 1013):
            longest = min(self.LONGEST_WAIT, self.FIRST_WAIT * 2**self._tries)
            self._tries += 1
        retry_ms, self._bye_ms = self._bye_ms, None
        if retry_ms is None:
            return random.random() * longest
        return retry_ms / 1000 * (1 + random.random())
