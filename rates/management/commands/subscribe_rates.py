"""
`manage.py subscribe_rates`: print the map of prices with each publication, as the plain Redis channel carries it.

Tested in `tests/config/test_start.py`.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rates import store
from rates.exceptions import StoreUnavailable


class Command(BaseCommand):
    """Subscribe to `REDIS_CHANNEL`, until Ctrl-C."""

    help = "Print each map of prices that is published on the plain Redis channel (REDIS_CHANNEL), as a line of JSON."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what comes; a reader that ends first, as `| head` does, is no error."""
        try:
            for text in subscribe(settings.REDIS_CHANNEL):
                self.stdout.write(text)
                self.stdout.flush()
        except StoreUnavailable as error:
            reason = str(error).rstrip(".")
            raise CommandError(f"{reason}; is the service running? `make run` starts it") from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def subscribe(channel: str) -> Iterator[str]:
    """
    Yield what is published on *channel* from now on, without end.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    with store.redis_errors(), store.client().pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(channel)
        while True:
            # Seconds, below the client's own timeout; silence is no failure here.
            if message := subscription.get_message(timeout=1.0):
                yield message["data"]
