"""Our page for addresses that do not exist, with `DEBUG=True` too, where Django would list every address there is."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware

Handler = Callable[[HttpRequest], HttpResponse]
AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponse]]


@sync_and_async_middleware
def own_not_found(get_response: Any) -> Handler | AsyncHandler:
    """Replace Django's page of a 404; the API has its own answers."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponse:
            return _replace(request, await get_response(request))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponse:
        return _replace(request, get_response(request))

    return answer


def _replace(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    is_page = response.status_code == 404 and response.headers.get("Content-Type", "").startswith("text/html")
    return render(request, "404.html", status=404) if settings.DEBUG and is_page else response
