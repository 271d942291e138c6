"""
Probes of proxies and orchestrators reach a process by its address, which `ALLOWED_HOSTS` does not list.

Django checks the `Host` header in one place before a view: `CommonMiddleware`. Only there, and only for these paths,
the check is left out; the views behind them use no host name.
"""

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware

PROBES = ("/healthz", "/readyz")


class ProbeFriendlyMiddleware(CommonMiddleware):
    """Django's `CommonMiddleware`, which lets probes pass with any `Host`."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Check the host and the spelling of the path, unless a probe asks."""
        return None if request.path_info in PROBES else super().process_request(request)
