"""
How a handshake is answered on every server: accepted in the dialect that was offered, or refused with an HTTP status.

daphne's ASGI supports neither headers in an accept nor a status other than 403, so its connection is used directly.
"""

from http import HTTPStatus
from typing import Any

from rates.fanout.admission import RETRY_AFTER, Refusal
from rates.fanout.links import Send, daphne_protocol
from rates.fanout.tokens import BEARER

TYPED = "rates.v1"
# On every accepted handshake, so that a client that misspells a dialect can see what to offer.
DIALECTS_HEADER = "X-Rates-Dialects"


def offered_name(scope: dict[str, Any], name: str) -> str | None:
    """Return the subprotocol *name* as the client spells it; None when it does not offer it."""
    return next((offered for offered in scope["subprotocols"] if offered.lower() == name), None)


async def accept(scope: dict[str, Any], send: Send) -> None:
    """Accept with one of the offered subprotocols, spelt as offered; browsers require that. Never echo the token."""
    subprotocol = offered_name(scope, TYPED) or offered_name(scope, BEARER)
    if daphne_protocol(send):
        # daphne passes it on to autobahn, which takes a pair with headers too.
        await send({"type": "websocket.accept", "subprotocol": (subprotocol, {DIALECTS_HEADER: TYPED})})
    else:
        headers = [(DIALECTS_HEADER.lower().encode(), TYPED.encode())]
        await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})


async def refuse(refusal: Refusal, scope: dict[str, Any], send: Send) -> None:
    """Refuse with the status of *refusal*; a server that cannot send one accepts and closes instead."""
    headers = {"Retry-After": str(RETRY_AFTER)} if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    if "websocket.http.response" in scope.get("extensions", {}):
        await _respond(refusal, {"Content-Type": "text/plain; charset=utf-8"} | headers, send)
    elif protocol := daphne_protocol(send):
        _fail_handshake(protocol, refusal, headers)
    else:
        if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": refusal.code})


async def _respond(refusal: Refusal, headers: dict[str, str], send: Send) -> None:
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": pairs})
    await send({"type": "websocket.http.response.body", "body": refusal.reason.encode()})


def _fail_handshake(protocol: Any, refusal: Refusal, headers: dict[str, str]) -> None:
    """Do what daphne's `serverReject` does, with a status and *headers*."""
    if hasattr(protocol, "handshake_deferred"):
        del protocol.handshake_deferred
        protocol.failHandshake(refusal.reason, refusal.status, ({"Content-Length": "0"} | headers).items())
        protocol.server.protocol_disconnected(protocol)
