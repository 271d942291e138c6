"""When a source may be asked again."""

from datetime import UTC, datetime, timedelta

import pytest

from rates.exceptions import SourceError, SourceLimited, SourceRefused, SourceUnreachable
from rates.sources import pacing
from rates.sources.pacing import Health

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


def test_only_the_first_of_several_limits_says_something_about_the_spacing() -> None:
    health = Health(answered_at=1.0)
    for _ in range(20):
        health = pacing.after_error(health, SourceLimited("coingecko", "429", 20), 1000.0, INTERVAL)
    assert health.spacing == 2 * INTERVAL
    health = pacing.after_answer(health, 1030.0, INTERVAL)
    health = pacing.after_error(health, SourceLimited("coingecko", "429", 20), 1040.0, INTERVAL)
    assert 2 * INTERVAL < health.spacing <= pacing.WIDEN * 2 * INTERVAL


def test_a_refused_source_is_probed_after_a_long_pause() -> None:
    health = pacing.after_error(Health(), SourceRefused("coingecko", "401"), 1000.0, INTERVAL)
    assert health.probing
    assert not pacing.may_ask(health, 1000.0 + 0.8 * pacing.REFUSED_PAUSE - 1, 0.0)
    assert not pacing.after_answer(health, 3000.0, INTERVAL).probing


def test_an_outage_is_believed_to_last_as_long_as_it_says_but_not_for_hours() -> None:
    def pauses(named: float, failures: int = 0) -> list[float]:
        error, health = SourceUnreachable("coingecko", "503", named), Health(failures=failures)
        poll = pacing.after_error(health, error, 1000.0, INTERVAL, took=2.0).paused_until - 1002.0
        return [poll, pacing.after_break(health, error, 1000.0, lasted=False).paused_until - 1000.0]

    poll, stream = pauses(119)
    assert poll == 119 <= stream <= 121
    assert max(pauses(1e9)) <= pacing.LONGEST_OUTAGE_PAUSE + 2
    assert min(pauses(0, failures=100)) > 20


def test_the_next_tick_is_the_retry_of_a_failure() -> None:
    health = pacing.after_error(Health(), SourceUnreachable("coingecko", "reset"), 1000.0, INTERVAL)
    assert pacing.may_ask(health, 1005.0, 0.0)


def test_a_source_that_stays_away_is_asked_less_and_never_seldom() -> None:
    health = Health()
    for _ in range(50):
        health = pacing.after_error(health, SourceUnreachable("coingecko", "reset"), 1000.0, INTERVAL)
    assert 0 < health.paused_until - 1000.0 <= pacing.LONGEST_FAILURE_PAUSE


@pytest.mark.parametrize("error", [SourceUnreachable, SourceRefused, SourceLimited])
def test_pauses_stay_what_they_are_however_often_a_source_fails(error: type[SourceError]) -> None:
    """Who is refused for good and probed once an hour has failed a thousand times after six weeks."""
    health = Health(failures=100_000)
    poll = pacing.after_error(health, error("binance", ""), 1000.0, INTERVAL)
    stream = pacing.after_break(health, error("binance", ""), 1000.0, lasted=False)
    assert all(0 < after.paused_until - 1000.0 <= pacing.LONGEST_REFUSED_PAUSE for after in (poll, stream))
    assert poll.failures == stream.failures == 100_001


def test_another_key_starts_afresh() -> None:
    refused = pacing.after_error(Health("old"), SourceRefused("coingecko", "401"), 1000.0, INTERVAL)
    stored = {"coingecko": pacing.write_health(refused)}
    assert pacing.read_health(stored, "coingecko", "new") == Health("new")
    assert pacing.read_health(stored, "coingecko", "old") == pacing.read_health(stored, "coingecko") == refused


@pytest.mark.parametrize(
    ("setup", "seconds", "left"),
    [("key", None, 60), ("key", 30, 60), ("key", 90, 90), ("new key", None, 0), ("new key", 30, 30)],
)
def test_of_two_pauses_that_were_learned_at_once_the_longer_one_stands(
    setup: str, seconds: float | None, left: float
) -> None:
    met = pacing.after_error(Health("key"), SourceLimited("coingecko", "429", 60), 1000.5, INTERVAL)
    mine = Health(setup)
    if seconds is None:
        mine = pacing.after_answer(mine, 1000.0, INTERVAL)
    else:
        mine = pacing.after_error(mine, SourceLimited("coingecko", "429", seconds), 1000.0, INTERVAL)
    merged = pacing.merge_health({"coingecko": mine}, {"coingecko": pacing.write_health(met)})
    health = pacing.read_health(merged, "coingecko", setup)
    assert pacing.pause_left(health, health.asked_at) == left


