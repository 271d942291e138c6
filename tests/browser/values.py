"""A value of a page that a test waits for."""

from typing import Any

WAITS, EACH_MS = 600, 50


def await_value(page: Any, expression: str, expected: Any, *, inside: Any = None) -> None:
    """
    Wait until the JavaScript *expression* has the *expected* value, in the page or for an element *inside* it.

    Playwright's own wait has the page evaluate a text, which our Content-Security-Policy refuses, and takes a promise
    for true.
    """
    for _ in range(WAITS):
        found = (inside or page).evaluate(expression)
        if found == expected:
            return
        page.wait_for_timeout(EACH_MS)
    raise AssertionError(f"{expression} is {found!r} after {WAITS * EACH_MS / 1000} s, not {expected!r}")
