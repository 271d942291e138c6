"""
The opening handshake under our server: from the request to the `101` that carries the greeting.

    first bytes ─► Front ─► a whole, valid handshake: RatesWebSocketProtocol and an Upgrade      `serve` alone
                        └─► anything else: uvicorn's HTTP protocol, which may still upgrade

An `Upgrade` is all that ASGI needs: scope, task, answer. It ends when the client is admitted, so an open socket keeps
none of it.

Tested in `tests/inbound/test_upgrade.py` and `tests/fanout/test_handshake.py`.
"""

import asyncio
import email.utils
import logging
from asyncio.transports import Transport
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.utils import ClientDisconnected, is_ssl
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from rates.inbound.opening import Handshake, check_request, parse_request, read_handshake

logger = logging.getLogger("uvicorn.error")


class Connection(Protocol):
    """What an upgrade needs of its connection."""

    transport: Transport

    def accept_frames(self, compressed: bool) -> None:
        """Take the frames of the greeting from now on, *compressed* where that helps."""

    def close(self, code: int) -> None:
        """Close the socket with *code*."""


class Upgrade:
    """
    The opening handshake of one connection: the ASGI application decides about it.

    Attributes:
        head: the `101` that the application has accepted with; it waits for the greeting, and both are written at once.
        early: what the client has sent before it was answered.
    """

    def __init__(self, connection: Connection, config: Config, state: ServerState) -> None:
        self.head = self.early = b""
        self.gone = False
        self._connection, self._config, self._state = connection, config, state
        self._handshake: Handshake | None = None
        self._begun = False
        self._refusal: tuple[int, Headers] | None = None

    def data_received(self, data: bytes) -> None:
        """Begin with the request; what comes before it is answered is kept, one read of it."""
        if self._begun:
            self.early += data
            self._connection.transport.pause_reading()
        elif request := parse_request(data):
            self._check(request)
        else:
            self._connection.transport.close()

    def _check(self, request: Request) -> None:
        try:
            handshake = check_request(request)
        except InvalidHandshake:
            self._answer(ServerProtocol().accept(request))
        else:
            self.begin(handshake)

    def begin(self, handshake: Handshake) -> None:
        """Have the application decide about a valid *handshake*."""
        self._handshake, self._begun = handshake, True
        task = asyncio.get_running_loop().create_task(self._run(self._scope_of(handshake)))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def _scope_of(self, handshake: Handshake) -> dict[str, Any]:
        raw_path, _, query = handshake.target.partition("?")
        offered = b",".join(value for name, value in handshake.headers if name == b"sec-websocket-protocol").decode()
        transport, root = self._connection.transport, self._config.root_path
        peer = transport.get_extra_info("peername")
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(transport) else "ws",
            "client": peer[:2] if isinstance(peer, tuple) else None,
            "root_path": root,
            "path": root + unquote(raw_path),
            "raw_path": (root + raw_path).encode("ascii"),
            "query_string": query.encode("ascii"),
            "headers": handshake.headers,
            "subprotocols": [word.strip() for word in offered.split(",")] if offered else [],
            "extensions": {"websocket.http.response": {}, "rates.link": self._connection},
        }

    async def _run(self, scope: dict[str, Any]) -> None:
        try:
            await self._config.loaded_app(scope, self._receive, self._send)
        except ClientDisconnected:
            return
        except Exception:
            logger.exception("Exception in ASGI application\n")
            self._connection.transport.close()

    async def _receive(self) -> dict[str, Any]:
        """Return the one event that there is; from the accept on, the connection hands over messages itself."""
        return {"type": "websocket.connect"}

    async def _send(self, message: dict[str, Any]) -> None:
        """Accept, close what was accepted, or refuse with an HTTP response."""
        if self.gone:
            raise ClientDisconnected
        match message["type"]:
            case "websocket.accept":
                self._accept(message.get("subprotocol"), message.get("headers", ()))
            case "websocket.close":
                self._connection.close(message["code"])
            case "websocket.http.response.start":
                pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
                self._refusal = (message["status"], Headers(pairs))
            case "websocket.http.response.body" if self._refusal:
                status, headers = self._refusal
                self._answer(Response(status, HTTPStatus(status).phrase, headers, message["body"]))
            case kind:
                raise RuntimeError(f"unexpected in a handshake: {kind}")

    def _accept(self, subprotocol: str | None, headers: Any) -> None:
        lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
        assert self._handshake
        lines.append(b"Sec-WebSocket-Accept: " + self._handshake.key.encode())
        if self._handshake.compression:
            lines.append(b"Sec-WebSocket-Extensions: " + self._handshake.compression.encode())
        lines += [b"%b: %b" % header for header in (*self._state.default_headers, *headers)]
        if subprotocol:
            lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode("latin-1"))
        self.head = b"\r\n".join([*lines, b"", b""])
        self._connection.accept_frames(bool(self._handshake.compression))

    def fail(self) -> None:
        """Answer that we cannot."""
        self._answer(ServerProtocol().reject(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error"))

    def _answer(self, response: Response) -> None:
        """Answer with *response* instead of a socket."""
        self._begun = True
        response.headers.setdefault("Date", email.utils.formatdate(usegmt=True))
        response.headers.setdefault("Connection", "close")
        response.headers.setdefault("Content-Length", str(len(response.body or b"")))
        self._connection.transport.write(response.serialize())
        self._connection.transport.close()


class Front(asyncio.Protocol):
    """
    A connection before its first bytes: `uvicorn --http rates.inbound.upgrade:Front`.

    A handshake goes to `--ws` directly, because an HTTP parser made for it and dropped again would cost much of the
    rest. What is not a whole, valid handshake in one piece goes to uvicorn's HTTP protocol, for whatever that says.
    """

    __slots__ = ("_arguments", "_connections", "_transport")

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None) -> None:
        self._arguments = (config, server_state, app_state)
        self._connections: set[Any] = server_state.connections

    def connection_made(self, transport: Any) -> None:
        """Wait for the first bytes."""
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a client that never said anything."""
        self._connections.discard(self)

    def shutdown(self) -> None:
        """End the connection when the server stops."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Hand the connection over to the protocol that *data* is for."""
        config = self._arguments[0]
        self._connections.discard(self)
        handshake = read_handshake(data) if config.ws_protocol_class else None
        kind: Any = config.ws_protocol_class if handshake else AutoHTTPProtocol
        protocol = kind(*self._arguments)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if handshake:
            protocol.begin(handshake)
        else:
            protocol.data_received(data)
