"""
Health, metrics, and the token of our own pages.

Tested in `tests/api/test_readiness.py`, `tests/api/test_metrics.py`, `tests/api/test_probes.py` and
`tests/fanout/test_tokens.py`.
"""

import asyncio

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from rates.api import metrics, readiness
from rates.api.problems import Problem, problem_view
from rates.fanout.tokens import issue_page_token


@problem_view("GET", "HEAD")
def stream(request: HttpRequest) -> HttpResponse:
    """Answer what `rates.gateway.event_stream` leaves: other methods, and what did not come through the gate."""
    raise Problem(501, "not_ready", "event streams need uvicorn or daphne as the server")


@login_not_required
async def healthz(request: HttpRequest) -> HttpResponse:
    """Respond with 200: the process is alive."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


@login_not_required
async def readyz(request: HttpRequest) -> HttpResponse:
    """Respond with 200 when prices are fresh and Redis is up, else 503 with the reasons; list paused sources."""
    report = await asyncio.to_thread(readiness.check_readiness)
    return JsonResponse(report, status=200 if report["ready"] else 503, headers={"Cache-Control": "no-store"})


@login_not_required
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


@problem_view("GET", "HEAD")
def socket_token(request: HttpRequest) -> HttpResponse:
    """Respond to our own pages with a token for socket and API; other sites' pages and programs are refused."""
    if not is_same_origin(request):
        raise Problem(403, "forbidden", "only this site's own pages get a token here; programs have their own")
    if settings.RATES_PAGES_AUTH == "login" and not request.user.is_authenticated:
        raise Problem(401, "unauthorized", "the page's reader is not logged in", {"WWW-Authenticate": "Bearer"})
    return JsonResponse({"token": issue_page_token()}, headers={"Cache-Control": "no-store"})


def is_same_origin(request: HttpRequest) -> bool:
    """Return whether a page of this site asks; by its `Referer` in browsers without fetch metadata."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Referer", "").startswith(f"{request.scheme}://{request.get_host()}/")
