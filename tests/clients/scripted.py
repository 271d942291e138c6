"""A server of `/ws/rates` that does to its clients what a script says, and notes when they come."""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

HELLO = {"type": "hello", "v": 1, "epoch": "e", "quote": "usd", "interval": 5, "heartbeat": 10, "stale_after": 15}


def board(*symbols: str, name: str = "") -> dict[str, Any]:
    """Return a `board` of *symbols*, each at 63250.12."""
    rates = [{"symbol": symbol, "name": name, "price": "63250.12"} for symbol in symbols or ("BTC",)]
    return {"type": "board", "epoch": "e", "seq": 1, "as_of": datetime.now(UTC).isoformat(), "rates": rates}


@dataclass
class Act:
    """
    What is done to one client.

    Attributes:
        status: the handshake is refused with it; `hang` leaves it without an answer, and `drop` cuts the connection.
        frames: sent after the accept.
        code: the socket is closed with it then; without one it stays open, and falls silent.
        is_frozen: it is not even read any more then: no pong, no answer to a close.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False
    frames: list[dict[str, Any]] = field(default_factory=list)
    code: int | None = None
    is_frozen: bool = False


def refuse(status: int, **headers: str) -> Act:
    """Answer the handshake with *status*."""
    return Act(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def close(code: int, *frames: dict[str, Any]) -> Act:
    """Serve a board and *frames*, then close with *code*."""
    return Act(frames=[HELLO, board(), *frames], code=code)


SERVE = Act(frames=[HELLO, board()])
FREEZE = Act(frames=[HELLO, board()], is_frozen=True)


@dataclass
class Visit:
    """One handshake: when it came and its end was sent, in monotonic seconds, and what it showed."""

    at: float
    subprotocols: list[str]
    authorization: str
    ended: float = 0.0


class ScriptedServer:
    """Does the acts of *script* to one client after the other, and the last of them to all that follow."""

    def __init__(self, *script: Act) -> None:
        self.script = list(script)
        self.visits: list[Visit] = []
        self.port = 0
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"ws://127.0.0.1:{self.port}/ws/rates"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, from the second time on at the port of the first."""
        self._server = await serve(
            self._serve, "127.0.0.1", self.port, process_request=self._answer, ping_interval=None, close_timeout=1,
            select_subprotocol=lambda _, offered: next(iter(offered), None),
        )  # fmt: skip
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut every connection, and listen no more."""
        assert self._server is not None
        for connection in list(self._server.connections):
            connection.transport.abort()
        self._server.close(close_connections=False)
        await self._server.wait_closed()

    async def visited(self, times: int) -> None:
        """Wait until so many clients have come."""
        async with asyncio.timeout(60):
            while len(self.visits) < times:  # noqa: ASYNC110 - what is watched offers no event
                await asyncio.sleep(0.01)

    def gaps(self) -> list[float]:
        """Return the seconds between the end of each visit and the next one."""
        return [later.at - visit.ended for visit, later in zip(self.visits, self.visits[1:], strict=False)]

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        act = self.script[min(len(self.visits), len(self.script) - 1)]
        offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        visit = Visit(time.monotonic(), offered, request.headers.get("Authorization", ""))
        visit.ended = visit.at
        self.visits.append(visit)
        connection.act, connection.visit = act, visit  # type: ignore[attr-defined]
        if act.drop:
            connection.transport.abort()
        if act.hang:
            await connection.wait_closed()
        if not act.status:
            return None
        return Response(act.status, HTTPStatus(act.status).phrase, Headers(act.headers | {"Content-Length": "0"}))

    async def _serve(self, connection: ServerConnection) -> None:
        act: Act = connection.act  # type: ignore[attr-defined]
        with suppress(ConnectionClosed):
            for frame in act.frames:
                await connection.send(json.dumps(frame))
            connection.visit.ended = time.monotonic()  # type: ignore[attr-defined]
            if act.code is not None:
                await connection.close(act.code)
            elif act.is_frozen:
                connection.transport.pause_reading()  # type: ignore[attr-defined]
            await connection.wait_closed()
