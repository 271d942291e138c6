"""
Which authorities are trusted for vendors' certificates.

Tested in `tests/outbound/test_http.py` and `tests/outbound/test_proxies.py`.
"""

import ssl
from functools import cache
from pathlib import Path

from django.conf import settings

from rates.outbound.deadlines import DeadlineTlsSocket


def tls_context() -> ssl.SSLContext:
    """
    Return the context of all TLS connections to vendors.

    It trusts the authorities in `REQUESTS_CA_BUNDLE`; without it, those of OpenSSL: the system's, and `SSL_CERT_FILE`.
    """
    return _load(settings.REQUESTS_CA_BUNDLE)


@cache
def _load(bundle: str) -> ssl.SSLContext:
    # Cached, because loading all certificates takes 20 ms.
    if bundle and Path(bundle).is_dir():
        context = ssl.create_default_context(capath=bundle)
    else:
        context = ssl.create_default_context(cafile=bundle or None)
    # urllib3 sets this too: it must not depend on who used the context first.
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = DeadlineTlsSocket
    return context
