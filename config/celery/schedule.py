"""
A Celery schedule that is due once per slot of the wall clock.

Celery 5.7.0: `celery.schedules.schedule.remaining_estimate` counts from the last run, so its phase is where beat
happened to start; a run near the edge of a slot can slip into the next one and leave its own slot empty. It also stops
for an hour when the clock is set back by an hour (https://github.com/celery/celery/issues/6742). Remove when Celery has
a schedule that is aligned to the clock and takes fractions of a second; `crontab` is aligned, in minutes. Tested in
`tests/config/test_schedule.py`, and with clocks that step in `tests/faults/test_clocks.py`.
"""

import time
from datetime import datetime

from celery.schedules import schedstate, schedule

# Seconds: beat wakes up this long after a slot has begun, so that its clock never still shows the slot before.
MARGIN = 0.02


class SlotSchedule(schedule):  # type: ignore[misc]
    """Due when the wall clock has entered another slot of *run_every* seconds, an earlier one too."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Return whether a run is due, and the seconds until the next check."""
        seconds = self.run_every.total_seconds()
        now = time.time()
        due = now // seconds != last_run_at.timestamp() // seconds
        return schedstate(due, seconds - now % seconds + MARGIN)
