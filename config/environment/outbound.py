"""Readers of environment variables about the way to the vendors: proxies, and certificates that are trusted."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from config.environment.addresses import is_address, without_secrets
from config.environment.readers import refuse, text, words

CERTIFICATE = re.compile(rb"-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----")


def proxy(name: str) -> str:
    """Return the address of an HTTP proxy, also from the name in lower case, which most programs prefer; or nothing."""
    value = text(name.lower()) or text(name)
    if not value:
        return ""
    url = value if "://" in value else f"http://{value}"
    if not is_address(url, ("http",)) or urlsplit(url).path.strip("/") or urlsplit(url).query:
        refuse(name, without_secrets(url), "an HTTP proxy such as http://proxy:3128 or http://user:secret@proxy:3128")
    return url


def no_proxy(name: str) -> list[str]:
    """Return hosts that are reached directly, also from the name in lower case."""
    return words(name.lower()) or words(name)


def certificates(name: str) -> str:
    """Return the path of a file of certificates, or of a folder of them; or nothing."""
    value = text(name)
    if value and not _has_certificates(Path(value)):
        refuse(name, value, "a file of certificates in PEM form, or a folder of them, that this process may read")
    return value


def _has_certificates(path: Path) -> bool:
    try:
        return path.is_dir() or CERTIFICATE.search(path.read_bytes()) is not None
    except OSError:
        return False
