"""
How the logs look: lines for people, or one JSON object per line with `LOG_FORMAT=json`. Secrets never appear.

One line per event that matters and none per healthy tick, so the libraries that report every step start at WARNING, and
what they repeat while Redis is down is logged once a minute (`outage_filter`); what clients do wrong is one line
(`client_fault_filter`).
"""

import logging
import logging.config
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from config.client_fault_filter import ClientFaultFilter
from config.console import json_line
from config.masking import Masking
from config.outage_filter import OutageFilter

logger = logging.getLogger(__name__)


class ConsoleFormatter(logging.Formatter):
    """Lines for people."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")
        self._mask = Masking(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without secrets."""
        return self._mask(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for machines."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__()
        self._mask = Masking(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return the object: time, level, logger, message, process, and the traceback if there is one."""
        more = {}
        if record.exc_info and record.exc_info[0] is not None:
            more["traceback"] = self._mask(self.formatException(record.exc_info))
        time = datetime.fromtimestamp(record.created, UTC)
        return json_line(record.levelname, record.name, self._mask(record.getMessage()), record.process, time, **more)


def logging_configuration(level: str, style: str, secrets: Sequence[str]) -> dict[str, Any]:
    """Return what `logging.config.dictConfig` takes: all to stderr, in the *style* ``console`` or ``json``."""
    formatter = JsonFormatter if style == "json" else ConsoleFormatter
    quiet = {"level": level if level in ("WARNING", "ERROR") else "WARNING"}
    # Each of these reports every task, request, socket or dropped message at INFO.
    chatty = (
        "celery",
        "kombu",
        "amqp",
        "django.channels.server",
        "daphne",
        "asyncio",
    )
    # Django and uvicorn hang handlers of their own on these.
    handled = ("django.server", "uvicorn", "uvicorn.access", "uvicorn.error")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"outage": {"()": OutageFilter}, "client_fault": {"()": ClientFaultFilter}},
        "formatters": {"line": {"()": formatter, "secrets": [secret for secret in secrets if secret]}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["outage", "client_fault"],
            },
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            # An unknown address or a missing permission is the caller's concern; our own failures are errors.
            "django.request": {"level": "ERROR"},
            **{name: {"handlers": [], "propagate": True, **quiet} for name in handled},
            **dict.fromkeys(chatty, quiet),
            # A warning for each answer with a header that it cannot read: what a vendor does must not fill the log.
            "urllib3": {"level": "ERROR"},
        },
    }


def configure(configuration: dict[str, Any]) -> None:
    """Log as *configuration* says, also what Python itself would write to stderr: warnings and what nobody caught."""
    logging.config.dictConfig(configuration)
    logging.captureWarnings(True)
    sys.excepthook = log_uncaught
    threading.excepthook = lambda said: log_uncaught(said.exc_type, said.exc_value, said.exc_traceback)


def log_uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    """Log an exception that ends the process or a thread; Ctrl-C is none, and needs no words."""
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        logger.critical("%s was not caught", kind.__name__, exc_info=(kind, error, traceback))
