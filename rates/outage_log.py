"""One log line a minute about something that does not work, and one when it works again."""

import logging
import time
from typing import ClassVar

from rates.exceptions import one_line

# Seconds between two lines about the same outage.
LOG_INTERVAL = 60.0
# Reasons that are remembered; there are few, but servers word them.
MOST_REASONS = 100


class OutageLog:
    """
    The lines of *logger* about one thing that may fail for long.

    What all of a process's logs share: a reason that one of them has told within the last minute is told by no other.
    """

    _told: ClassVar[dict[str, float]] = {}

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._logged_at = float("-inf")

    def failed(self, message: str, error: Exception) -> None:
        """Log *message* with the first line of *error* in its place, unless that was done within the last minute."""
        reason, now = one_line(error), time.monotonic()
        if now - max(self._logged_at, self._told.get(reason, float("-inf"))) < LOG_INTERVAL:
            return
        if len(self._told) >= MOST_REASONS:
            self._told.clear()
        self._logged_at = self._told[reason] = now
        self._logger.warning(message, reason)

    def recovered(self, message: str) -> None:
        """Log *message* if the outage was logged; another one is logged at once."""
        if self._logged_at > float("-inf"):
            self._logged_at = float("-inf")
            self._told.clear()
            self._logger.info(message)
