"""
The secrets of the test run, and a watch that fails the test in which one of them shows.

It reads what every test prints, logs (as it is before our own masking) and lets its processes say, and every answer of
a web application that runs in the test's own process: pages, errors, metrics.
"""

import re
from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any

import pytest
from django.conf import settings
from django.utils.decorators import sync_and_async_middleware

from tests.environment import MARK

# What no log may show: a canary, or whatever looks like somebody's token.
FORBIDDEN = re.compile(rf"{MARK}|eyJ[\w-]{{5,}}\.eyJ[\w-]+\.[\w-]+")

_seen: list[str] = []


def find_leaks(text: str) -> list[str]:
    """Return the lines of what somebody could read that hold a secret."""
    return [line for line in text.splitlines() if FORBIDDEN.search(line)]


@sync_and_async_middleware
def watch_answers(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Look into every answer of the application."""

    def look(response: Any) -> Any:
        # Tokens are what some pages are for; canaries are for none.
        if not response.streaming and MARK.encode() in response.content + response.serialize_headers():
            _seen.append(f"{response.status_code} {response.content[:2000]!r}")
        return response

    if iscoroutinefunction(get_response):

        async def answer_async(request: Any) -> Any:
            return look(await get_response(request))

        return answer_async
    return lambda request: look(get_response(request))


def pytest_configure() -> None:
    """Put the watch next to the views, where answers are not compressed yet."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.canaries.watch_answers"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Iterator[None]:
    """Fail the test whose output has a secret; at its end, when all of it is there."""
    report: Any = yield
    if call.when == "teardown":
        leaks = [*_seen, *(leak for _, text in report.sections for leak in find_leaks(text))]
        _seen.clear()
        if leaks:
            report.outcome = "failed"
            report.longrepr = "a secret shows:\n" + "\n".join(leaks)
    return report
