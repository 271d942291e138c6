"""
How long beat and worker wait between two attempts to reach a Redis that is down: one second.

kombu 5.7.0: `Connection.ensure_connection` waits 2, 4, 6 ... up to 30 seconds by default. Celery 5.7.0 calls it without
other values (`celery.worker.consumer.Consumer.ensure_connected`, `celery.beat.Scheduler._ensure_connected`) and has no
setting for them; `interval_max` among the transport options counts for a lazily opened channel only.
Remove when Celery hands on intervals from its settings. Tested in `tests/faults/test_redis_away.py`:
`test_worker_that_starts_without_redis_works_as_soon_as_it_is_there`.
"""

from functools import partial
from typing import Any

# Seconds.
RECONNECT_INTERVAL = 1.0


def reconnect_every_second(connection: Any) -> None:
    """Make kombu's *connection* try once a second while the server is down."""
    connection.ensure_connection = partial(
        connection.ensure_connection,
        interval_start=RECONNECT_INTERVAL,
        interval_step=0,
        interval_max=RECONNECT_INTERVAL,
    )
