"""
Who may open a socket when ``RATES_WS_AUTH=jwt``: a token in the handshake, or the session of a logged-in user.

    Authorization: Bearer <jwt>                        programs
    Sec-WebSocket-Protocol: rates.v1, bearer, <jwt>    browsers
    Cookie: sessionid=...                              whoever is logged in, on our pages and those of listed origins

Never in the query string, which proxies write into their logs. Reference for the checks: RFC 8725.

The dashboard is public, so its pages get tokens from us, signed with a key derived from `SECRET_KEY` and valid for a
few minutes. They keep other sites and forgotten programs out, not a person who can load the page.
"""

import asyncio
import time
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from rates.fanout.admission import Refusal, is_known_origin, log_refusal
from rates.fanout.close_codes import CloseCode

if TYPE_CHECKING:
    from jwt.types import Options
# PyJWT and cryptography take 2 MB, which a process that asks nobody for a token does without. One that does loads them
# here, so that no handshake waits for an import.
if "jwt" in (settings.RATES_WS_AUTH, settings.RATES_API_AUTH):
    import_module("jwt")

# Bytes.
MAX_TOKEN_BYTES = 4096
PAGE_TOKEN_LIFETIME = timedelta(minutes=5)
PAGE_AUDIENCE = "rates-page"
BEARER = "bearer"
# Seconds that a handshake waits for its session to be looked up; all look-ups share one thread.
SESSION_TIMEOUT = 3.0


class TokenRefused(Exception):
    """Raised when a token is missing or invalid; the message never quotes it."""


def find_token(scope: dict[str, Any], headers: dict[bytes, bytes]) -> str | None:
    """Return the token in a handshake, unverified; None without one."""
    kind, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() == BEARER:
        return value.strip()
    offered: list[str] = scope.get("subprotocols", [])
    return next((token for name, token in pairwise(offered) if name.lower() == BEARER), None)


def check_token(token: str) -> float:
    """
    Return when *token* expires, as a Unix time.

    Raises:
        TokenRefused: when it is too long, unreadable, signed with another key, expired, not valid yet, or not for us.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRefused("too long")
    try:
        return _decode(token, _page_key(), "HS256", PAGE_AUDIENCE, "")
    except TokenRefused:
        return _decode(
            token,
            settings.RATES_JWT_KEY,
            settings.RATES_JWT_ALGORITHM,
            settings.RATES_JWT_AUDIENCE,
            settings.RATES_JWT_ISSUER,
        )


def _decode(token: str, key: str, algorithm: str, audience: str, issuer: str) -> float:
    import jwt  # noqa: PLC0415 - explained at the top

    options: Options = {"require": ["exp"], "verify_aud": bool(audience)}
    try:
        claims = jwt.decode(token, key, [algorithm], options=options, audience=audience or None, issuer=issuer or None)
        return float(claims["exp"])
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TokenRefused(type(error).__name__) from None


def issue_token(name: str, lifetime: timedelta) -> str:
    """
    Return a token for *name*, signed with the shared secret.

    Raises:
        ValueError: when the configured key can only verify tokens.
    """
    if settings.RATES_JWT_ALGORITHM != "HS256":
        raise ValueError(
            f"RATES_JWT_KEY is a public key ({settings.RATES_JWT_ALGORITHM}): it verifies tokens and cannot sign them"
        )
    claims = {"sub": name, "aud": settings.RATES_JWT_AUDIENCE, "iss": settings.RATES_JWT_ISSUER}
    return _sign({name: value for name, value in claims.items() if value}, settings.RATES_JWT_KEY, lifetime)


def issue_page_token() -> str:
    """Return a token for one of our pages."""
    return _sign({"aud": PAGE_AUDIENCE}, _page_key(), PAGE_TOKEN_LIFETIME)


def _sign(claims: dict[str, Any], key: str, lifetime: timedelta) -> str:
    import jwt  # noqa: PLC0415 - explained at the top

    now = int(time.time())
    return jwt.encode(claims | {"iat": now, "exp": now + int(lifetime.total_seconds())}, key, "HS256")


def _page_key() -> str:
    return str(salted_hmac("rates.tokens.page", "key", algorithm="sha256").hexdigest())


async def authenticate(scope: dict[str, Any]) -> float:
    """
    Return until when a client may keep its socket, as a Unix time.

    Raises:
        TokenRefused: when its handshake has neither a valid token nor the session of a logged-in user.
        Refusal: when it has a session that cannot be looked up.
    """
    headers = dict(scope["headers"])
    token = find_token(scope, headers)
    if token is not None:
        return check_token(token)
    key = _session_key(headers.get(b"cookie", b"").decode("latin-1")) if is_known_origin(scope) else None
    try:
        async with asyncio.timeout(SESSION_TIMEOUT):
            expiry: float | None = await _session_expiry(key) if key else None
    except (DatabaseError, TimeoutError) as error:
        reason = str(error).partition("\n")[0] or "no answer"
        log_refusal(f"its session cannot be looked up: {reason}")
        raise Refusal("database", 503, CloseCode.TRY_AGAIN_LATER, "sessions cannot be looked up") from None
    if expiry is None:
        raise TokenRefused("no token")
    return expiry


def _session_key(cookies: str) -> str | None:
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    return morsel.value if morsel else None


@database_sync_to_async  # type: ignore[untyped-decorator] # Channels has no hints
def _session_expiry(key: str) -> float | None:
    """Return when the session *key* expires; None when it is not that of a logged-in user."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    if not get_user(request).is_authenticated:
        return None
    expiry: datetime = request.session.get_expiry_date()
    return expiry.timestamp()
