"""
What is the same on every path: headers, errors as CoinGecko's clients read them, ETag and 304.

    {"error": "coin not found"}                                    every error but
    {"status": {"error_code": 429, "error_message": "..."}}        too many requests, and no valid key

With 429 and 503 comes Retry-After in whole seconds, few enough that a program that sleeps so long does not seem dead.

Tested in `tests/coingecko_api/test_replies.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from rates.coingecko_api.board import Quote, Worth
from rates.coingecko_api.parameters import Refusal
from rates.types import time_text

JSON_TYPE = "application/json; charset=utf-8"
# Seconds.
LONGEST_WAIT = 30
LONGEST_HEADER = 4000
DISPUTED, STALE = "X-Rates-Disputed", "X-Rates-Stale"
# CoinGecko's numbers of what its clients tell apart: a limit, a missing key.
STATUS_CODES = {429: 429, 401: 10002}
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
    @require_safe
    @wraps(handler)
    def answer(request: HttpRequest, **parts: str) -> HttpResponse:
        try:
            return _make_conditional(request, _respond(handler(request, **parts)))
        except Refusal as refusal:
            wait = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
            return tell_error(refusal.status, refusal.words, wait)

    return answer


def tell_error(status: int, words: str, headers: Mapping[str, str]) -> HttpResponse:
    """Return an error, which no cache may keep."""
    kept = {name.lower(): value for name, value in headers.items()}
    if "retry-after" in kept:
        kept["retry-after"] = str(min(int(kept["retry-after"]), LONGEST_WAIT))
    body: dict[str, Any] = {"error": words}
    if status in STATUS_CODES:
        told = {"timestamp": time_text(datetime.now(UTC)), "error_code": STATUS_CODES[status], "error_message": words}
        body = {"status": told}
    headers = {"Cache-Control": "no-store", **kept}
    return HttpResponse(ENCODER.encode(body), status=status, content_type=JSON_TYPE, headers=headers)


def _respond(reply: Reply | HttpResponse) -> HttpResponse:
    if isinstance(reply, HttpResponse):
        return reply
    headers = describe_trust(reply.quotes, reply.worths)
    response = HttpResponse(ENCODER.encode(reply.body), content_type=JSON_TYPE, headers=headers)
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


def _make_conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    etag = quote_etag(sha256(response.content).hexdigest()[:16])
    response["ETag"] = etag
    answer = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(answer, HttpResponse)
    return answer
