"""What people see while the database is down: why, and that prices keep updating without it."""

import logging
from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from rates.exceptions import one_line
from rates.store.database import database_thread

logger = logging.getLogger(__name__)


class DatabaseDownMiddleware(MiddlewareMixin):
    """Responds with 503 and the reason when a view needs a database that is down, full or locked."""

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """Ask PostgreSQL before a view of the admin does, which would wait for as long as a pooler in between likes."""
        match = request.resolver_match
        if connection.vendor != "postgresql" or not (match and "admin" in match.app_names):
            return None
        try:
            database_thread.check()
        except DatabaseError as error:
            return explain(request, error)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page for a failing database; None for other errors."""
        return explain(request, exception) if isinstance(exception, DatabaseError) else None


def explain(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    """Return the page that says why *request* cannot be answered."""
    reason = one_line(error)
    logger.warning("%s needs the database: %s", request.path, reason)
    # The error text of a server's client library contains its address, which must not be shown before the login.
    shown = reason if connection.vendor == "sqlite" else type(error).__name__
    return render(request, "503.html", {"reason": shown}, status=503)
