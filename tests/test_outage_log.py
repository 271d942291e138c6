"""How often an outage is logged."""

import logging

import pytest

from rates.outage_log import LOG_INTERVAL, MOST_REASONS, OutageLog

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
    OutageLog._told["refused"] -= LOG_INTERVAL
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
    assert len(OutageLog._told) <= MOST_REASONS
