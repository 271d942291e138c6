"""
Which pages of other sites may read what the API answers (CORS): those of `RATES_ALLOWED_ORIGINS`, which may be `*`.

All of them may read what is below `/api/v3/`, as they may at CoinGecko; never with the cookies of who is logged in.

Tested in `tests/gateway/test_gate.py`.
"""

from django.conf import settings

ANY = "*"
# Paths below it are CoinGecko's.
COMPATIBLE = "/api/v3/"
EXPOSED = b"ETag, Retry-After, WWW-Authenticate, X-Unknown-Symbols, X-Rates-Disputed, X-Rates-Stale"
METHODS = b"GET, HEAD, POST, OPTIONS"
REQUEST_HEADERS = (
    b"Accept, Authorization, Cache-Control, Content-Type, If-None-Match, Last-Event-ID, x-cg-demo-api-key, "
    b"x-cg-pro-api-key"
)
# Seconds that a browser may remember a preflight.
MAX_AGE = b"7200"

Headers = list[tuple[bytes, bytes]]


def allowed_origins(path: str) -> list[str]:
    """Return the sites whose pages may read *path*."""
    listed: list[str] = settings.RATES_ALLOWED_ORIGINS
    return [ANY] if path.startswith(COMPATIBLE) else listed


def origin_headers(origin: str, path: str) -> Headers:
    """Return the headers that let a page of *origin* read *path*, and that keep caches from mixing answers up."""
    allowed = allowed_origins(path)
    if ANY in allowed:
        # The same for everybody, and never with credentials: browsers refuse these beside a star.
        return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED)]
    if not allowed:
        return []
    if origin.lower() not in allowed:
        return [(b"vary", b"Origin")]
    return [
        (b"vary", b"Origin"),
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", EXPOSED),
        # A page of a listed origin may ask in the name of who is logged in, where that matters.
        *([(b"access-control-allow-credentials", b"true")] if settings.RATES_API_AUTH == "jwt" else []),
    ]


def preflight_headers(origin: str, path: str) -> Headers:
    """Return what the answer to a preflight of *origin* says beside `origin_headers`; nothing to other origins."""
    allowed = allowed_origins(path)
    if ANY not in allowed and origin.lower() not in allowed:
        return []
    return [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", REQUEST_HEADERS),
        (b"access-control-max-age", MAX_AGE),
    ]
