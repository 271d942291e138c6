"""
The part of a Celery worker that listens to the queue, for a Redis that is down or refuses to write.

Celery 5.7.0: after a lost connection `celery.worker.consumer.Consumer.start` connects again, and `ensure_connected`
paces that. With `broker_channel_error_retry` (https://github.com/celery/celery/pull/7951) it does the same after an
answer such as READONLY or OOM; but then connecting succeeds, the next command is refused, and the loop spins without a
pause. Remove the pauses when Celery paces its restarts after channel errors. Tested in
`tests/faults/test_redis_away.py`: `test_redis_refuses_to_write_for_70_seconds`. Reconnecting every second is explained
in `reconnect`.

Celery 5.7.0 has options to do without gossip, mingle and heartbeats, but no settings, so a worker that is typed by hand
has them. Nobody listens to them, and gossip ends a worker with a traceback when the connection is lost
(`bootsteps.ConsumerStep._close` without a connection). Remove this when there are settings. Tested in
`tests/config/test_start.py`: `test_a_worker_that_lost_its_redis_ends_without_a_traceback`.
"""

from collections.abc import Mapping
from contextlib import suppress
from time import sleep
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from redis.exceptions import ResponseError

from config.celery.reconnect import RECONNECT_INTERVAL, reconnect_every_second
from rates.exceptions import StoreUnavailable
from rates.telemetry.reports import report


class Consumer(CeleryConsumer):  # type: ignore[misc]
    """Resumes its work within a second after Redis is back; talks to no other worker."""

    def __init__(self, *args: Any, worker_options: Mapping[str, Any] | None = None, **options: Any) -> None:
        alone = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        super().__init__(*args, worker_options={**(worker_options or {}), **alone}, **options)

    def ensure_connected(self, conn: Any) -> Any:
        """Return *conn* as soon as it is connected."""
        reconnect_every_second(conn)
        return super().ensure_connected(conn)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Pause when Redis is up but refuses; Celery would retry at once."""
        super().on_connection_error_before_connected(exc)
        pause_after_refusal(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Pause when Redis is up but refuses; Celery would retry at once."""
        super().on_connection_error_after_connected(exc)
        pause_after_refusal(exc)


def pause_after_refusal(error: Exception) -> None:
    """
    Wait after an error that Redis answered with, and report it; a connection that was lost needs no wait.

    Otherwise only the child reports, which may be well. It also says when reports are refused.
    """
    if isinstance(error, ResponseError):
        with suppress(StoreUnavailable):
            report("worker", {})
        sleep(RECONNECT_INTERVAL)
