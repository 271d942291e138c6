"""
`/api/stream`: the frames of `rates.v1` as server-sent events, for whoever cannot keep a WebSocket.

It is served before Django, whose streaming response takes a thread for every open stream. A stream is one more client
of the hub: admission, selection, slow clients, late boards and the end of the process are those of a socket.
"""

import random
from http import HTTPStatus
from io import BytesIO

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest

from rates.api.parameters import Selection, read_offered, read_symbols, write_unknown
from rates.api.problems import Problem
from rates.fanout.admission import RETRY_AFTER, Refusal, admit, log_refusal, release
from rates.fanout.consumers import FIRST_BOARD_TIMEOUT
from rates.fanout.hub import get_hub
from rates.fanout.sockets import Group, Socket
from rates.fanout.tokens import TokenRefused, authenticate
from rates.gateway.access import unauthorized
from rates.gateway.event_links import open_event_link
from rates.gateway.replies import App, HeaderMap, Headers, Receive, Reply, Scope, Send, send_reply, tell_problem
from rates.telemetry import counts

PATH = "/api/stream"
HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    (b"connection", b"close"),
]
# Milliseconds after which a browser that was refused tries again.
RETRY_FROM, RETRY_TO = 5000, 15000
TEMPORARY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# The code in problem details of each reason to refuse.
CODES = {"origin": "forbidden", "database": "store_away"}


def with_stream(inner: App) -> App:
    """Return an application that serves the stream itself, and leaves all else to *inner*: other methods too."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        is_stream = path == PATH and scope["method"] in ("GET", "HEAD")
        await (stream_events if is_stream else inner)(scope, receive, send)

    return serve


def tell_refusal(problem: Problem, headers: HeaderMap) -> Reply:
    """
    Tell *problem*; but a browser's `EventSource`, which any status but 200 stops for good, when to come back.

    Not where that would never help: its address, or the site that its page is from.
    """
    if problem.status not in TEMPORARY or b"sec-fetch-mode" not in headers:
        return tell_problem(problem, headers)
    return Reply(HTTPStatus.OK, HEADERS, b"retry: %d\n\n" % random.randint(RETRY_FROM, RETRY_TO))


async def stream_events(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one GET or HEAD until either side ends it."""
    try:
        admitted = admit(scope, get_hub().draining)
        try:
            await _serve(scope, receive, send)
        finally:
            release(admitted)
    except Refusal as refusal:
        counts.refused.labels(refusal.label).inc()
        await send_reply(tell_refusal(_problem_of(refusal), dict(scope["headers"])), send)
    except Problem as problem:
        await send_reply(tell_refusal(problem, dict(scope["headers"])), send)


def _problem_of(refusal: Refusal) -> Problem:
    headers = {"Retry-After": str(RETRY_AFTER)} if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(refusal.status, CODES.get(refusal.label, "not_ready"), refusal.reason, headers)


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    hub = get_hub()
    expires_at = await _check_token(scope)
    await hub.wait_ready(FIRST_BOARD_TIMEOUT)
    request = ASGIRequest(scope, BytesIO())
    selection = read_symbols(request, hub.snapshot.fragments) if hub.snapshot else Selection(None, ())
    currency = read_offered(request.GET.get("currency"))
    unknown = [(b"x-unknown-symbols", write_unknown(selection.unknown).encode())] if selection.unknown else []
    if scope["method"] == "HEAD":
        await send_reply(Reply(HTTPStatus.OK, HEADERS + unknown, b""), send)
        return
    group = Group(True, selection.symbols, currency="" if currency == settings.QUOTE_CURRENCY else currency)
    link = open_event_link(scope, scope["rates.send"])
    await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": HEADERS + unknown})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    socket = Socket(link, group, expires_at)
    hub.add(socket, held=request.headers.get("Last-Event-ID", ""))
    counts.admitted.inc()
    with counts.event_streams.track_inprogress():
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            hub.remove(socket)


async def _check_token(scope: Scope) -> float | None:
    """Return when the client's token expires; None where neither sockets nor the API want one."""
    if "jwt" not in (settings.RATES_WS_AUTH, settings.RATES_API_AUTH):
        return None
    try:
        return await authenticate(scope)
    except TokenRefused as refused:
        log_refusal(f"token: {refused}")
        counts.refused.labels("token").inc()
        raise unauthorized(refused) from None
