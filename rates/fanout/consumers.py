"""
`/ws/rates`: the protocol of one socket (`docs/protocol.md`).

The consumer admits a client and gives its socket to the hub; what the client says then is for its `Session`. It uses no
channel layer and no database, so it skips the base class's dispatch, which would hop to a thread for every message.
"""

import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from django.conf import settings

from rates.currencies import find_code, offered
from rates.fanout.admission import Refusal, admit, log_refusal, release
from rates.fanout.close_codes import CloseCode
from rates.fanout.handshake import TYPED, accept, offered_name, refuse
from rates.fanout.hub import Hub, get_hub
from rates.fanout.links import Send, choose_link
from rates.fanout.sockets import MAX_MESSAGE_BYTES, Group, Socket
from rates.fanout.tokens import TokenRefused, authenticate
from rates.symbols import fold
from rates.telemetry import counts

MAX_SELECTION = 500
MAX_BAD_MESSAGES = 4
# What can be wrong with a frame itself, by the close code for it.
FRAME_ERRORS = {
    CloseCode.UNSUPPORTED_DATA: "not_text",
    CloseCode.POLICY_VIOLATION: "too_often",
    CloseCode.MESSAGE_TOO_BIG: "too_long",
}
# Messages a second, and how many at once.
MESSAGE_RATE = 10.0
MESSAGE_BURST = 20.0
# Seconds that a handshake waits for the hub to read the store for the first time.
FIRST_BOARD_TIMEOUT = 0.8


class ClientError(Exception):
    """Raised when a client's message breaks the protocol; the socket stays open."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class MessageAllowance:
    """A token bucket: `MESSAGE_RATE` messages a second, with bursts of `MESSAGE_BURST`."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left = MESSAGE_BURST
        self._at = time.monotonic()

    def use(self) -> bool:
        """Use up one message of the allowance; False when none was left."""
        now = time.monotonic()
        self._left = min(MESSAGE_BURST, self._left + (now - self._at) * MESSAGE_RATE) - 1
        self._at = now
        return self._left >= 0


class Session:
    """One client of the hub, who was admitted from *address*."""

    __slots__ = ("_address", "_allowance", "_bad", "_closing", "_hub", "_socket")

    def __init__(self, hub: Hub, socket: Socket, address: str) -> None:
        self._hub, self._socket, self._address = hub, socket, address
        # Most clients never say anything.
        self._allowance: MessageAllowance | None = None
        self._bad = 0
        self._closing = False

    async def serve(self, receive: Any) -> None:
        """Serve the client until its end; our own server hands over what it says by itself."""
        if adopt := getattr(self._socket.link, "adopt", None):
            adopt(self)
            return
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                self.receive(message.get("text"))
        finally:
            self.end()

    def end(self) -> None:
        """Forget the client."""
        self._hub.remove(self._socket)
        release(self._address)

    def receive(self, text: str | None) -> None:
        """Do what a message asks for, or close the socket; None stands for one that is not text."""
        if self._closing:
            return  # Sent before the client noticed that we had closed.
        if self._allowance is None:
            self._allowance = MessageAllowance()
        code = check_frame(text, self._allowance)
        if code is not None:
            counts.client_errors.labels(FRAME_ERRORS[code]).inc()
        elif self._socket.typed:
            assert text is not None
            code = self._handle(text)
        if code is not None:
            self._closing = True
            counts.closed.labels("protocol").inc()
            self._hub.disconnect(self._socket, code)

    def _handle(self, text: str) -> CloseCode | None:
        """Do what *text* asks for; return the close code for one bad message too many."""
        try:
            handle_message(self._hub, self._socket, text)
        except ClientError as error:
            self._bad += 1
            counts.client_errors.labels(error.code).inc()
            self._hub.answer(self._socket, error_text(error.code, str(error)))
        return CloseCode.POLICY_VIOLATION if self._bad > MAX_BAD_MESSAGES else None


