"""
Errors of the HTTP API: problem details as in RFC 9457, with a `code` for programs.

Tested in `tests/api/test_history.py` and `tests/api/test_board.py`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag
from django.views.decorators.csrf import csrf_exempt

from rates.exceptions import one_line

logger = logging.getLogger(__name__)

View = Callable[..., Any]

TITLES = {
    "bad_amount": "Not a usable amount",
    "bad_interval": "No such interval",
    "bad_limit": "Not a usable limit",
    "bad_request": "The request cannot be read",
    "bad_time": "Not a usable time",
    "forbidden": "Not for this client",
    "internal_error": "Internal error",
    "method_not_allowed": "Method not allowed",
    "no_price": "No price at that time",
    "not_found": "No such path",
    "not_ready": "No prices yet",
    "rate_limited": "Too many requests",
    "store_away": "The store cannot be read now",
    "too_many": "Too many at once",
    "unauthorized": "A token is needed",
    "unknown_currency": "No such currency",
    "unknown_symbol": "No such coin",
}


class Problem(Exception):
    """
    An answer that is an error.

    Attributes:
        code: a word that does not change.
        detail: the parameter, what was wrong with it, and what is allowed.
    """

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


AWAY = Problem(503, "store_away", "the database cannot be used now; try again", {"Retry-After": "5"})


def problem_response(problem: Problem) -> JsonResponse:
    """Return *problem* as an answer, never to be kept by a cache; `error` is what older clients read."""
    body = {
        "type": "about:blank",
        "title": TITLES[problem.code],
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "error": problem.detail,
    }
    headers = {"Cache-Control": "no-store", **(problem.headers or {})}
    return JsonResponse(body, status=problem.status, headers=headers, content_type="application/problem+json")


def problem_view(*methods: str) -> Callable[[View], View]:
    """
    Make a view of one, sync or async, that raises `Problem`: it takes *methods*, and every error is an answer as above.

    What it answers to GET has an ETag, and 304 where the client holds it; not what no cache may keep.
    """

    def decorate(view: View) -> View:
        def answer(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            try:
                _check_method(request, methods)
                return _finish(request, view(request, *args, **options))
            except (Problem, DatabaseError) as error:
                return _finish(request, problem_response(_as_problem(request, error)))

        async def answer_async(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            try:
                _check_method(request, methods)
                return _finish(request, await view(request, *args, **options))
            except (Problem, DatabaseError) as error:
                return _finish(request, problem_response(_as_problem(request, error)))

        # Without the checks for pages: of forms, as these change nothing, and of logins, as the gate has its own.
        made: View = wraps(view)(answer_async if iscoroutinefunction(view) else answer)
        return csrf_exempt(login_not_required(made))

    return decorate


def _check_method(request: HttpRequest, methods: Sequence[str]) -> None:
    if request.method not in methods:
        allowed = ", ".join(methods)
        raise Problem(405, "method_not_allowed", f"only {allowed} is allowed here", {"Allow": allowed})


def _as_problem(request: HttpRequest, error: Problem | DatabaseError) -> Problem:
    if isinstance(error, Problem):
        return error
    logger.warning("%s needs the database: %s", request.path, one_line(error))
    return AWAY


def _finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Accept"])
    kept = response.status_code == HTTPStatus.OK and "no-store" not in response.get("Cache-Control", "")
    if request.method not in ("GET", "HEAD") or not kept:
        return response
    etag = quote_etag(sha256(response.content).hexdigest()[:16])
    response["ETag"] = etag
    answer = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(answer, HttpResponse)
    return answer
