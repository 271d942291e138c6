"""One log line a minute about something that does not work, and one when it works again; and what fails at present."""

import logging
import time

from rates.exceptions import StoreUnavailable, one_line

# Seconds between two lines about the same outage.
LOG_INTERVAL = 60.0
# Reasons that are remembered; there are few, but servers word them.
MOST_REASONS = 100

# What fails at present: who noted it -> until when that counts, and the line.
_faults: dict[object, tuple[float, str]] = {}
# Reason -> when it was told last, by the monotonic clock.
_told: dict[str, float] = {}
# What Redis has refused since somebody looked, whoever met it: the server's words -> the error.
_refusals: dict[str, StoreUnavailable] = {}


def tell(reason: str) -> bool:
    """Return whether *reason* is to be told: nobody in this process has done so within the last minute."""
    now = time.monotonic()
    if now - _told.get(reason, float("-inf")) < LOG_INTERVAL:
        return False
    if len(_told) >= MOST_REASONS:
        _told.clear()
    _told[reason] = now
    return True


def note_fault(noted_by: object, line: str) -> None:
    """Remember *line* for a minute, unless it is noted again or `forget_fault` comes before."""
    if noted_by in _faults or len(_faults) < MOST_REASONS:
        _faults[noted_by] = time.monotonic() + LOG_INTERVAL, line


def forget_fault(noted_by: object) -> None:
    """Forget what *noted_by* has noted: it works again."""
    _faults.pop(noted_by, None)


def current_faults() -> list[str]:
    """Return what fails in this process at present."""
    now = time.monotonic()
    for noted_by, (until, _) in list(_faults.items()):
        if until < now:
            forget_fault(noted_by)
    return sorted({line for _, line in list(_faults.values())})


def note_refusal(error: StoreUnavailable) -> None:
    """Remember *error* for `tell_refusals`."""
    if len(_refusals) < MOST_REASONS:
        _refusals[error.refusal] = error


def tell_refusals(logger: logging.Logger) -> None:
    """Log what has been refused and nobody has told: whoever met it may have had no reason to."""
    for refusal in list(_refusals):
        OutageLog(logger).failed("not everything works: %s", _refusals.pop(refusal))


class OutageLog:
    """
    The lines of *logger* about one thing that may fail for long.

    What all of a process's logs share: a reason that one of them has told within the last minute is told by no other.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._logged_at = float("-inf")
        self._causes: set[str] = set()

    def failed(self, message: str, error: Exception) -> None:
        """
        Log *message* with the first line of *error* in its place, unless that was done within the last minute.

        Another refusal of a server is another outage; that a server cannot be reached has many words.
        """
        reason, now = one_line(error), time.monotonic()
        cause = getattr(error, "refusal", "") or reason
        _refusals.pop(cause, None)
        if self._logged_at >= _told.get(cause, float("-inf")):
            note_fault(self, message % reason)
        if (cause == reason and now - self._logged_at < LOG_INTERVAL) or not tell(cause):
            return
        self._logged_at = now
        self._causes.add(cause)
        self._logger.warning(message, reason)

    def recovered(self, message: str) -> None:
        """Log *message* if the outage was logged; another one is logged at once."""
        forget_fault(self)
        if self._logged_at > float("-inf"):
            self._logged_at = float("-inf")
            while self._causes:
                cause = self._causes.pop()
                _told.pop(cause, None)
                _refusals.pop(cause, None)
            self._logger.info(message)
