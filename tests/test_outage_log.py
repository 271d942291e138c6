"""How often an outage is logged."""

import logging
import time

import pytest

from rates.exceptions import StoreUnavailable
from rates.outage_log import LOG_INTERVAL, MOST_REASONS, OutageLog, _told, current_faults, note_refusal, tell_refusals

logger = logging.getLogger("rates.test")
REFUSED = ConnectionError("refused\nsecond line")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "rates.test")
    return caplog


def test_an_outage_is_one_line_a_minute_and_its_end_another(lines: pytest.LogCaptureFixture) -> None:
    log = OutageLog(logger)
    for _ in range(3):
        log.failed("no prices: %s", REFUSED)
    log._logged_at -= LOG_INTERVAL
    _told["refused"] -= LOG_INTERVAL
    log.failed("no prices: %s", REFUSED)
    log.recovered("prices again")
    log.recovered("prices again")
    assert lines.messages == ["no prices: refused", "no prices: refused", "prices again"]


def test_one_that_begins_again_is_told_again(lines: pytest.LogCaptureFixture) -> None:
    log = OutageLog(logger)
    log.failed("no prices: %s", REFUSED)
    log.recovered("prices again")
    log.failed("no prices: %s", REFUSED)
    assert lines.messages == ["no prices: refused", "prices again", "no prices: refused"]


def test_what_one_part_of_a_process_has_told_the_others_do_not(lines: pytest.LogCaptureFixture) -> None:
    first, second = OutageLog(logger), OutageLog(logger)
    first.failed("no prices: %s", REFUSED)
    second.failed("no reports: %s", REFUSED)
    second.recovered("reports again")
    second.failed("no reports: %s", ConnectionError("another reason"))
    assert lines.messages == ["no prices: refused", "no reports: another reason"]


def test_reasons_are_not_kept_without_end() -> None:
    for number in range(3 * MOST_REASONS):
        OutageLog(logger).failed("no prices: %s", ConnectionError(str(number)))
    assert len(_told) <= MOST_REASONS


def test_another_refusal_is_told_at_once_and_the_same_one_by_whatever_command_is_not(
    lines: pytest.LogCaptureFixture,
) -> None:
    log = OutageLog(logger)
    for command, words in (("GET", "no such user"), ("SET", "no such user"), ("GET", "read only")):
        log.failed("no prices: %s", StoreUnavailable(f"Redis: {command}: {words}", words))
    assert lines.messages == ["no prices: Redis: GET: no such user", "no prices: Redis: GET: read only"]


def test_what_one_part_of_a_process_recovers_from_is_not_told_again_by_another(lines: pytest.LogCaptureFixture) -> None:
    first, second = OutageLog(logger), OutageLog(logger)
    first.failed("no prices: %s", REFUSED)
    second.failed("no reports: %s", ConnectionError("another reason"))
    second.recovered("reports again")
    first.failed("no prices: %s", REFUSED)
    assert lines.messages == ["no prices: refused", "no reports: another reason", "reports again"]


def test_a_refusal_that_nobody_tells_is_told_in_the_end(lines: pytest.LogCaptureFixture) -> None:
    told, untold = StoreUnavailable("Redis: GET: told", "told"), StoreUnavailable("Redis: LRANGE: untold", "untold")
    note_refusal(told)
    note_refusal(untold)
    OutageLog(logger).failed("no prices: %s", told)
    for _ in range(2):
        tell_refusals(logger)
        note_refusal(untold)
    assert lines.messages == ["no prices: Redis: GET: told", "not everything works: Redis: LRANGE: untold"]


def test_a_fault_is_current_until_it_is_over_or_not_met_again_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = OutageLog(logger), OutageLog(logger)
    first.failed("no prices: %s", REFUSED)
    second.failed("no reports: %s", ConnectionError("gone"))
    assert current_faults() == ["no prices: refused", "no reports: gone"]
    second.recovered("reports again")
    assert current_faults() == ["no prices: refused"]
    later = time.monotonic() + LOG_INTERVAL + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert current_faults() == []
