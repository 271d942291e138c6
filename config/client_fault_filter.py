"""
A log filter for what clients do wrong and libraries log as an error with a traceback: one line, and a warning.

Django: a `Host` that `ALLOWED_HOSTS` does not list, and whatever else it calls suspicious. uvicorn: a text frame that
is not UTF-8.

Tested in `tests/api/test_probes.py` and `tests/fanout/test_frames.py`.
"""

import logging

from django.core.exceptions import SuspiciousOperation


class ClientFaultFilter(logging.Filter):
    """Turns the records about clients' faults into warnings without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten *record* where a client is at fault; every record passes."""
        error = record.exc_info[1] if record.exc_info else None
        not_utf8 = record.name == "uvicorn.error" and isinstance(error, UnicodeDecodeError)
        if not_utf8 or isinstance(error, SuspiciousOperation):
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
