"""
The documents that describe the API and the socket, as they are served.

Tested in `tests/gateway/test_openapi.py`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from rates.api.problems import problem_view
from rates.api.tables import json_response
from rates.currencies import offered

FOLDER = Path(__file__).resolve().parents[2] / "docs"
# Seconds that caches may keep a document; only an update of the service changes it.
MAX_AGE = 3600


@problem_view("GET", "HEAD")
def openapi(request: HttpRequest) -> HttpResponse:
    """Answer with `docs/openapi.yaml` as JSON."""
    return _answer("openapi")


@problem_view("GET", "HEAD")
def asyncapi(request: HttpRequest) -> HttpResponse:
    """Answer with `docs/asyncapi.yaml` as JSON."""
    return _answer("asyncapi")


def _answer(name: str) -> HttpResponse:
    response = json_response(json.dumps(load_document(name)))
    patch_cache_control(response, public=True, max_age=MAX_AGE)
    return response


@cache
def load_document(name: str) -> dict[str, Any]:
    """Return a document of `docs/` as it is served, with this service's currencies and place; it is read once."""
    import yaml  # noqa: PLC0415 - 1 MB, and most processes are never asked for a document

    document: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    if name == "openapi":
        document["components"]["schemas"]["givenCurrency"]["enum"] = offered()
        document["servers"][0]["url"] = settings.RATES_ROOT_PATH or "/"
    return document
