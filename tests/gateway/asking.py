"""Requests to the whole web process in this event loop, as a server hands them over."""

import logging
from typing import Any

import httpx

from config.asgi import router

ADDRESS = "http://testserver"
# It logs addresses, in which there may be keys.
logging.getLogger("httpx").setLevel(logging.WARNING)


async def ask(path: str, method: str = "GET", client: str = "192.0.2.1", **headers: str) -> httpx.Response:
    """Return the answer to a request from the address *client*."""
    return await ask_app(router, path, method, client, **headers)


async def ask_app(
    app: Any, path: str, method: str = "GET", client: str = "192.0.2.1", body: bytes = b"", **headers: str
) -> httpx.Response:
    """Return what *app* answers; `if_none_match="…"` is the header If-None-Match."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 4711))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as session:
        return await session.request(method, path, content=body, headers=named)
