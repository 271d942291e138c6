"""When a client that reads too slowly is closed; `tests/faults/test_never_read.py` has real ones."""

import pytest

from rates.fanout.slow_clients import STUCK_AFTER, SlowClientTimer


class RecordingLink:
    """A link that notes the codes it was closed with."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    def close(self, code: int) -> None:
        self.codes.append(code)


@pytest.fixture
def link() -> RecordingLink:
    return RecordingLink()


def test_a_client_that_takes_nothing_is_closed_and_told_to_try_again_later(link: RecordingLink) -> None:
    timer = SlowClientTimer()
    assert not timer.close_if_stuck(link, 100, 0.0)
    assert not timer.close_if_stuck(link, 100, STUCK_AFTER - 0.1)
    assert timer.close_if_stuck(link, 100, STUCK_AFTER)
    assert link.codes == [1013]


def test_a_client_that_takes_a_little_at_a_time_stays(link: RecordingLink) -> None:
    timer = SlowClientTimer()
    for second in range(100):
        assert not timer.close_if_stuck(link, 1000 - second // 10, float(second))
    assert link.codes == []


def test_a_client_that_had_read_everything_has_the_full_time_again(link: RecordingLink) -> None:
    timer = SlowClientTimer()
    timer.close_if_stuck(link, 100, 0.0)
    timer.close_if_stuck(link, 0, STUCK_AFTER)
    assert not timer.close_if_stuck(link, 100, STUCK_AFTER + 1)
    assert timer.close_if_stuck(link, 100, 2 * STUCK_AFTER + 1)


def test_a_client_that_is_sent_one_frame_after_the_other_stays(link: RecordingLink) -> None:
    timer = SlowClientTimer()
    for second in range(100):
        timer.restart()
        assert not timer.close_if_stuck(link, 1, float(second))
