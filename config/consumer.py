"""The part of a Celery worker that listens to the queue, with a shorter patience when Redis is away."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer

# Seconds between two looks for a Redis that is away; Celery's own waits grow to half a minute, and there is no setting.
LOOK_AGAIN = 1.0


class Consumer(CeleryConsumer):  # type: ignore[misc]
    """Takes up its work within a second after Redis is back."""

    def ensure_connected(self, conn: Any) -> Any:
        """Return *conn* as soon as it is connected."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=LOOK_AGAIN, interval_step=0)
        return super().ensure_connected(conn)
