"""
The peer of `/api/rates`: uvicorn with an application that does nothing but answer prepared bytes, with ETag and 304.

`app` is bare ASGI, without a router and without request objects, which is less than any framework does; `routed` is a
Starlette route that answers the same, where Starlette is installed.
"""

import os
from pathlib import Path
from typing import Any

BODY = Path(os.environ["PEER_BODY"]).read_bytes()
ETAG = b'"0123456789abcdef"'
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(BODY)),
    (b"etag", ETAG),
    (b"cache-control", b"public, max-age=1"),
    (b"vary", b"Accept"),
]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    held = dict(scope["headers"]).get(b"if-none-match") == ETAG
    await send(
        {"type": "http.response.start", "status": 304 if held else 200, "headers": HEADERS[2:] if held else HEADERS}
    )
    await send({"type": "http.response.body", "body": b"" if held else BODY})


def make_routed() -> Any:
    """Return the same as a route of Starlette's."""
    from starlette.applications import Starlette  # noqa: PLC0415 - only where it is installed
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import Response  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    named = {name.decode(): value.decode() for name, value in HEADERS[2:]}

    async def rates(request: Request) -> Response:
        if request.headers.get("if-none-match") == ETAG.decode():
            return Response(status_code=304, headers=named)
        return Response(BODY, media_type="application/json", headers=named)

    return Starlette(routes=[Route("/api/rates", rates)])