class RatesConsumer(AsyncConsumer):  # type: ignore[misc] # Channels has no hints
    """One socket of `/ws/rates`."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """Serve one socket from its handshake to its end."""
        await receive()
        try:
            session = await open_session(get_hub(), scope, send)
        except Refusal as refusal:
            counts.refused.labels(refusal.label).inc()
            await refuse(refusal, scope, send)
        except TokenRefused as refused:
            log_refusal(f"token: {refused}")
            counts.refused.labels("token").inc()
            await accept(scope, send)
            # After the accept, because a browser cannot read why a handshake was refused.
            await send({"type": "websocket.close", "code": CloseCode.TOKEN_REFUSED})
        else:
            await session.serve(receive)


async def open_session(hub: Hub, scope: dict[str, Any], send: Send) -> Session:
    """
    Admit, accept and greet the client of *scope*.

    Raises:
        Refusal: when it is not admitted.
        TokenRefused: when its token is.
    """
    address = admit(scope, hub.draining)
    try:
        socket = await _open_socket(hub, scope, send)
    except BaseException:
        release(address)
        raise
    return Session(hub, socket, address)


async def _open_socket(hub: Hub, scope: dict[str, Any], send: Send) -> Socket:
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    group = read_group(scope, query)
    expires_at = await authenticate(scope) if settings.RATES_WS_AUTH == "jwt" else None
    await hub.wait_ready(FIRST_BOARD_TIMEOUT)
    await accept(scope, send)
    socket = Socket(choose_link(scope, send), group, expires_at)
    hub.add(socket)
    counts.admitted.inc()
    wanted = query.get("currency", [""])[-1]
    if read_currency(wanted) is None:
        hub.answer(socket, error_text("unknown_currency", say_unknown(wanted)))
    return socket


async def refuse_unknown_path(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """Refuse a handshake for any other path with 404."""
    await receive()
    counts.refused.labels("path").inc()
    await refuse(Refusal("path", 404, CloseCode.NOT_ALLOWED, "no socket here; try /ws/rates"), scope, send)


def read_group(scope: dict[str, Any], query: dict[str, list[str]]) -> Group:
    """
    Return what the *query* of the URL and the subprotocol ask for: dialect, selection, `omit=doubtful`, and currency.

    Raises:
        Refusal: for another `omit`, or for an unknown currency in the plain dialect, which has no errors: what somebody
            does not want is not sent because of a misspelling.
    """
    omitted = query.get("omit", ["doubtful"])
    if set(omitted) != {"doubtful"}:
        raise Refusal("query", 400, CloseCode.POLICY_VIOLATION, "omit takes one word: doubtful")
    typed, wanted = offered_name(scope, TYPED) is not None, query.get("currency", [""])[-1]
    code = read_currency(wanted)
    if code is None and not typed:
        raise Refusal("query", 400, CloseCode.POLICY_VIOLATION, say_unknown(wanted))
    return Group(typed, read_selection(query.get("symbols")), "omit" in query, code or "")


def read_selection(values: Sequence[str] | None) -> frozenset[str] | None:
    """Return the selection in the URL (`?symbols=BTC,XLM` or `?symbols=BTC&symbols=XLM`); None for all coins."""
    if values is None:
        return None
    words = [fold(word.strip()) for word in ",".join(values).split(",")]
    return frozenset(list(filter(None, words))[:MAX_SELECTION])


def error_text(code: str, detail: str) -> str:
    """Return an `error` frame; in ASCII, because *detail* may quote half a surrogate pair that the client sent."""
    return json.dumps({"type": "error", "code": code, "detail": detail}, separators=(",", ":"))


def check_frame(text: str | None, allowance: MessageAllowance) -> CloseCode | None:
    """Return the close code for a frame that is not text, too long, or one too many; None when it may be read."""
    if text is None:
        return CloseCode.UNSUPPORTED_DATA
    if len(text) > MAX_MESSAGE_BYTES or len(text.encode()) > MAX_MESSAGE_BYTES:
        return CloseCode.MESSAGE_TOO_BIG
    return None if allowance.use() else CloseCode.POLICY_VIOLATION


def read_currency(text: str) -> str | None:
    """Return the currency that *text* means as a group has it, empty for the base; None if there is no such one."""
    if not text:
        return ""
    code = find_code(text)
    return "" if code == settings.QUOTE_CURRENCY else code


def say_unknown(currency: str) -> str:
    """Return what to say about a *currency* that is not offered."""
    return f"currency: {currency[:10]!r} is not offered; there are {', '.join(offered())}"


def handle_message(hub: Hub, socket: Socket, text: str) -> None:
    """
    Do what a message of a `rates.v1` client asks for.

    Raises:
        ClientError: when *text* is not a message of the protocol.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ClientError("bad_json", "not JSON") from None
    kind = message.get("type") if isinstance(message, dict) else None
    if kind == "ping":
        hub.heartbeat(socket)
    elif kind == "select":
        select(hub, socket, message.get("symbols"), message.get("currency"))
    else:
        raise ClientError("unknown_type", "type must be select or ping")


def select(hub: Hub, socket: Socket, symbols: object, wanted: object = None) -> None:
    """
    Change the selection and the currency of *socket*; None leaves the currency as it is.

    *symbols* that are not on the board are reported, the others are kept; a currency that is not offered is reported,
    and nothing changes.

    Raises:
        ClientError: when *symbols* is neither null nor a list of at most `MAX_SELECTION` strings.
    """
    currency = socket.group.currency if wanted is None else read_currency(str(wanted) or "?")
    if currency is None:
        hub.answer(socket, error_text("unknown_currency", say_unknown(str(wanted))))
        return
    if symbols is None:
        hub.select(socket, None, currency)
        return
    if not isinstance(symbols, list) or len(symbols) > MAX_SELECTION or not all(isinstance(s, str) for s in symbols):
        raise ClientError("bad_symbols", f"symbols must be null or a list of up to {MAX_SELECTION} strings")
    known = {fold(symbol) for symbol in (hub.snapshot.fragments if hub.snapshot else ())}
    unknown = sorted({symbol for symbol in symbols if fold(symbol) not in known})
    if unknown:
        detail = "not on the board: " + ", ".join(unknown)[:200]
        hub.answer(socket, error_text("unknown_symbol", detail))
    hub.select(socket, frozenset(map(fold, symbols)), currency)
