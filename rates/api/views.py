"""The HTTP API beside the socket: board, history, health, metrics."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.crypto import constant_time_compare
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from rates import publication, store
from rates.api import metrics, readiness
from rates.api.origins import allow_origin
from rates.exceptions import StoreUnavailable
from rates.fanout.hub import get_hub
from rates.fanout.tokens import issue_page_token
from rates.symbols import find_symbol
from rates.types import HistoryPoint, Snapshot

View = Callable[..., Coroutine[Any, Any, HttpResponse]]

_histories: dict[str, list[HistoryPoint]] = {}


async def current_snapshot() -> Snapshot | None:
    """Return the newest board: the hub's, else the store's; None when neither has one."""
    await get_hub().wait_ready(1.0)
    return get_hub().snapshot


def for_allowed_origins(view: View) -> View:
    """Let pages of `RATES_ALLOWED_ORIGINS` read the response of *view* (CORS)."""

    @wraps(view)
    async def respond(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        return allow_origin(request, await view(request, *args, **options))

    return respond


@require_safe
@for_allowed_origins
async def rates(request: HttpRequest) -> HttpResponse:
    """Respond with the `board` of `rates.v1`; 304 for a client that has it, 503 before the first publication."""
    snapshot = await current_snapshot()
    if snapshot is None:
        return JsonResponse({"error": "no prices yet"}, status=503, headers={"Retry-After": "5"})
    late = publication.is_late(snapshot)
    etag = quote_etag(sha256(f"{snapshot.epoch}:{snapshot.seq}:{late}".encode()).hexdigest()[:16])
    shown = publication.mark_stale(snapshot) if late else snapshot
    response = HttpResponse(publication.board_text(shown), content_type="application/json")
    response["ETag"] = etag
    patch_cache_control(response, public=True, max_age=1)
    conditional = get_conditional_response(request, etag=etag, response=response)
    assert conditional is not None
    return conditional


@require_safe
@for_allowed_origins
async def history(request: HttpRequest, symbol: str) -> HttpResponse:
    """Respond with the stored updates of a coin, oldest first; while Redis is down, with those read last."""
    snapshot = await current_snapshot()
    known = find_symbol(snapshot.fragments, symbol) if snapshot else None
    if known is None:
        return JsonResponse({"error": f"{symbol} is not on the board"}, status=404)
    try:
        _histories[known] = (await asyncio.to_thread(store.load_histories, [known]))[known]
    except StoreUnavailable:
        if known not in _histories:
            return JsonResponse({"error": "history cannot be read now"}, status=503)
    response = JsonResponse([point._asdict() for point in _histories[known]], safe=False)
    patch_cache_control(response, public=True, max_age=1)
    return response


async def healthz(request: HttpRequest) -> HttpResponse:
    """Respond with 200: the process is alive."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


async def readyz(request: HttpRequest) -> HttpResponse:
    """Respond with 200 when prices are fresh and Redis is up, else 503 with the reasons; list paused sources."""
    report = await asyncio.to_thread(readiness.check_readiness)
    return JsonResponse(report, status=200 if report["ready"] else 503, headers={"Cache-Control": "no-store"})


async def show_metrics(request: HttpRequest) -> HttpResponse:
    """Respond in Prometheus' text format; with `METRICS_TOKEN` set, only to clients that send it."""
    if settings.METRICS_TOKEN and not shows_token(request, settings.METRICS_TOKEN):
        return HttpResponse(
            "needs METRICS_TOKEN\n", status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"}
        )
    text = await asyncio.to_thread(metrics.render)
    return HttpResponse(text, content_type=metrics.CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def shows_token(request: HttpRequest, token: str) -> bool:
    """Return whether the request has *token* as its bearer token."""
    kind, _, shown = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and constant_time_compare(shown.strip(), token)


def socket_token(request: HttpRequest) -> HttpResponse:
    """Respond to our own pages with a token for their socket; other sites' pages and programs are refused."""
    if not is_same_origin(request):
        return JsonResponse({"error": "for this site's own pages"}, status=403, headers={"Cache-Control": "no-store"})
    return JsonResponse({"token": issue_page_token()}, headers={"Cache-Control": "no-store"})


def is_same_origin(request: HttpRequest) -> bool:
    """Return whether a page of this site asks; by its `Referer` in browsers without fetch metadata."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Referer", "").startswith(f"{request.scheme}://{request.get_host()}/")
