"""
The ASGI application in front of Django and the stream: what holds for everything below `/api/`.

    another site's page asks first (a preflight)   answered here
    too many requests, no token                    refused here, as a problem
    an answer about the board                      from `prepared`
    anything else                                  from the application behind; its error pages become problems

Whatever is answered gets the headers of CORS, refusals too. A slash at the end of a path makes no difference. An error
is told as a problem (RFC 9457), or as those clients expect it that `Tellers` has for a path.
"""

import logging
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

from django.conf import settings

from rates.api.origins import origin_headers, preflight_headers
from rates.api.problems import Problem
from rates.forwarded import client_of_scope
from rates.gateway.access import check_access
from rates.gateway.prepared import PreparedAnswers
from rates.gateway.rate_limit import RateLimit
from rates.gateway.replies import (
    App,
    HeaderMap,
    Headers,
    Message,
    Receive,
    Reply,
    Scope,
    Send,
    merge_headers,
    read_problem,
    send_reply,
    tell_problem,
)

logger = logging.getLogger(__name__)

ROOT = "/api/"
# How an error is told below a path, where not as a problem; the longest path that fits counts.
Tell = Callable[[Problem, HeaderMap], Reply]
Tellers = Mapping[str, Tell]


class Gate:
    """The application *inner*, with all that holds below `/api/`; *prepared* are the paths for `PreparedAnswers`."""

    def __init__(self, inner: App, prepared: re.Pattern[str], tellers: Tellers) -> None:
        self._inner = inner
        self._tellers = sorted({ROOT: tell_problem, **tellers}.items(), key=lambda item: -len(item[0]))
        self._limit = RateLimit()
        self._prepared = PreparedAnswers(inner, prepared)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = api_path(scope)
        if path is None:
            await self._inner(scope, receive, send)
            return
        headers = dict(scope["headers"])
        # The stream writes to the server's own connection, which it finds by the server's own `send`.
        scope = {**scope, "path": scope.get("root_path", "") + path, "rates.send": send}
        added = added_headers(path, headers)
        try:
            reply = await self._answer_here(scope, path, headers)
        except Problem as problem:
            reply = self._tell(path, problem, headers)
        except Exception:
            logger.exception("%s failed", path)
            reply = self._tell(path, read_problem(500, []), headers)
        if reply is not None:
            await send_reply(reply._replace(headers=complete(reply.headers, added)), send)
            return
        await self._pass_on(scope, path, headers, receive, with_headers(added, send))

    async def _answer_here(self, scope: Scope, path: str, headers: HeaderMap) -> Reply | None:
        if is_preflight(scope, headers):
            return Reply(204, preflight_headers(headers.get(b"origin", b"").decode("latin-1"), path), b"")
        self._limit.count(client_of_scope(scope))
        await check_access(scope, path, headers)
        reply = await self._prepared.answer(scope, path, headers)
        if (
            reply
            and reply.status != HTTPStatus.OK
            and is_error_page(reply.status, dict(reply.headers).get(b"content-type", b""))
        ):
            raise read_problem(reply.status, reply.headers)
        return reply

    async def _pass_on(self, scope: Scope, path: str, headers: HeaderMap, receive: Receive, send: Send) -> None:
        """Have the application behind answer; an error page, or an error that it raises, becomes a problem."""
        pages = ErrorPages(send)
        try:
            await self._inner(scope, receive, pages.send)
        except Exception:
            if pages.started:
                raise
            logger.exception("%s failed", path)
            pages.problem = read_problem(500, [])
        if pages.problem is not None:
            await send_reply(self._tell(path, pages.problem, headers), send)

    def _tell(self, path: str, problem: Problem, headers: HeaderMap) -> Reply:
        tell = next(tell for prefix, tell in self._tellers if path.startswith(prefix))
        return tell(problem, headers)


class ErrorPages:
    """Passes on what is sent, but keeps back error pages for people, of which it tells the `problem`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.problem: Problem | None = None

    async def send(self, message: Message) -> None:
        """Send *message* on, unless it is part of an error page."""
        if message["type"] == "http.response.start":
            headers = [(name.lower(), value) for name, value in message["headers"]]
            if is_error_page(message["status"], dict(headers).get(b"content-type", b"")):
                self.problem = read_problem(message["status"], headers)
                return
            self.started = True
        if self.problem is None:
            await self._send(message)


def is_error_page(status: int, content_type: bytes) -> bool:
    """Return whether an answer is an error that Django tells people, in HTML or as plain text, and not programs."""
    return status >= HTTPStatus.BAD_REQUEST and b"json" not in content_type and b"event-stream" not in content_type


def api_path(scope: Scope) -> str | None:
    """Return the path of a request without a slash at its end (`/api/` keeps its own); None outside `/api/`."""
    path: str = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
    if path == "/api":
        return ROOT
    return path if path.startswith(ROOT) else None


def is_preflight(scope: Scope, headers: HeaderMap) -> bool:
    """Return whether a browser asks whether another site's page may send a request."""
    return scope["method"] == "OPTIONS" and b"origin" in headers and b"access-control-request-method" in headers


def added_headers(path: str, headers: HeaderMap) -> Headers:
    """Return what every answer to a request with *headers* says: who may read it, and what it depends on."""
    added: Headers = origin_headers(headers.get(b"origin", b"").decode("latin-1"), path)
    return [*added, (b"vary", b"Authorization, Cookie")] if settings.RATES_API_AUTH == "jwt" else added


def complete(headers: Headers, added: Headers) -> Headers:
    """Return the *headers* of an answer, names in lower case, with those that are *added*."""
    merged = merge_headers(headers, added) if added else headers
    return [keep_private(header) for header in merged] if settings.RATES_API_AUTH == "jwt" else merged


def with_headers(added: Headers, send: Send) -> Send:
    """Return *send*, which has the headers of an answer *added*."""

    async def send_with_headers(message: Message) -> None:
        if added and message["type"] == "http.response.start":
            answered = [(name.lower(), value) for name, value in message["headers"]]
            message = {**message, "headers": complete(answered, added)}
        await send(message)

    return send_with_headers


def keep_private(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return *header*; a cache that several people share must not keep what not everybody may read."""
    name, value = header
    return (name, value.replace(b"public", b"private")) if name == b"cache-control" else header
