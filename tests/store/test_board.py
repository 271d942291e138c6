"""The shared memory: what one publisher stores, another one and every hub read."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from rates import store
from rates.exceptions import StoreUnavailable
from rates.store import Change, Memory
from rates.types import CoinState, Fragment, HistoryPoint

NOW = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture
def user(settings: Settings) -> Iterator[str]:
    """A user of the server that may do everything, with its own name as its password."""
    admin, address = store.client(), settings.REDIS_URL
    admin.execute_command("ACL", "SETUSER", "some", "reset", "on", ">some", "~*", "&*", "+@all")
    yield "some"
    settings.REDIS_URL = address
    store.client.cache_clear()
    admin.execute_command("ACL", "DELUSER", "some")


def change(prices: dict[str, str], points: Sequence[str] = (), **more: object) -> Change:
    fragments = {s: Fragment(s, f'{{"symbol":"{s}","price":"{p}"}}', p) for s, p in prices.items()}
    updates = {s: HistoryPoint(prices[s], "2026-11-24T12:00:00.000Z") for s in points}
    return Change(NOW, fragments, {s: CoinState(coingecko_id=s) for s in prices}, updates, **more)  # type: ignore[arg-type]


def save(prices: dict[str, str], points: Sequence[str] = (), **more: object) -> store.Saved:
    return store.update_board(lambda _: change(prices, points, **more))


def test_what_is_saved_is_loaded() -> None:
    saved = save({"BTC": "1.50", "XLM": "0.1"})
    assert store.load_snapshot() == saved.snapshot
    assert store.load_states().keys() == {"BTC", "XLM"}


def test_seq_grows_by_one_and_names_what_changed() -> None:
    first = save({"BTC": "1", "XLM": "2"})
    second = save({"BTC": "1", "ETH": "3"})
    assert (second.snapshot.epoch, second.snapshot.seq) == (first.snapshot.epoch, first.snapshot.seq + 1)
    assert (second.changed, second.removed) == ({"ETH"}, {"XLM"})


def test_a_removed_coin_takes_its_keys_along() -> None:
    save({"BTC": "1", "XLM": "2"}, points=["BTC", "XLM"])
    save({"BTC": "1"})
    keys = store.client().keys("*")
    assert not [key for key in keys if "XLM" in key]
    assert "XLM" not in store.load_states()


def test_only_states_that_changed_are_written() -> None:
    """What a newer release has added to the others stays there."""
    save({"BTC": "1", "XLM": "2", "ETH": "3"})
    text = store.client().hget(store.STATES, "XLM").replace("{", '{"mood":"new",', 1)
    store.client().hset(store.STATES, "XLM", text)
    changed = {"BTC": CoinState(coingecko_id="bitcoin"), "XLM": CoinState(coingecko_id="XLM")}
    store.update_board(lambda _: replace(change({"BTC": "1", "XLM": "2"}), states=changed))
    assert store.load_states() == changed
    assert store.client().hget(store.STATES, "XLM") == text


def save_update(price: str, time: str, as_of: datetime = NOW) -> None:
    made = replace(change({"BTC": price}), as_of=as_of, points={"BTC": HistoryPoint(price, f"2026-11-24T{time}.000Z")})
    store.update_board(lambda _: made)


def history() -> list[str]:
    loaded = store.load_histories(["BTC", "NONE"])
    assert loaded == {"BTC": store.load_overview(["BTC"]).histories["BTC"], "NONE": []}
    return [point.price for point in loaded["BTC"]]


def test_history_keeps_the_last_updates_oldest_first(settings) -> None:
    settings.RATES_HISTORY_LENGTH = 3
    for price in "12345":
        save_update(price, f"11:00:0{price}")
    assert history() == ["3", "4", "5"]


def test_history_is_in_order_of_time_when_the_next_owner_is_behind() -> None:
    for price, time in (("1", "11:59:50"), ("2", "11:59:00"), ("3", "11:59:40"), ("4", "11:59:50"), ("5", "11:59:51")):
        save_update(price, time)
    assert history() == ["4", "5"]


def test_history_goes_on_when_our_clock_was_set_back() -> None:
    save_update("1", "11:59:50")
    save_update("2", "10:59:50", NOW - timedelta(hours=1))
    assert history() == ["2", "1"]


def test_a_history_that_an_earlier_release_wrote_is_put_in_order() -> None:
    save({"BTC": "1"})
    texts = [f'{{"price":"{p}","observed_at":"2026-11-24T11:59:{p}0.000Z"}}' for p in ("5", "3", "4", "5")]
    store.client().rpush("rates:BTC:history", *texts)
    assert history() == ["3", "4", "5"]


def test_a_flushed_redis_begins_a_new_epoch() -> None:
    first = save({"BTC": "1"})
    store.client().flushall()
    second = save({"BTC": "1"})
    assert second.snapshot.epoch != first.snapshot.epoch
    assert second.snapshot.seq == 1


def test_neither_an_unchanged_coin_nor_the_board_expires() -> None:
    save({"BTC": "1", "XLM": "2"})
    save({"BTC": "2", "XLM": "2"})
    keys = {key: store.client().ttl(key) for key in store.client().keys("*")}
    names = ("rates:board", "rates:states", "rates:states:version", "rates:BTC", "rates:XLM")
    assert keys == dict.fromkeys(names, -1)


def test_a_coin_that_was_lost_is_written_again_in_the_same_epoch() -> None:
    """As is one that an earlier release has let expire."""
    first = save({"BTC": "1", "XLM": "2"})
    store.client().delete(store.rate_key("XLM"))
    assert store.load_snapshot() is None
    second = save({"BTC": "1", "XLM": "2"}, only_if_changed=True)
    assert (second.snapshot.epoch, second.snapshot.seq, second.changed) == (first.snapshot.epoch, 2, {"XLM"})
    assert store.load_snapshot() == second.snapshot


def test_a_board_without_changes_is_not_published_if_only_changes_are_to_be() -> None:
    first = save({"BTC": "1"})
    assert not save({"BTC": "1"}, only_if_changed=True).published
    assert save({"BTC": "2"}, only_if_changed=True).snapshot.seq == first.snapshot.seq + 1


def test_a_publisher_that_was_overtaken_decides_again() -> None:
    save({"BTC": "1"})
    seen: list[Memory] = []

    def decide(memory: Memory) -> Change:
        seen.append(memory)
        if len(seen) == 1:
            save({"BTC": "2"})
        return change({"BTC": "3"})

    saved = store.update_board(decide)
    assert [memory.snapshot.fragments["BTC"].price for memory in seen if memory.snapshot] == ["1", "2"]
    assert saved.snapshot.seq == 3


def test_a_change_of_the_states_alone_is_not_overwritten_by_a_publisher_that_did_not_see_it() -> None:
    save({"BTC": "1"})
    seen: list[Memory] = []

    def accept(memory: Memory) -> Change:
        accepted = CoinState(coingecko_id="BTC", good=Decimal(1))
        return replace(change({"BTC": "1"}, only_if_changed=True), states={"BTC": accepted})

    def decide(memory: Memory) -> Change:
        seen.append(memory)
        if len(seen) == 1:
            assert not store.update_board(accept).published
        return replace(change({"BTC": "2"}), states=memory.states)

    store.update_board(decide)
    assert [memory.states["BTC"].good for memory in seen] == [None, 1]
    assert store.load_states()["BTC"].good == 1


@pytest.mark.parametrize("stored", ["no list", ["no json"], ["5"], ['{"observed_at": 5}'], ["null"]])
def test_what_somebody_else_has_put_in_the_place_of_a_history_stops_nothing(stored: str | list[str]) -> None:
    if isinstance(stored, list):
        store.client().rpush("rates:BTC:history", *stored)
    else:
        store.client().set("rates:BTC:history", stored)
    saved = save({"BTC": "1", "ETH": "2"}, points=["BTC", "ETH"])
    assert store.load_snapshot() == saved.snapshot
    assert json.loads(store.client().lindex("rates:BTC:history", -1))["price"] == "1"
    assert len(store.load_histories(["ETH"])["ETH"]) == 1


@pytest.mark.parametrize("command", ["eval", "lindex", "lset", "rpush", "ltrim", "expire", "del", "publish"])
def test_without_a_permission_that_a_script_needs_nothing_is_done(command: str, user: str, settings: Settings) -> None:
    before = save({"BTC": "1"}, points=["BTC"]).snapshot
    admin = store.client()
    admin.execute_command("ACL", "SETUSER", user, f"-{command}")
    settings.REDIS_URL = re.sub("//.*@|//", f"//{user}:{user}@", settings.REDIS_URL)
    store.client.cache_clear()
    with pytest.raises(StoreUnavailable, match=f"Redis: {command.upper()}: .*'{command}' command"):
        save({"BTC": "2"}, points=["BTC"])
    assert store.load_snapshot() == before
    assert [json.loads(text)["price"] for text in admin.lrange("rates:BTC:history", 0, -1)] == ["1"]
    assert not admin.exists("rates:history:scratch")


def test_a_write_that_fails_for_what_is_stored_there_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    store.client().set("rates:counters", "no hash")
    saved = save({"BTC": "1"}, counts={"disputes": 1})
    assert store.load_snapshot() == saved.snapshot
    (line,) = caplog.messages
    assert line.startswith("a part of a transaction failed, all else is done:")
    assert "WRONGTYPE" in line
