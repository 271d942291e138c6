"""
A log filter that keeps an outage from flooding the log: what libraries say on each attempt to reach Redis becomes one
line a minute.

A 503 is our own answer, to probes that ask every few seconds, and is not logged at all.
"""

import logging
import time
from collections.abc import Iterator

from redis.exceptions import RedisError

# Loggers of libraries that report a lost connection with a traceback on every attempt, and those of our pages.
REPETITIVE = (
    "channels_redis",
    "celery.beat",
    "celery.worker.consumer",
    "celery.worker.request",
    "kombu",
    "dashboard",
    "rates.database_down",
)
# Seconds until one of them may say the same again.
REPEAT_INTERVAL = 60.0


class OutageFilter(logging.Filter):
    """Lets the first of repeated lines pass, without its traceback; only lines about lost connections are touched."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[tuple[str, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether *record* is to be written, and shorten it."""
        if getattr(record, "status_code", None) == 503:
            return False
        if record.levelno < logging.WARNING or not record.name.startswith(REPETITIVE):
            return True
        error = record.exc_info[1] if record.exc_info else None
        if error and not any(isinstance(cause, OSError | RedisError) for cause in causes(error)):
            return True
        kinds = [type(cause).__name__ for cause in _errors_in(record)]
        key, now = (record.name, str(record.msg), *kinds), time.monotonic()
        if now - self._logged.get(key, float("-inf")) < REPEAT_INTERVAL:
            return False
        self._logged[key] = now
        shorten(record, error)
        return True


def shorten(record: logging.LogRecord, error: BaseException | None) -> None:
    """Reduce *record* to one line: the first line of its message, and the reason."""
    first = record.getMessage().strip().partition("\n")[0]
    # Celery shows errors by their `repr`, which in redis-py has the name of the class and not what the server said.
    for cause in (*_errors_in(record), error):
        first += f": {cause}" if cause and str(cause) not in first else ""
    record.msg = first
    record.args = record.exc_info = record.exc_text = None


def _errors_in(record: logging.LogRecord) -> list[BaseException]:
    """Return the errors among what *record* puts into its message."""
    args = record.args if isinstance(record.args, tuple) else ()
    return [arg for arg in args if isinstance(arg, BaseException)]


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield *error*, its cause, the cause of that, and so on."""
    yield error
    if before := error.__cause__ or error.__context__:
        yield from causes(before)
