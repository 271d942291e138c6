"""Celery's beat, with a plan that a step of the wall clock does not touch."""

import time
from typing import Any

from celery.beat import Scheduler

from config.patience import look_often


class SteadyScheduler(Scheduler):  # type: ignore[misc]
    """
    Plans by the monotonic clock.

    Celery plans the next run by the wall clock, and when that is set back by an hour, beat sends nothing for an hour.
    Which slot it is remains a question to the wall clock (`schedule.slots`).
    """

    def _when(self, entry: Any, next_time_to_run: float, *_: Any) -> float:
        return time.monotonic() + float(self.adjust(next_time_to_run) or 0)

    def _ensure_connected(self) -> Any:
        look_often(self.connection)
        return super()._ensure_connected()
