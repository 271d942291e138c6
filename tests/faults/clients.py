"""Clients of `/ws/rates` in a thread of their own, which note every frame and every close with its time."""

import asyncio
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

# Seconds for a handshake, as in `rates-socket.js`.
OPENING = 13.0


class Heard(NamedTuple):
    """A frame, and when it came by the monotonic clock."""

    at: float
    frame: dict[str, Any]

    @property
    def as_of(self) -> float:
        """When its board was published, in Unix seconds; 0 when it does not say."""
        text = self.frame.get("as_of")
        return datetime.fromisoformat(text).timestamp() if text else 0.0


class Policy(Protocol):
    """When a client comes back."""

    def opened(self) -> None:
        """Note that a socket is open."""

    def bye(self, retry_ms: int) -> None:
        """Note when the server wants it back."""

    def wait(self, code: int) -> float:
        """Return the seconds until the next attempt after a close with *code*."""


@dataclass
class Client:
    """
    One socket, and what became of it.

    Attributes:
        heard: its last frames, newest last.
        closed: monotonic time and code of every close.
        rates: the board that a page would show, symbol -> coin.
        epoch, seq: which board that is.
        gaps: updates that did not follow the board it had: unseen losses.
    """

    heard: deque[Heard] = field(default_factory=lambda: deque(maxlen=100))
    closed: list[tuple[float, int]] = field(default_factory=list)
    socket: ClientConnection | None = None
    rates: dict[str, Any] = field(default_factory=dict)
    epoch: str = ""
    seq: int = 0
    gaps: int = 0

    def fresh_at(self, moment: float) -> float | None:
        """Return when it first had a board that was published after *moment* (Unix seconds); monotonic time."""
        return next((heard.at for heard in list(self.heard) if heard.as_of > moment), None)

    def take(self, text: str, whole: bool) -> dict[str, Any]:
        """Note a frame, and keep the board as a page does; without the rates when it need not be *whole*."""
        at = text.find(',"rates":')
        frame: dict[str, Any] = json.loads(text if whole or at < 0 else text[:at] + "}")
        self.heard.append(Heard(time.monotonic(), frame))
        if frame["type"] in ("board", "update"):
            self._follow(frame)
        return frame

    def _follow(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "update":
            self.gaps += (frame["epoch"], frame["seq"]) != (self.epoch, self.seq + 1)
        else:
            self.rates = {}
        self.epoch, self.seq = frame["epoch"], frame["seq"]
        self.rates.update({rate["symbol"]: rate for rate in frame.get("rates", ())})
        for symbol in frame.get("removed", ()):
            self.rates.pop(symbol, None)


class Clients:
    """
    *count* sockets of `rates.v1`, which begin spread over *spread* seconds; a crowd need not read *whole* frames.

    They come back when their *policy* says so, and not at all without one.

    Attributes:
        clients: each of them.
        attempts: monotonic times of all handshakes that reached a server.
    """

    def __init__(
        self, address: str, count: int, policy: Callable[[], Policy] | None = None, spread: float = 0.0,
        whole: bool = True,
    ) -> None:  # fmt: skip
        self.address = address
        self.clients = [Client() for _ in range(count)]
        self._whole = whole
        self.attempts: list[float] = []
        self._policy = policy
        self._spread = spread
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        for client in self.clients:
            self.run(self._live(client))
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop()).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def run(self, work: Any) -> "Future[Any]":
        """Run a coroutine in the clients' own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _live(self, client: Client) -> None:
        policy = self._policy() if self._policy else None
        await asyncio.sleep(random.random() * self._spread)
        while True:
            code = await self._listen(client, policy)
            client.closed.append((time.monotonic(), code))
            if policy is None:
                return
            await asyncio.sleep(policy.wait(code))

    async def _listen(self, client: Client, policy: Policy | None) -> int:
        """Return the close code; 1006 also when there was no connection."""
        began = time.monotonic()
        try:
            async with connect(
                f"ws://{self.address}/ws/rates",
                subprotocols=["rates.v1"],  # type: ignore[list-item]
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=OPENING,
                close_timeout=1,
            ) as client.socket:
                self.attempts.append(began)
                if policy:
                    policy.opened()
                while True:
                    frame = client.take(str(await client.socket.recv()), self._whole)
                    if policy and frame["type"] == "bye":
                        policy.bye(frame["retry_ms"])
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except (OSError, TimeoutError):
            return 1006
        except WebSocketException:  # the handshake was refused
            self.attempts.append(began)
            return 1006
        finally:
            client.socket = None

    def churn(self, per_second: int) -> "Future[Any]":
        """Close so many sockets a second, for ever; with a *policy* they come back."""

        closing: set[asyncio.Task[None]] = set()

        async def close_some() -> None:
            while True:
                await asyncio.sleep(1 / per_second)
                socket = random.choice(self.clients).socket
                if socket is not None:
                    closing.add(closed := asyncio.create_task(socket.close()))
                    closed.add_done_callback(closing.discard)

        return self.run(close_some())

    # What is asked of them

    def count_open(self) -> int:
        """Return how many are connected."""
        return sum(client.socket is not None for client in self.clients)

    def closes(self) -> Counter[int]:
        """Return how often a socket was closed, by code."""
        return Counter(code for client in self.clients for _, code in client.closed)

    def gaps(self) -> int:
        """Return how many losses went unseen."""
        return sum(client.gaps for client in self.clients)

    def busiest_second(self, since: float) -> int:
        """Return the most handshakes within one second after *since* (monotonic time)."""
        times = sorted(at for at in self.attempts if at >= since)
        return max((sum(at <= other < at + 1 for other in times) for at in times), default=0)

    def wait_served(self, seconds: float = 60.0) -> None:
        """Wait until each has heard a board."""
        self._wait(lambda client: client.seq, seconds, "a first board")

    def wait_fresh(self, moment: float, seconds: float) -> float:
        """
        Wait until each has a board that was published after *moment* (Unix seconds).

        Returns the seconds after *moment* at which the last one had it.
        """
        began = time.monotonic() - (time.time() - moment)
        self._wait(lambda client: client.fresh_at(moment), seconds, "a fresh board")
        return max(client.fresh_at(moment) or 0.0 for client in self.clients) - began

    def _wait(self, claim: Callable[[Client], object], seconds: float, words: str) -> None:
        deadline = time.monotonic() + seconds
        while missing := [client for client in self.clients if not claim(client)]:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(missing)} of {len(self.clients)} sockets had not {words} in {seconds:g} s")
            time.sleep(0.05)


class BackOff:
    """The policy of `dashboard/static/dashboard/js/rates-socket.js`, function `waitSeconds`; seconds."""

    SPREAD, LONGEST_WAIT, GOOD_AFTER = 10.0, 30.0, 5.0

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
            longest = min(self.LONGEST_WAIT, max(self.SPREAD, 2.0**self._tries))
            self._tries += 1
        retry_ms, self._bye_ms = self._bye_ms, None
        if retry_ms is None:
            return random.random() * longest
        return retry_ms / 1000 * (1 + random.random())


class AtOnce:
    """Comes back without a wait, for sockets that are to be many all the time."""

    def opened(self) -> None:
        """Note nothing."""

    def bye(self, retry_ms: int) -> None:
        """Note nothing."""

    def wait(self, code: int) -> float:
        """Return hardly any time."""
        return 0.1
