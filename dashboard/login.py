"""
Pages for people who are logged in only (`RATES_PAGES_AUTH=login`).

Tested in `tests/dashboard/test_login.py`.
"""

from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from rates.database_down import explain


class LoginMiddleware(LoginRequiredMiddleware):
    """Sends whoever is not logged in to the login, from every page; the API has `RATES_API_AUTH`."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        """Return the way to the login, or why nobody can be logged in now; None for who is, and for open views."""
        try:
            return super().process_view(request, view_func, view_args, view_kwargs)
        except DatabaseError as error:
            return explain(request, error)
