"""A Celery schedule that is due once per slot of the wall clock."""

import time
from datetime import datetime

from celery.schedules import schedstate, schedule


class SlotSchedule(schedule):  # type: ignore[misc]
    """
    Due when the wall clock enters another slot of *run_every* seconds.

    Celery's own `schedule` counts from the last run: its phase is where beat happened to start, so a run near the edge
    of a slot can slip into the next one and leave its own slot empty. It also stops for an hour when the clock is set
    back by an hour; this one only looks whether the slot is another one.
    """

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Return whether a run is due, and the seconds until the next look."""
        seconds = self.run_every.total_seconds()
        now = time.time()
        due = now // seconds != last_run_at.timestamp() // seconds
        return schedstate(due, seconds - now % seconds + 0.02)
