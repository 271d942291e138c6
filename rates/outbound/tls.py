"""
Which certificates of vendors are trusted.

Tested in `tests/streams/test_reconnecting.py`.
"""

import ssl
from functools import cache


@cache
def tls_context() -> ssl.SSLContext:
    """Return the one context of all TLS connections; making it costs 20 ms, for it reads all certificates."""
    context = ssl.create_default_context()
    # What urllib3 sets as well: whoever comes first must make no difference to the others.
    context.set_alpn_protocols(["http/1.1"])
    return context
