"""
An answer as it goes through ASGI: its parts, its conditions, and what is added to its headers.

Tested in `tests/gateway/test_gate.py` and `tests/gateway/test_prepared.py`.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from django.http import HttpResponse
from django.utils.http import parse_etags

from rates.api.problems import Problem, problem_response

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
Headers = list[tuple[bytes, bytes]]
HeaderMap = Mapping[bytes, bytes]

# What a 304 has of the answer that it stands for: everything but what describes a body.
BODY_HEADERS = (b"content-type", b"content-length", b"content-disposition", b"content-encoding")
# What an error page that becomes a problem keeps of its headers.
KEPT_HEADERS = (b"allow", b"retry-after", b"vary", b"www-authenticate", b"strict-transport-security")
# Problems by the status of an error page: those that Django answers by itself.
CODES = {400: "bad_request", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_many",
         503: "store_away"}  # fmt: skip
DETAILS = {
    "forbidden": "this request is not allowed",
    "not_found": "there is no such path; /api/openapi.json and /api/ list those that exist",
    "store_away": "the database cannot be used now; try again",
    "too_many": "the request is too large",
    "bad_request": "the request cannot be read: Host must be one of ALLOWED_HOSTS, and its parts valid HTTP",
}


class Reply(NamedTuple):
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes


def from_response(response: HttpResponse) -> Reply:
    """Return a response of Django's as a reply."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    return Reply(response.status_code, [*headers, (b"content-length", b"%d" % len(response.content))], response.content)


def tell_problem(problem: Problem, _headers: HeaderMap) -> Reply:
    """Return *problem* as our paths tell it."""
    reply = from_response(problem_response(problem))
    return reply._replace(headers=[*reply.headers, (b"x-content-type-options", b"nosniff")])


def read_problem(status: int, headers: Headers) -> Problem:
    """Return the problem that an error page with this *status* and these *headers* tells people."""
    kept = {name.decode(): value.decode("latin-1") for name, value in headers if name in KEPT_HEADERS}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        kept.setdefault("retry-after", "5")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return Problem(status, "method_not_allowed", f"only {kept.get('allow', 'GET')} is allowed here", kept)
    code = CODES.get(status, "internal_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "bad_request")
    return Problem(status, code, DETAILS.get(code, "an error of this service; its log has more"), kept)


async def send_reply(reply: Reply, send: Send) -> None:
    """Send *reply*."""
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


def as_asked(reply: Reply, etag: bytes, scope: Scope, headers: HeaderMap) -> Reply:
    """Return *reply* as the client wants it: 304 where it holds the *etag*, and without its body for HEAD."""
    held = headers.get(b"if-none-match")
    if held is not None and (held == etag or is_held(held, etag)):
        return Reply(304, [header for header in reply.headers if header[0] not in BODY_HEADERS], b"")
    return reply if scope["method"] != "HEAD" else reply._replace(body=b"")


def is_held(header: bytes, etag: bytes) -> bool:
    """Return whether *etag* is among those of an `If-None-Match`, strong or weak."""
    tags = parse_etags(header.decode("latin-1"))
    return tags == ["*"] or etag.decode().removeprefix("W/") in (tag.removeprefix("W/") for tag in tags)


def merge_headers(headers: Headers, added: Headers) -> Headers:
    """Return *headers* with those of *added* that they lack; what `Vary` lists is joined."""
    present = dict(headers)
    if not any(map(is_vary, added)):
        return [*headers, *(header for header in added if header[0] not in present)]
    merged = [header for header in headers if header[0] != b"vary"]
    names = [name for _, value in (*filter(is_vary, headers), *filter(is_vary, added)) for name in value.split(b",")]
    if names:
        merged.append((b"vary", b", ".join(dict.fromkeys(name.strip() for name in names))))
    return [*merged, *(header for header in added if header[0] not in present and not is_vary(header))]


def is_vary(header: tuple[bytes, bytes]) -> bool:
    """Return whether *header* says what the answer depends on."""
    return header[0] == b"vary"
