"""When beat is due: once per slot of the wall clock, whatever the clock has done since the last run."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from config.celery.schedule import MARGIN, SlotSchedule

# Seconds: so long that no slot ends while a test runs, unless within a second of its start.
SLOT = 10**7


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def start_of_slot() -> float:
    return time.time() // SLOT * SLOT


def test_a_run_in_this_slot_is_enough() -> None:
    due, _wait = SlotSchedule(SLOT).is_due(moment(start_of_slot()))
    assert not due


def test_a_new_slot_is_due_however_short_the_time_since_the_last_run() -> None:
    due, _wait = SlotSchedule(SLOT).is_due(moment(start_of_slot() - 0.001))
    assert due


def test_a_last_run_in_the_future_is_due_too_because_the_clock_was_set_back() -> None:
    due, _wait = SlotSchedule(SLOT).is_due(moment(time.time()) + timedelta(seconds=SLOT))
    assert due


@pytest.mark.parametrize("interval", [0.5, 5, 3600])
def test_the_next_check_comes_just_after_the_next_slot_has_begun(interval: float) -> None:
    before = time.time()
    wait = SlotSchedule(interval).is_due(moment(before)).next
    after = time.time()
    next_slots = {(now // interval + 1) * interval for now in (before, after)}
    assert any(before <= slot + MARGIN - wait <= after for slot in next_slots)
