"""Readers of environment variables that hold addresses: of vendors, of browsers' origins, of hosts."""

import os
import re
from collections.abc import Sequence
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from config.environment.readers import refuse, text, words

HOST = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", re.IGNORECASE)
NAME_OR_IPV4 = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)
ORIGIN = r"https?://{}([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:\d+)?"
ANCESTOR = re.compile(r"\*|'self'|'none'|[a-z][a-z0-9+.-]*:|([a-z][a-z0-9+.-]*://)?[a-z0-9*._:\[\]-]+", re.IGNORECASE)
# No segment may be `.` or `..`: browsers resolve those.
ROOT_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")

PLACE = re.compile(r"[^:/]*(:\d*)?(/|$)|\[")


def url(name: str, default: str, schemes: Sequence[str]) -> str:
    """Return an address with a host that begins with one of the *schemes*, without a slash at its end."""
    value = text(name, default)
    if not is_address(value, schemes):
        refuse(name, without_secrets(value), "an address beginning with " + _alternatives(schemes))
    return value.rstrip("/")


def optional_url(name: str, default: str, schemes: Sequence[str]) -> str:
    """Return an address as `url` does; empty where the variable is there and has nothing in it."""
    return url(name, default, schemes) if text(name) or name not in os.environ else ""


def origins(name: str, prefix: str = "", or_any: bool = False) -> list[str]:
    """
    Return a comma-separated list of origins as browsers write them: lower case, without the usual port.

    *prefix* is a regular expression of what may stand before the host. With *or_any*, the list may be a star alone.
    """
    found = words(name)
    if or_any and found == ["*"]:
        return found
    for origin in found:
        is_origin = re.fullmatch(ORIGIN.format(prefix), origin, re.IGNORECASE)
        if not is_origin or not is_address(origin, ("http", "https")):
            allowed = "a comma-separated list of origins such as https://app.example.com"
            refuse(name, without_secrets(origin), allowed + ", or * alone" if or_any else allowed)
    return [_as_browsers_write(origin.lower()) for origin in found]


def _as_browsers_write(origin: str) -> str:
    usual = {"http": ":80", "https": ":443"}[urlsplit(origin).scheme]
    return origin.removesuffix(usual)


def host(name: str, default: str) -> str:
    """Return one host name or address, without scheme, port and path; IPv6 without brackets."""
    value = text(name, default)
    if value == "*":
        refuse(name, value, "one host or address; 0.0.0.0 is every address of IPv4, and :: every address")
    bare = value.removeprefix("[").removesuffix("]")
    if value and not (NAME_OR_IPV4.fullmatch(value) or _is_ipv6(bare)):
        refuse(name, without_secrets(value), "a host without scheme, port and path, such as rates.example.com or ::1")
    return bare


def in_url(host: str) -> str:
    """Return *host* as it is written in an address."""
    return f"[{host}]" if ":" in host else host


def _is_ipv6(value: str) -> bool:
    try:
        return bool(IPv6Address(value))
    except ValueError:
        return False


def hosts(name: str, default: str) -> list[str]:
    """Return a comma-separated list of host names, as Django compares them: without scheme, port and path."""
    found = words(name, default)
    for host in found:
        if not HOST.fullmatch(host):
            refuse(
                name,
                without_secrets(host),
                "a comma-separated list of hosts without scheme, port and path, such as rates.example.com, "
                ".example.com (with all below it), 127.0.0.1, [::1] or *",
            )
    return found


def ancestors(name: str, default: str) -> list[str]:
    """Return a comma-separated list of sources for `frame-ancestors`; its two words may come without their quotes."""
    found = [f"'{word.lower()}'" if word.lower() in ("self", "none") else word for word in words(name, default)]
    for source in found:
        # Browsers ignore 'none' beside others.
        if not ANCESTOR.fullmatch(source) or (source == "'none'" and len(found) > 1):
            refuse(
                name, without_secrets(source), "a comma-separated list such as https://www.example.com, self, none or *"
            )
    return found


def root_path(name: str) -> str:
    """Return a path without a slash at its end, such as `/prices`; empty for the root of the host."""
    value = text(name).rstrip("/")
    if not ROOT_PATH.fullmatch(value):
        refuse(name, without_secrets(value), "a path such as /prices, or nothing")
    return value


def is_address(value: str, schemes: Sequence[str]) -> bool:
    """Return whether *value* is an address with a host that begins with one of the *schemes*."""
    try:
        parts = urlsplit(value)
        is_host = bool(parts.hostname) and not re.search(r"\s", parts.hostname or "")
        return parts.scheme in schemes and is_host and parts.port != 0
    except ValueError:
        return False


def without_secrets(value: str) -> str:
    """Return what an error line may show of *value*: scheme, host and path of an address."""
    scheme, colon, rest = value.partition("://")
    if not colon:
        # `host=… password=…`, or something that was never meant to be here.
        return value if re.fullmatch(r"[\w.:;/*\[\]-]{0,100}", value, re.ASCII) else "…"
    _, at, place = rest.rpartition("@")
    place = place.partition("?")[0]
    if at:
        return f"{scheme}://***@{place}"
    # Without its host, `//user:secret` looks like one.
    return f"{scheme}://{place if PLACE.match(place) else '…'}"


def _alternatives(schemes: Sequence[str]) -> str:
    return " or ".join(f"{scheme}://" for scheme in schemes)
