"""
Why a vendor cannot be reached, in words for logs and pages.

Tested in `tests/outbound/test_proxies.py`.
"""


class ProxyError(OSError):
    """Raised if it is the proxy that is down, or refuses; the message names it without its password."""

    def __init__(self, proxy: str, words: str) -> None:
        super().__init__(f"the proxy {proxy}: {words}")


def describe(error: Exception) -> str:
    """Return a description of *error* that contains no path, no header and no password."""
    if isinstance(error, ProxyError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
