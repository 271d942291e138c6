"""Celery's beat, with a plan that a step of the wall clock does not touch."""

import time
from typing import Any

from celery.beat import Scheduler, SchedulingError

from config.celery.reconnect import reconnect_every_second


class MonotonicScheduler(Scheduler):  # type: ignore[misc]
    """
    Plans by the monotonic clock.

    Celery plans the next run by the wall clock, and when that is set back by an hour, beat sends nothing for an hour.
    Which slot it is remains a question to the wall clock (`schedule.SlotSchedule`).
    """

    def _when(self, entry: Any, next_time_to_run: float, *_: Any) -> float:
        return time.monotonic() + float(self.adjust(next_time_to_run) or 0)

    def _ensure_connected(self) -> Any:
        reconnect_every_second(self.connection)
        return super()._ensure_connected()

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Send *entry*; a channel that kombu closed while it tried again is a lost connection, no error of ours."""
        try:
            return super().apply_async(entry, producer, advance, **options)
        except SchedulingError as error:
            if isinstance(error.__context__, AttributeError) and producer and producer.channel.connection is None:
                raise ConnectionResetError("the channel to Redis was closed meanwhile") from error
            raise
