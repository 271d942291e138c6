"""When a source may be asked again."""

from datetime import UTC, datetime, timedelta

import pytest

from rates import pacing
from rates.exceptions import SourceLimited, SourceRefused, SourceUnreachable
from rates.pacing import Health

INTERVAL = 5.0


def test_a_named_pause_is_kept_to_the_second() -> None:
    health = pacing.after_error(Health(), SourceLimited("coingecko", "429", 119), 1000.0, INTERVAL)
    assert not pacing.may_ask(health, 1118.9, 0.0)
    assert pacing.may_ask(health, 1119.0, 0.0)


def test_unnamed_pauses_grow_to_a_cap() -> None:
    health, pauses = Health(), []
    for _ in range(12):
        health = pacing.after_error(health, SourceLimited("coingecko", "429"), 1000.0, INTERVAL)
        pauses.append(health.paused_until - 1000.0)
    assert pauses[0] < pauses[2] < pauses[4]
    assert max(pauses) <= pacing.LONGEST_LIMIT_PAUSE


def test_a_refused_source_is_probed_after_a_long_pause() -> None:
    health = pacing.after_error(Health(), SourceRefused("coingecko", "401"), 1000.0, INTERVAL)
    assert health.probing
    assert not pacing.may_ask(health, 1000.0 + pacing.REFUSED_PAUSE - 1, 0.0)
    assert not pacing.after_answer(health, 3000.0, INTERVAL).probing


def test_the_next_tick_is_the_retry_of_a_failure() -> None:
    health = pacing.after_error(Health(), SourceUnreachable("coingecko", "reset"), 1000.0, INTERVAL)
    assert pacing.may_ask(health, 1005.0, 0.0)


def test_a_source_that_stays_away_is_asked_less_and_never_seldom() -> None:
    health = Health()
    for _ in range(50):
        health = pacing.after_error(health, SourceUnreachable("coingecko", "reset"), 1000.0, INTERVAL)
    assert 0 < health.paused_until - 1000.0 <= pacing.LONGEST_FAILURE_PAUSE


def test_another_key_starts_afresh() -> None:
    refused = pacing.after_error(Health("old"), SourceRefused("coingecko", "401"), 1000.0, INTERVAL)
    assert pacing.read_health(pacing.write_health(refused), "new") == Health("new")
    assert pacing.read_health(pacing.write_health(refused), "old") == refused


def test_spacing_settles_near_what_the_source_allows() -> None:
    """A source that allows a request every 12 s meets few more once the spacing is learned."""
    health, now, last, limited = Health(), 0.0, -100.0, []
    while now < 3600:
        if pacing.may_ask(health, now, 0.0):
            if now - last < 12:
                limited.append(now)
                health = pacing.after_error(health, SourceLimited("coingecko", "429"), now, INTERVAL)
            else:
                health = pacing.after_answer(health, now, INTERVAL)
            last = now
        now += INTERVAL
    assert len([moment for moment in limited if moment > 1800]) <= 4


@pytest.mark.parametrize("cost", [1, 2])
def test_a_simulated_month_never_uses_more_than_its_credits_and_lasts_to_its_end(cost: int) -> None:
    now, used, health, asked = datetime(2026, 11, 1, tzinfo=UTC), 0, Health(), []
    while now.month == 11:
        spacing = pacing.credit_spacing(10_000, used, cost, now)
        if pacing.may_ask(health, now.timestamp(), 0.0, spacing):
            used += cost
            asked.append(now)
            health = pacing.after_answer(health, now.timestamp(), INTERVAL)
        now += timedelta(seconds=INTERVAL)
    assert 9_800 <= used <= 10_000
    assert asked[-1] > datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_without_credits_nobody_is_asked() -> None:
    assert not pacing.may_ask(Health(), 1e9, 0.0, pacing.credit_spacing(10, 10, 1, datetime.now(UTC)))


def test_a_clock_that_was_set_back_does_not_silence_a_source() -> None:
    assert pacing.may_ask(Health(asked_at=5000.0, answered_at=5000.0), 1400.0, 60.0)
