"""What processes share beside the board: health of the sources, slots, calls, leadership, login attempts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from rates import store

NOW = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)


def test_a_process_that_was_overtaken_decides_again_about_healths() -> None:
    store.update_healths(lambda _: {"kraken": {"failures": 1}})
    seen = []

    def decide(stored: Mapping[str, Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
        seen.append(stored["kraken"]["failures"])
        if len(seen) == 1:
            store.update_healths(lambda _: {"kraken": {"failures": 2}})
        return {"binance": {"failures": 3}}

    assert store.update_healths(decide) == {"kraken": {"failures": 2}, "binance": {"failures": 3}}
    assert store.load_healths() == {"kraken": {"failures": 2}, "binance": {"failures": 3}}
    assert seen == [1, 2]


def test_one_worker_has_a_slot() -> None:
    assert [store.claim_slot(7, 5), store.claim_slot(7, 5), store.claim_slot(8, 5)] == [True, False, True]


def test_calls_are_kept_for_this_month_and_the_one_before() -> None:
    for day in range(70):
        store.count_calls({"coingecko": 2, "kraken": 1, "simulated": 0}, NOW - timedelta(days=69 - day))
    store.count_calls({"coingecko": 2}, NOW)
    calls = store.load_calls()
    assert (calls["coingecko:2026-11"], calls["coingecko:2026-11-24"]) == (50, 4)
    assert {name.rpartition(":")[2][:7] for name in calls} == {"2026-10", "2026-11"}
    assert {"kraken:2026-10", "kraken:2026-10-01", "kraken:2026-11-24"} <= calls.keys()


def test_there_is_one_leader() -> None:
    assert store.acquire_leadership("one", 10)
    assert store.acquire_leadership("one", 10)
    assert not store.acquire_leadership("two", 10)
    store.release_leadership("two")
    assert not store.acquire_leadership("two", 10)
    store.release_leadership("one")
    assert store.acquire_leadership("two", 10)


def test_login_attempts_are_counted_by_name_until_one_is_right() -> None:
    assert [count for count, _ in store.count_attempts(["address", "name"], 60)] == [1, 1]
    (first, expires), _ = store.count_attempts(["address", "other"], 60)
    assert (first, 0 < expires <= 60) == (2, True)
    assert not store.is_known("address name")
    store.forgive_attempts(["address"], "address name", 60)
    assert store.is_known("address name")
    assert [count for count, _ in store.count_attempts(["address", "name"], 60)] == [1, 2]


def test_calls_and_pauses_that_redis_has_lost_are_told(caplog: pytest.LogCaptureFixture) -> None:
    now = datetime(2031, 5, 4, tzinfo=UTC)
    store.count_calls({"coingecko": 3}, now)
    store.update_healths(lambda _: {"coingecko": {"failures": 1}})
    assert caplog.messages == []
    store.client().flushall()
    store.count_calls({"coingecko": 1}, now)
    store.update_healths(lambda _: {"coingecko": {"failures": 1}})
    assert caplog.messages == [
        "Redis has lost calls that were counted for coingecko:2031-05: 0 of 3 are left",
        "Redis has lost the health of coingecko: pauses begin again",
    ]
