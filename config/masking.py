"""
Secrets never appear, neither in logs nor on the error pages of `DEBUG=True`.

Nor do the keys that clients of CoinGecko's API send in an address: for CoinGecko itself, or our own tokens.
"""

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote, urlsplit

# Shorter ones would blank ordinary words.
SHORTEST_SECRET = 6
TOKEN = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
CLIENT_KEY = re.compile(r"(x[_-]cg[_-](?:demo|pro)[_-]api[_-]key\W{1,5})[^&\s'\"]+", re.IGNORECASE)
USER_PART = re.compile(r"(://)[^/\s@]*:[^/\s@]*@")


def passwords_in(address: str) -> list[str]:
    """Return the passwords in a URL, also those of its query, as they are meant and not as they are written there."""
    parts = urlsplit(address)
    asked = [value for name, value in parse_qsl(parts.query) if "password" in name]
    return [unquote(parts.password or ""), *asked]


class Masking:
    """Blanks known secrets, tokens, and passwords in addresses."""

    def __init__(self, secrets: Sequence[str]) -> None:
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
        known = sorted((form for form in forms if len(form) >= SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return *text* without secrets."""
        if self._known:
            text = self._known.sub("***", text)
        return CLIENT_KEY.sub(r"\1***", USER_PART.sub(r"\1***@", TOKEN.sub("***", text)))
