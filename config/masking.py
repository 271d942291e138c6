"""Secrets never appear, neither in logs nor on the error pages of `DEBUG=True`."""

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

# Shorter ones would blank ordinary words.
SHORTEST_SECRET = 6
TOKEN = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
USER_PART = re.compile(r"(://)[^/\s@]*:[^/\s@]*@")


def password_in(address: str) -> str:
    """Return the password in a URL as it is meant, not as it is written there; empty without one."""
    return unquote(urlsplit(address).password or "")


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
        return USER_PART.sub(r"\1***@", TOKEN.sub("***", text))
