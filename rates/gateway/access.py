"""
Who may read the API with `RATES_API_AUTH=jwt`: whoever may open a socket with `RATES_WS_AUTH=jwt`.

    Authorization: Bearer <jwt>                       programs, and our own pages with their token
    Cookie: sessionid=...                             whoever is logged in
    x-cg-pro-api-key, x-cg-demo-api-key               clients of CoinGecko below `/api/v3/`, also as a parameter:
    ?x_cg_pro_api_key=, ?x_cg_demo_api_key=           the key is the token
"""

from urllib.parse import parse_qs

from django.conf import settings

from rates.api.origins import COMPATIBLE
from rates.api.problems import Problem
from rates.fanout.admission import Refusal
from rates.fanout.tokens import TokenRefused, authenticate
from rates.gateway.replies import HeaderMap, Scope

# The document that says how to ask; what gives a page of this site its token (to no other page); and the stream, which
# checks the same by itself, because a browser's `EventSource` must be refused in another way.
OPEN = {"/api/openapi.json", "/api/socket-token", "/api/stream"}
KEY_NAMES = ("x_cg_pro_api_key", "x_cg_demo_api_key")


async def check_access(scope: Scope, path: str, headers: HeaderMap) -> None:
    """
    Check that the client may read *path*.

    Raises:
        Problem: 401 without a valid token or session, 503 when its session cannot be looked up.
    """
    if settings.RATES_API_AUTH != "jwt" or path in OPEN:
        return
    key = find_key(scope, headers) if path.startswith(COMPATIBLE) else ""
    shown = [*scope["headers"], (b"authorization", f"Bearer {key}".encode("latin-1"))] if key else scope["headers"]
    try:
        await authenticate({**scope, "headers": shown, "subprotocols": []})
    except TokenRefused as refused:
        raise unauthorized(refused) from None
    except Refusal as refusal:
        raise Problem(503, "store_away", refusal.reason, {"Retry-After": "5"}) from None


def unauthorized(refused: TokenRefused) -> Problem:
    """Return what a client is told whose token was *refused*."""
    detail = f"Authorization: {refused}; a bearer token or the session of somebody who is logged in is needed"
    return Problem(401, "unauthorized", detail, {"WWW-Authenticate": 'Bearer realm="rates"'})


def find_key(scope: Scope, headers: HeaderMap) -> str:
    """Return the key that a client of CoinGecko sends, in a header or as a parameter; empty without one."""
    for name in KEY_NAMES:
        if key := headers.get(name.replace("_", "-").encode()):
            return key.decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    given = parse_qs(query, max_num_fields=1000) if "x_cg_" in query and query.count("&") < 1000 else {}
    return next((given[name][0] for name in KEY_NAMES if name in given), "")
