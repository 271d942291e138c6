"""
Celery's beat, for a wall clock that steps and a Redis that goes down while a task is sent.

Celery 5.7.0, two faults:

1. `celery.beat.Scheduler._when` plans the next run by the wall clock: set back by an hour, beat sends nothing for an
   hour (https://github.com/celery/celery/issues/6742). Remove `_when` when Celery plans by the monotonic clock. Tested
   in `tests/faults/test_clocks.py`: `test_the_workers_clock_steps`.
2. kombu 5.7.0 may close a channel while it retries to send; `kombu.transport.redis.Channel._connparams` then raises an
   `AttributeError` ('NoneType' object has no attribute 'client'), which Celery logs with a traceback, as a bug. Remove
   `apply_async` when kombu raises a connection error there. Tested in `tests/config/test_beat.py`.

Reconnecting every second is explained in `reconnect`.
"""

import time
from typing import Any

from celery.beat import Scheduler, SchedulingError

from config.celery.reconnect import reconnect_every_second


class MonotonicScheduler(Scheduler):  # type: ignore[misc]
    """Plans by the monotonic clock; which slot it is remains a question to the wall clock (`schedule.SlotSchedule`)."""

    def _when(self, entry: Any, next_time_to_run: float, *_: Any) -> float:
        return time.monotonic() + float(self.adjust(next_time_to_run) or 0)

    def _ensure_connected(self) -> Any:
        reconnect_every_second(self.connection)
        return super()._ensure_connected()

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Send *entry*; report a channel that kombu closed during a retry as a lost connection."""
        try:
            return super().apply_async(entry, producer, advance, **options)
        except SchedulingError as error:
            if isinstance(error.__context__, AttributeError) and producer and producer.channel.connection is None:
                raise ConnectionResetError("the channel to Redis was closed meanwhile") from error
            raise
