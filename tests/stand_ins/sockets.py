"""What the WebSocket stand-ins share: a server in a thread, refused handshakes, faults of a whole connection."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.stand_ins.history import History
from tests.stand_ins.market import VALUES, StandIn

BLOCKED = json.dumps({"code": 0, "msg": "Service unavailable from a restricted location"})
# Faults of the handshake: status, further headers, body.
REFUSALS: dict[str, tuple[int, dict[str, str] | list[tuple[str, str]], str]] = {
    "401": (401, {}, ""),
    "403": (403, {"Content-Type": "text/html"}, "<html>Forbidden</html>"),
    "418": (418, {"Retry-After": "120"}, ""),
    "429": (429, {}, ""),
    "429_retry_after": (429, {"Retry-After": "7"}, ""),
    "429_retry_after_twice": (429, [("Retry-After", "7"), ("Retry-After", "9")], ""),
    "451": (451, {}, BLOCKED),
    "500": (500, {}, ""),
    "503_retry_after": (503, {"Retry-After": "7"}, ""),
    "502": (502, {"Content-Type": "text/html"}, "<html>Bad gateway</html>"),
    "redirect": (302, {"Location": "/elsewhere"}, ""),
    "redirect_nowhere": (302, {"Location": "http://[nowhere"}, ""),
}
GARBAGE = ("{", "[]", "null", "\u0000", '{"stream": 5}', '{"channel": "ticker", "data": 7}', b"\xff\xfe", "[1e999]")
HANDSHAKES = frozenset({*REFUSALS, "hang_handshake", "reset"})
# Faults of a message: it never comes, drips, is cut short, empty, too big, or the connection is reset in its midst.
MESSAGES = frozenset({"hang", "slow", "truncated", "empty", "big", "cut", "error_body", "ban"})
# Faults of a connection that stays open for events. "unknown" is the set of pairs that the vendor does not have.
STREAMS = frozenset({"drop", "silent", "half_open", "garbage", "only_garbage", "burst"})
# Faults of a subscription to the faulty symbols on a connection that is well: no event after the first price; nothing
# at all; the first price again for whoever subscribes again; events from before, with the time of then.
SUBSCRIPTIONS = frozenset({"mute", "deaf", "frozen_renewal", "lagging"})
BURST = 1000
TOO_BIG = '"' + 10_000_000 * "x" + '"'
# Seconds in the `Retry-After` of an answer to too many requests for historical candles.
HISTORY_PAUSE = 60
HISTORY_ANSWERS = {
    "limited": (429, ""),
    "limited_once": (429, ""),
    "garbage": (200, "<html>"),
    "down": (503, ""),
}
# Seconds between two parts of a slow message.
DRIP = 0.05


@dataclass
class SocketStandIn(StandIn):
    """
    A vendor that is spoken to through WebSockets.

    Attributes:
        messages: every message that clients sent, with the monotonic time of its arrival.
        opened: connections that were opened since the start.
        interval: seconds between two rounds of events on a stream.
        rounds: rounds of events that were sent, on all connections.
        history: its historical candles over HTTP, at `HISTORY_PATH`.
    """

    HISTORY_PATH: ClassVar[str] = ""

    FAULTS: ClassVar[frozenset[str]] = VALUES | HANDSHAKES | MESSAGES | STREAMS | SUBSCRIPTIONS

    messages: list[tuple[float, Any]] = field(default_factory=list)
    opened: int = 0
    interval: float = 0.05
    rounds: int = 0
    port: int = 0
    connections: set[ServerConnection] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        self.history = History(self)

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        # Who has a connection from before would not notice.
        if name == "fault" and value in HANDSHAKES and self.url:
            self.drop()

    @property
    def history_url(self) -> str:
        """Where it has historical candles."""
        return self.url.replace("ws://", "http://")

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def _run(self, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(ready))  # cancels and awaits what a fault has left hanging

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        server = await serve(
            self._meet,
            "127.0.0.1",
            self.port,
            process_request=self._answer_request,
            close_timeout=0.2,
            ping_interval=None,
        )
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        ready.set()
        await self._stop.wait()
        self.abort_all()
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)

    def _answer_history(self, query: str) -> Response:
        params = {name: values[0] for name, values in parse_qs(query).items()}
        fault = self.history.take_fault()
        status, body = HISTORY_ANSWERS[fault] if fault in HISTORY_ANSWERS else self.history_body(params, fault)
        headers = Headers([("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        if status == 429:
            headers["Retry-After"] = str(HISTORY_PAUSE)
        return Response(status, "", headers, body.encode())

    def history_body(self, params: Mapping[str, str], fault: str) -> tuple[int, str]:
        """Return status and body of an answer with historical candles."""
        raise NotImplementedError

    def abort_all(self) -> None:
        """Reset every connection; call it in the server's own loop."""
        for connection in list(self.connections):
            connection.transport.abort()

    def drop(self) -> None:
        """Reset every connection now."""
        self._loop.call_soon_threadsafe(self.abort_all)

    async def _answer_request(self, connection: ServerConnection, request: Request) -> Response | None:
        path, _, query = request.path.partition("?")
        if path == "/control":
            return connection.respond(HTTPStatus.OK, self.control(query))
        if path == self.HISTORY_PATH:
            return self._answer_history(query)
        self.calls += 1
        while self.fault == "hang_handshake":  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(0.02)
        if self.fault == "reset":
            connection.transport.abort()
        if self.fault not in REFUSALS:
            return None
        status, more, body = REFUSALS[self.fault]
        headers = Headers(more)
        headers["Content-Length"] = str(len(body))
        return Response(status, "", headers, body.encode())

    async def _meet(self, connection: ServerConnection) -> None:
        self.opened += 1
        self.connections.add(connection)
        try:
            await self.talk(connection)
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)

    async def talk(self, connection: ServerConnection) -> None:
        """Speak to a client until the connection ends."""
        raise NotImplementedError

    async def read(self, connection: ServerConnection) -> Any:
        """Return the next message of a client, and take it down."""
        message = json.loads(await connection.recv())
        self.messages.append((time.monotonic(), message))
        return message

    async def send_events(self, connection: ServerConnection, events: Callable[[str], Iterator[str]]) -> None:
        """Send rounds of *events* for ever, with the connection's faults between them."""
        while True:
            await asyncio.sleep(self.interval)
            await self._take_turn(connection, events, self.take_fault())
            self.rounds += 1

    async def _take_turn(
        self, connection: ServerConnection, events: Callable[[str], Iterator[str]], fault: str
    ) -> None:
        if fault == "silent":
            await connection.ping()
        elif fault == "half_open":
            connection.transport.pause_reading()  # type: ignore[attr-defined]
        elif fault == "only_garbage":
            for frame in GARBAGE:
                await connection.send(frame)
        else:
            if fault == "drop":
                connection.transport.abort()
            await self._send_round(connection, events, fault)

    async def _send_round(
        self, connection: ServerConnection, events: Callable[[str], Iterator[str]], fault: str
    ) -> None:
        wanted, sent = (BURST * self.interval if fault == "burst" else 1), 0
        while sent < wanted:
            before = sent
            for text in events(fault):
                await self.say(connection, text, fault)
                sent += 1
            if sent == before:
                return

    def is_mute(self, symbol: str, fault: str) -> bool:
        """Return whether *fault* keeps the events of *symbol* back."""
        return fault in ("mute", "deaf", "frozen_renewal") and self.is_faulty(symbol)

    async def say(self, connection: ServerConnection, text: str, fault: str) -> None:
        """Send *text*, or what *fault* makes of it."""
        if fault == "garbage":
            for frame in GARBAGE:
                await connection.send(frame)
        if fault in ("slow", "cut"):
            await connection.send(self._drip(connection, text, fault))
            return
        half = text[: len(text) // 2]
        await connection.send({"truncated": half, "empty": "", "big": TOO_BIG}.get(fault, text))

    async def _drip(self, connection: ServerConnection, text: str, fault: str) -> AsyncIterator[str]:
        for place, character in enumerate(text):
            if self.fault != fault:
                yield text[place:]
                return
            yield character
            await asyncio.sleep(DRIP)
            if fault == "cut":
                connection.transport.abort()
