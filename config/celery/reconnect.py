"""How long Celery's processes wait before they look again for a Redis that is away: a second."""

from functools import partial
from typing import Any

# Seconds. Celery's own waits grow to half a minute, and there is no setting.
RECONNECT_INTERVAL = 1.0


def reconnect_every_second(connection: Any) -> None:
    """Make kombu's *connection* look for the server every second while it is away."""
    connection.ensure_connection = partial(
        connection.ensure_connection,
        interval_start=RECONNECT_INTERVAL,
        interval_step=0,
        interval_max=RECONNECT_INTERVAL,
    )
