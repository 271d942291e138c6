"""
`/api/`: what the API answers, for people; the paths and their examples are those of `docs/openapi.yaml`.

Tested in `tests/dashboard/test_api_page.py`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.board import load_snapshot
from dashboard.context import PALETTES, THEMES
from rates.api.documents import load_document
from rates.types import Snapshot

METHODS = ("get", "post")
# The operation whose present answer is shown, because the board is at hand.
SHOWN = "getCoin"


@dataclass(frozen=True, slots=True)
class Example:
    """
    One operation of the API.

    Attributes:
        address: path and query of a question that works, below the root path.
        body: what is sent with it; empty for GET.
        answer: what it answers now; empty where it is not shown.
    """

    method: str
    path: str
    summary: str
    address: str
    body: str
    answer: str


@require_safe
@never_cache
@login_not_required  # the gate decides who may read below /api/
def show_api(request: HttpRequest) -> HttpResponse:
    """Show every path with an example."""
    theme, palette = request.COOKIES.get("theme"), request.COOKIES.get("palette")
    context = {
        "theme": theme if theme in THEMES else "",
        "palette": palette if palette in PALETTES else "",
        "examples": list(_examples(load_snapshot())),
        "root": settings.RATES_ROOT_PATH,
        "origin": request.build_absolute_uri("/").removesuffix("/"),
    }
    return render(request, "dashboard/api.html", context)


def _examples(snapshot: Snapshot | None) -> Iterator[Example]:
    document, summaries = load_document("openapi"), _summaries()
    for path, operations in document["paths"].items():
        for method in METHODS:
            if operation := operations.get(method):
                name = operation["operationId"]
                address, body = _address(document, path, operation), _body(operation)
                answer = _answer(snapshot) if name == SHOWN else ""
                summary = summaries.get(name, operation["summary"])
                yield Example(method.upper(), path, summary, address, body, answer)


def _address(document: Mapping[str, Any], path: str, operation: Mapping[str, Any]) -> str:
    """Return *path* with the examples that the document has for its parameters."""
    parameters = [_resolve(document, parameter) for parameter in operation.get("parameters", ())]
    given = {p["name"]: (p["in"], p["example"]) for p in parameters if "example" in p}
    for name, (place, value) in given.items():
        path = path.replace(f"{{{name}}}", quote(str(value))) if place == "path" else path
    query = urlencode({name: value for name, (place, value) in given.items() if place == "query"}, safe=",:")
    return f"{path}?{query}" if query else path


def _resolve(document: Mapping[str, Any], node: Mapping[str, Any]) -> Any:
    return document["components"]["parameters"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def _body(operation: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    return json.dumps(content["application/json"]["example"]) if content else ""


def _answer(snapshot: Snapshot | None) -> str:
    fragment = snapshot and next(iter(snapshot.fragments.values()), None)
    if not snapshot or not fragment:
        return ""
    head = {"epoch": snapshot.epoch, "seq": snapshot.seq, "as_of": snapshot.as_of, "currency": settings.QUOTE_CURRENCY}
    return json.dumps(head | json.loads(fragment.json), indent=2, ensure_ascii=False)


def _summaries() -> dict[str, str]:
    """Return what each operation is for, in the language of the page."""
    return {
        "getRates": _("The board, or some of its coins"),
        "getCoin": _("One coin of the board"),
        "getUpdates": _("The last stored updates of a coin"),
        "getCandles": _("Candles of a coin"),
        "getPriceAt": _("The price of a coin at a moment"),
        "getPricesAt": _("The prices of up to 1,000 coins and moments"),
        "getCurrencies": _("What one unit of the base is worth in each currency"),
        "convert": _("An amount of a coin or currency in another one"),
        "streamRates": _("The board and its changes as server-sent events"),
        "getOverview": _("This page"),
        "getOpenapi": _("What describes the API to programs (OpenAPI 3.1)"),
        "getAsyncapi": _("The same for the socket (AsyncAPI 3.0)"),
        "getSocketToken": _("A token for this site's own pages"),
        **_compatible_summaries(),
    }


def _compatible_summaries() -> dict[str, str]:
    return {
        "ping": _("Whether the service answers"),
        "simplePrice": _("Current prices of some coins"),
        "supportedCurrencies": _("The currencies that prices are told in"),
        "exchangeRates": _("What one bitcoin is worth"),
        "search": _("Our coins whose id, name or symbol has these words"),
        "coinsList": _("Our coins"),
        "coinsMarkets": _("A row for each coin"),
        "coinById": _("All about one coin"),
        "coinHistory": _("The price of a coin at the beginning of a day"),
        "coinChart": _("The prices of the last days"),
        "coinChartRange": _("The prices between two moments"),
        "coinCandles": _("Candles of the last days"),
        "coinImage": _("The picture of a coin"),
    }
