"""
A log filter that keeps an outage from flooding the log: what libraries say on each attempt to reach Redis becomes one
line a minute, and one more for each refusal in other words.

A 503 is our own answer, to probes that ask every few seconds, and is not logged at all.
"""

import logging
import time
from collections.abc import Iterator

from redis.exceptions import RedisError

from rates.outage_log import note_fault, tell
from rates.redis_words import find_refusal, shorten_command

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
# They say in many words that they do not reach the broker.
BROKER, BROKER_TOPIC = ("celery", "kombu"), "broker"
# Seconds until one of them may say the same again.
REPEAT_INTERVAL = 60.0


class OutageFilter(logging.Filter):
    """Lets the first of repeated lines pass, without its traceback; only lines about lost connections are touched."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether *record* is to be written, and shorten it."""
        if getattr(record, "status_code", None) == 503:
            return False
        if record.levelno < logging.WARNING or not record.name.startswith(REPETITIVE):
            return True
        error = record.exc_info[1] if record.exc_info else None
        if error and not any(isinstance(cause, OSError | RedisError) for cause in causes(error)):
            return True
        topic, now = _topic(record), time.monotonic()
        refusal, reason = _find_refusal(record, error), str(error or next(iter(_errors_in(record)), ""))
        shorten(record, error)
        note_fault((topic, refusal), record.msg)
        if refusal:
            return tell(refusal)
        if now - self._logged.get(topic, float("-inf")) < REPEAT_INTERVAL:
            return False
        self._logged[topic] = now
        # Other parts of the process may have told it, of our own client.
        return topic != BROKER_TOPIC or tell(f"Redis: {reason}")


def _topic(record: logging.LogRecord) -> str:
    """Return what *record* is about: the broker, or what else it says."""
    return BROKER_TOPIC if record.name.startswith(BROKER) else f"{record.name}: {record.msg}"


def _find_refusal(record: logging.LogRecord, error: BaseException | None) -> str:
    """Return the words with which a server refused; empty when it could not be asked."""
    errors = [*_errors_in(record), *(causes(error) if error else ())]
    return next(filter(None, map(find_refusal, errors)), "")


def shorten(record: logging.LogRecord, error: BaseException | None) -> None:
    """Reduce *record* to one line: the first line of its message, and the reason."""
    first = record.getMessage().strip().partition("\n")[0]
    # Celery shows errors by their `repr`, which in redis-py has the name of the class and not what the server said.
    for cause in (*_errors_in(record), error):
        first += f": {cause}" if cause and str(cause) not in first else ""
    record.msg = shorten_command(first)
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
