"""
What is the same on every path: methods, headers, errors as CoinGecko's clients read them, ETag and 304.

    {"error": "coin not found"}      every error; with 503 and 429 comes Retry-After, in whole seconds

Pages of all sites may read every answer, errors too: nobody's cookies are looked at here.

Tested in `tests/coingecko_api/test_replies.py`.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.views.decorators.csrf import csrf_exempt

from rates.coingecko_api.board import Quote, Worth
from rates.coingecko_api.parameters import Refusal

logger = logging.getLogger(__name__)

JSON_TYPE = "application/json; charset=utf-8"
# Seconds.
RETRY_AFTER, PREFLIGHT_AGE = 5, 86400
LONGEST_HEADER = 4000
KEY_HEADERS = ("x-cg-demo-api-key", "x-cg-pro-api-key")
DISPUTED, STALE = "X-Rates-Disputed", "X-Rates-Stale"
ORIGINS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"ETag, Retry-After, {DISPUTED}, {STALE}",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": ", ".join((*KEY_HEADERS, "content-type", "accept", "authorization")),
    "Access-Control-Max-Age": str(PREFLIGHT_AGE),
}
ENCODER = msgspec.json.Encoder(decimal_format="number")


class Reply(NamedTuple):
    """
    An answer.

    Attributes:
        body: what becomes JSON; decimals become numbers.
        max_age: seconds that caches may keep it.
        quotes: the coins whose prices are in it; those that are not to be trusted are named in headers.
        worths: those of the currencies that the prices are in.
    """

    body: Any
    max_age: int = 1
    quotes: Iterable[Quote] = ()
    worths: Sequence[Worth] = ()


Handler = Callable[..., Reply | HttpResponse]


def endpoint(handler: Handler) -> Callable[..., HttpResponse]:
    """Make a view of *handler*, which returns a `Reply`, or raises a `Refusal`."""

    @csrf_exempt  # nobody is logged in here
    @wraps(handler)
    def answer(request: HttpRequest, **parts: str) -> HttpResponse:
        response = _answer(handler, request, parts)
        for name, value in ORIGINS.items():
            response[name] = value
        return response

    return answer


def _answer(handler: Handler, request: HttpRequest, parts: dict[str, str]) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=PREFLIGHT)
    if request.method not in ("GET", "HEAD"):
        return _refuse(Refusal(405, "only GET and HEAD are allowed here"), {"Allow": "GET, HEAD, OPTIONS"})
    try:
        return _make_conditional(request, _respond(handler(request, **parts)))
    except Refusal as refusal:
        return _refuse(refusal)
    except DatabaseError as error:
        logger.warning("%s needs the database: %s", request.path, str(error).partition("\n")[0])
        return _refuse(Refusal(503, "the database cannot be used now; try again", RETRY_AFTER))


def _respond(reply: Reply | HttpResponse) -> HttpResponse:
    if isinstance(reply, HttpResponse):
        return reply
    response = HttpResponse(
        ENCODER.encode(reply.body), content_type=JSON_TYPE, headers=describe_trust(reply.quotes, reply.worths)
    )
    patch_cache_control(response, public=True, max_age=reply.max_age)
    return response


def describe_trust(quotes: Iterable[Quote], worths: Sequence[Worth]) -> dict[str, str]:
    """Return headers that name the coins whose price is stale or disputed; none while all is well."""
    marks = [(q.coin.coin_id, *q.marks_in(worths)) for q in quotes if q.price is not None]
    named = {
        STALE: ",".join(coin_id for coin_id, stale, _ in marks if stale),
        DISPUTED: ",".join(coin_id for coin_id, _, disputed in marks if disputed),
    }
    return {name: _cut(ids) for name, ids in named.items() if ids}


def _cut(ids: str) -> str:
    """Return *ids* as far as programs take a header; what is left out shows as dots."""
    return ids if len(ids) <= LONGEST_HEADER else ids[:LONGEST_HEADER].rpartition(",")[0] + ",..."


def _refuse(refusal: Refusal, headers: dict[str, str] | None = None) -> HttpResponse:
    more = {"Cache-Control": "no-store", **(headers or {})}
    if refusal.retry_after is not None:
        more["Retry-After"] = str(refusal.retry_after)
    return HttpResponse(
        ENCODER.encode({"error": refusal.words}), status=refusal.status, content_type=JSON_TYPE, headers=more
    )


def _make_conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    etag = quote_etag(sha256(response.content).hexdigest()[:16])
    response["ETag"] = etag
    answer = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(answer, HttpResponse)
    return answer
