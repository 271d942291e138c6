"""What staff see while the database cannot be used: why, and that prices go on without it."""

import logging

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

logger = logging.getLogger(__name__)


class DatabaseDownMiddleware(MiddlewareMixin):
    """Answers 503 with the reason where a view needs a database that is gone, full or locked."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page for a failing database; None for other errors."""
        if not isinstance(exception, DatabaseError):
            return None
        reason = str(exception).partition("\n")[0]
        logger.warning("%s needs the database: %s", request.path, reason)
        # What a server's client library says names its address, which is nobody's business before the login.
        shown = reason if connection.vendor == "sqlite" else type(exception).__name__
        return render(request, "503.html", {"reason": shown}, status=503)
