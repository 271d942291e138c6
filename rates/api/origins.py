"""
Which pages of other sites may read what the API answers.

Tested in `tests/api/test_views.py` and `tests/api/test_history.py`.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers


def allow_origin(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return *response*, which pages of `RATES_ALLOWED_ORIGINS` may read; browsers keep it from all others."""
    if settings.RATES_ALLOWED_ORIGINS:
        patch_vary_headers(response, ["Origin"])
    origin = request.headers.get("Origin", "")
    if origin in settings.RATES_ALLOWED_ORIGINS:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = "ETag, Retry-After"
    return response