def test_pause_of_a_stream_grows_is_capped_and_is_long_where_it_will_not_heal() -> None:
    def pause(error: SourceError, failures: int) -> float:
        return pacing.after_break(Health(failures=failures - 1), error, 1000.0, lasted=False).paused_until - 1000.0

    broken = [pause(SourceUnreachable("x", ""), n) for n in (1, 5, 100)]
    assert broken[0] <= 1 < broken[1] <= 16 < broken[2] <= 60
    assert pause(SourceRefused("x", ""), 1) > 600
    assert pause(SourceLimited("x", "", 120), 1) >= 120
    assert pause(SourceLimited("x", "", 0), 1) < 4 < pause(SourceLimited("x", "", 0), 9)
    assert 20 < pause(SourceLimited("x", ""), 1) <= 30


def test_failures_of_a_stream_are_counted_from_one_again_only_after_a_connection_that_lasted() -> None:
    error = SourceUnreachable("binance", "reset")
    health = pacing.after_connecting(Health(failures=4), 1000.0)
    assert health.answers
    assert pacing.after_break(health, error, 1001.0, lasted=False).failures == 5
    assert pacing.after_break(health, error, 1100.0, lasted=True).failures == 1


@pytest.mark.parametrize(("limited", "other"), [("binance", "binance stream"), ("binance stream", "binance")])
def test_a_limit_holds_for_polls_and_stream_and_a_refusal_for_one_of_them(limited: str, other: str) -> None:
    def read(error: SourceError, name: str) -> Health:
        learned = pacing.after_error(Health("a"), error, 1000.0, INTERVAL)
        return pacing.read_health({limited: pacing.write_health(learned)}, name, "b")

    assert pacing.pause_left(read(SourceLimited("binance", "418", 60), other), 1001.0) == 59
    assert pacing.pause_left(read(SourceLimited("binance", "418", 60), "kraken"), 1001.0) == 0
    assert pacing.pause_left(read(SourceRefused("binance", "451"), other), 1001.0) == 0


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
        spacing = pacing.spread_credits(10_000, used, cost, now)
        if pacing.may_ask(health, now.timestamp(), 0.0, spacing):
            used += cost
            asked.append(now)
            health = pacing.after_answer(health, now.timestamp(), INTERVAL)
        now += timedelta(seconds=INTERVAL)
    assert 9_800 <= used <= 10_000
    assert asked[-1] > datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_without_credits_nobody_is_asked() -> None:
    assert not pacing.may_ask(Health(), 1e9, 0.0, pacing.spread_credits(10, 10, 1, datetime.now(UTC)))


def test_a_clock_that_was_set_back_does_not_silence_a_source() -> None:
    health = Health(asked_at=5000.0, answered_at=5000.0)
    assert pacing.may_ask(health, 1400.0, 60.0)
    failed = pacing.after_error(health, SourceUnreachable("coingecko", "reset"), 1400.0, INTERVAL)
    assert pacing.may_ask(failed, 1405.0, 60.0)
    limited = pacing.after_error(Health(), SourceLimited("coingecko", "429", 60), 5000.0, INTERVAL)
    assert not pacing.pause_left(limited, 1400.0)
    assert not pacing.may_ask(health, 1400.0, 0.0, float("inf"))


@pytest.mark.parametrize("ahead", [2.0, 30.0])
def test_a_host_whose_clock_is_ahead_is_believed(ahead: float) -> None:
    limited = pacing.after_error(Health(), SourceLimited("coingecko", "429", 60), 1000.0 + ahead, INTERVAL)
    assert pacing.pause_left(limited, 1000.0) == 60 + ahead
    assert not pacing.may_ask(limited, 1000.0, 0.0)
    answered = pacing.after_answer(Health(), 1000.0 + ahead, INTERVAL)
    assert not pacing.may_ask(answered, 1000.0, 7.5)
    assert pacing.may_ask(answered, 1000.0, 0.0)
