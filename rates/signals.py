"""An edit of the coin list is published at once, and many edits in a row together."""

import logging
import threading
from typing import Any

from django.db import close_old_connections, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from rates import feed
from rates.exceptions import RatesError
from rates.models import Coin

logger = logging.getLogger(__name__)

# Seconds that an edit waits for others, so that a burst of edits is a few publications.
GATHER = 0.25


class Publisher:
    """Publishes the coin list a moment after the first of several edits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def publish_soon(self) -> None:
        """Publish within `GATHER` seconds; edits until then go along."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(GATHER, self._publish)
                self._timer.start()

    def _publish(self) -> None:
        with self._lock:
            self._timer = None
        try:
            feed.publish_coins()
        except RatesError as error:
            logger.warning("the edited coin list is published with the next tick: %s", error)
        finally:
            close_old_connections()


publisher = Publisher()


@receiver((post_save, post_delete), sender=Coin)
def publish_coins(**_kwargs: Any) -> None:
    """Publish when the edit is committed; before that, the list is as it was."""
    transaction.on_commit(publisher.publish_soon)
