"""
Which certificates of vendors are trusted.

Tested in `tests/outbound/test_http.py` and `tests/outbound/test_proxies.py`.
"""

import ssl
from functools import cache
from pathlib import Path

from django.conf import settings


def tls_context() -> ssl.SSLContext:
    """
    Return the one context of all TLS connections.

    It trusts what `REQUESTS_CA_BUNDLE` names; without it, what OpenSSL does: the system's store, or `SSL_CERT_FILE`.
    """
    return _load(settings.REQUESTS_CA_BUNDLE)


@cache
def _load(bundle: str) -> ssl.SSLContext:
    # Reading all certificates takes 20 ms.
    if bundle and Path(bundle).is_dir():
        context = ssl.create_default_context(capath=bundle)
    else:
        context = ssl.create_default_context(cafile=bundle or None)
    # What urllib3 sets as well: whoever comes first must make no difference to the others.
    context.set_alpn_protocols(["http/1.1"])
    return context
