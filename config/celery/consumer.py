"""The part of a Celery worker that listens to the queue, for a Redis that is away or refuses to write."""

from time import sleep
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from redis.exceptions import ResponseError

from config.celery.reconnect import RECONNECT_INTERVAL, reconnect_every_second


class Consumer(CeleryConsumer):  # type: ignore[misc]
    """Takes up its work within a second after Redis is back."""

    def ensure_connected(self, conn: Any) -> Any:
        """Return *conn* as soon as it is connected."""
        reconnect_every_second(conn)
        return super().ensure_connected(conn)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Pause when Redis is there and refuses, where Celery would try again at once."""
        super().on_connection_error_before_connected(exc)
        pause_after_refusal(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Pause when Redis is there and refuses, where Celery would try again at once."""
        super().on_connection_error_after_connected(exc)
        pause_after_refusal(exc)


def pause_after_refusal(error: Exception) -> None:
    """Wait after an answer of Redis; a connection that was lost needs no wait."""
    if isinstance(error, ResponseError):
        sleep(RECONNECT_INTERVAL)
