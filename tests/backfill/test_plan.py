"""What is missing, and in which pieces it is asked for."""

import pytest

from rates.backfill.plan import TimeRange, find_missing, newest_chunk, select_followed, subtract, wanted_range
from rates.history.candles import DAY, HOUR, MINUTE

NOW = 1_795_576_931.8
MIDNIGHT = 1_795_564_800


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], [(0, 600)]),
        ([0, 60, 120, 180, 240, 300, 360, 420, 480, 540], []),
        ([0, 60, 300, 360, 420, 480, 540], [(120, 300)]),
        ([120], [(0, 120), (180, 600)]),
        ([540], [(0, 540)]),
        ([660], [(0, 600)]),
    ],
)
def test_gaps_are_found(times: list[int], expected: list[tuple[int, int]]) -> None:
    assert find_missing(times, TimeRange(0, 600), MINUTE) == [TimeRange(*each) for each in expected]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], [(0, 100), (200, 300)]),
        ([(50, 250)], [(0, 50), (250, 300)]),
        ([(0, 300)], []),
        ([(20, 30), (40, 50)], [(0, 20), (30, 40), (50, 100), (200, 300)]),
        ([(100, 200)], [(0, 100), (200, 300)]),
    ],
)
def test_what_was_asked_for_is_not_asked_for_again(
    others: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    left = subtract([TimeRange(0, 100), TimeRange(200, 300)], [TimeRange(*each) for each in others])
    assert left == [TimeRange(*each) for each in expected]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], []),
        ([100], [(0, 100)]),
        ([99], []),
        ([130, 330], [(0, 100), (200, 300)]),
        ([131, 331], []),
        ([0, 50, 150, 160, 310], [(200, 300)]),
    ],
)
def test_a_range_is_followed_by_what_is_known_soon_after_its_end(
    times: list[int], expected: list[tuple[int, int]]
) -> None:
    found = select_followed([TimeRange(0, 100), TimeRange(200, 300)], times, within=30)
    assert found == [TimeRange(*each) for each in expected]


def test_pieces_are_the_newest_that_one_answer_holds() -> None:
    ranges = [TimeRange(0, 600), TimeRange(1200, 6000)]
    assert newest_chunk(ranges, MINUTE, 10, 0) == TimeRange(5400, 6000)
    assert newest_chunk(ranges, MINUTE, 95, 0) == TimeRange(300, 6000)
    assert newest_chunk(ranges, MINUTE, 100, 0) == TimeRange(0, 6000)
    assert newest_chunk(ranges, MINUTE, 100, 610) == TimeRange(1200, 6000)
    assert newest_chunk(ranges[:1], MINUTE, 100, 0) == TimeRange(0, 600)
    assert newest_chunk(ranges[:1], MINUTE, 100, 130) == TimeRange(180, 600)
    assert newest_chunk(ranges, MINUTE, 100, 7000) is None
    assert newest_chunk([], MINUTE, 100, 0) is None


def test_the_last_day_is_wanted_in_minutes_and_all_that_is_missing_since_the_first() -> None:
    end = 1_795_576_740
    assert wanted_range(MINUTE, NOW, None, 7 * DAY) == TimeRange(end + 180 - DAY, end)
    assert wanted_range(MINUTE, NOW, MIDNIGHT - 3 * DAY, 7 * DAY) == TimeRange(MIDNIGHT - 3 * DAY, end)
    assert wanted_range(MINUTE, NOW, MIDNIGHT - 30 * DAY, 7 * DAY) == TimeRange(end + 240 - 7 * DAY, end)


def test_hours_and_days_are_wanted_as_far_as_they_are_kept() -> None:
    assert wanted_range(HOUR, NOW, None, 730 * DAY) == TimeRange(1_795_575_600 - 90 * DAY, 1_795_575_600)
    assert wanted_range(HOUR, NOW, None, 30 * DAY).start == 1_795_575_600 - 30 * DAY + HOUR
    assert wanted_range(DAY, NOW, None, 10**10, MIDNIGHT - 5 * DAY) == TimeRange(MIDNIGHT - 5 * DAY, MIDNIGHT)


def test_what_has_just_ended_is_given_time_to_be_written() -> None:
    assert wanted_range(HOUR, MIDNIGHT + 60, None, 730 * DAY).end == MIDNIGHT - HOUR
    assert wanted_range(HOUR, MIDNIGHT + 180, None, 730 * DAY).end == MIDNIGHT
