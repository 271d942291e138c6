"""
What went wrong on the way to a vendor, in words that are fit for logs and pages.

Tested in `tests/outbound/test_proxies.py`.
"""


class ProxyError(OSError):
    """Raised when the proxy is why a vendor cannot be reached; the message names it, without its password."""

    def __init__(self, proxy: str, words: str) -> None:
        super().__init__(f"the proxy {proxy}: {words}")


def describe(error: Exception) -> str:
    """Return *error* in words that name no path, no header and no password."""
    if isinstance(error, ProxyError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
