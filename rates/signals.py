"""
An edit of the coin list is published at once, and many edits in a row together.

From the admin who disables a coin to the page that no longer shows it:

    1. `publish_coins` (here)      called by Django when the saved coin is committed
    2. `EditPublisher.publish`     at once, or together with the edits of the next `BATCH_WINDOW` seconds
    3. `feed.publish_coins`        the next board, by `judgement.next_board.revise`: the coin is not in it
    4. `store.update_board`        stored under the next number; the coin's keys are deleted
    5. `publication.publish`       one group message for the hub of each web process, with the coin in `removed`
    6. `Hub.handle_publication`    the `update` frame of each selection, to every socket that has the coin
    7. `board.js` of the page      drops the row
"""

import logging
import threading
import time
from functools import partial
from typing import Any

from django.db import DatabaseError, close_old_connections, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from rates import feed, store
from rates.exceptions import RatesError
from rates.models import Coin

logger = logging.getLogger(__name__)

# Seconds that an edit waits for others, so that a burst of edits is a few publications.
BATCH_WINDOW = 0.25


class EditPublisher:
    """Publishes the first of several edits at once, and the others together a moment later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._scheduled = False
        self._published_at = float("-inf")
        self._pairs: set[str] = set()

    def publish(self, pair: str) -> None:
        """
        Publish now, or with the edits of the next `BATCH_WINDOW` seconds when that was only just done.

        Also forget that Binance did not know *pair*, because it may have been listed since.
        """
        with self._lock:
            self._pairs |= {pair} - {""}
            wait = self._published_at + BATCH_WINDOW - time.monotonic()
            if wait > 0:
                self._schedule(wait)
                return
            self._published_at = time.monotonic()
        self._publish()

    def wait(self) -> None:
        """Wait until what is scheduled, or being published, is published."""
        timer = self._timer
        if timer is not None:
            timer.join()

    def _schedule(self, wait: float) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._timer = threading.Timer(wait, self._publish_scheduled)
            # A script that ends sooner is not kept waiting: the next tick publishes what it edited.
            self._timer.daemon = True
            self._timer.start()

    def _publish_scheduled(self) -> None:
        with self._lock:
            self._scheduled = False
            self._published_at = time.monotonic()
        try:
            self._publish()
        finally:
            close_old_connections()

    def _publish(self) -> None:
        pairs = frozenset(self._pairs)
        try:
            store.forget_unknown_pairs(pairs)
            self._pairs -= pairs
            feed.publish_coins()
        except (RatesError, DatabaseError) as error:
            logger.warning("the edited coin list is published with the next tick: %s", error)
        finally:
            # Counted from the end, so that the other edits of a list do not each wait for a Redis that hangs.
            self._published_at = time.monotonic()


edit_publisher = EditPublisher()


@receiver((post_save, post_delete), sender=Coin)
def publish_coins(instance: Coin, **_kwargs: Any) -> None:
    """Publish when the edit is committed; other processes cannot see it before."""
    transaction.on_commit(partial(edit_publisher.publish, instance.binance_symbol))
