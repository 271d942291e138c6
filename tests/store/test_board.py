"""The shared memory: what one publisher stores, another one and every hub read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates import store
from rates.judgement.next_board import revise
from rates.models import Coin
from rates.store import Change, Memory
from rates.store.codec import decode_state, encode_state
from rates.types import CoinState, Fragment, Held, HistoryPoint, Rate, Reading

NOW = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)


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


def test_history_keeps_the_last_updates_oldest_first(settings) -> None:
    settings.RATES_HISTORY_LENGTH = 3
    for price in "12345":
        save({"BTC": price}, points=["BTC"])
    assert [point.price for point in store.load_histories(["BTC", "NONE"])["BTC"]] == ["3", "4", "5"]


def test_a_flushed_redis_begins_a_new_epoch() -> None:
    first = save({"BTC": "1"})
    store.client().flushall()
    second = save({"BTC": "1"})
    assert second.snapshot.epoch != first.snapshot.epoch
    assert second.snapshot.seq == 1


def test_a_coin_that_stands_still_does_not_expire_nor_does_the_board() -> None:
    save({"BTC": "1", "XLM": "2"})
    save({"BTC": "2", "XLM": "2"})
    keys = {key: store.client().ttl(key) for key in store.client().keys("*")}
    assert keys == dict.fromkeys(["rates:board", "rates:states", "rates:BTC", "rates:XLM"], -1)


def test_a_coin_that_is_lost_is_written_anew_in_the_same_epoch() -> None:
    """So is one that a release before has let expire."""
    first = save({"BTC": "1", "XLM": "2"})
    store.client().delete(store.rate_key("XLM"))
    assert store.load_snapshot() is None
    second = save({"BTC": "1", "XLM": "2"}, only_if_changed=True)
    assert (second.snapshot.epoch, second.snapshot.seq, second.changed) == (first.snapshot.epoch, 2, {"XLM"})
    assert store.load_snapshot() == second.snapshot


def test_a_quiet_change_without_effect_is_not_a_publication() -> None:
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


def test_a_quiet_change_is_not_overwritten_by_a_publisher_that_did_not_see_it() -> None:
    save({"BTC": "1"})
    seen: list[Memory] = []

    def vouch(memory: Memory) -> Change:
        vouched = CoinState(coingecko_id="BTC", good=Decimal(1))
        return replace(change({"BTC": "1"}, only_if_changed=True), states={"BTC": vouched})

    def decide(memory: Memory) -> Change:
        seen.append(memory)
        if len(seen) == 1:
            assert not store.update_board(vouch).published
        return replace(change({"BTC": "2"}), states=memory.states)

    store.update_board(decide)
    assert [memory.states["BTC"].good for memory in seen] == [None, 1]
    assert store.load_states()["BTC"].good == 1


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


decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("1e-28"), max_value=Decimal("1e15"))
moments = st.timedeltas(timedelta(0), timedelta(days=9999)).map(NOW.__add__)
rates = st.builds(
    Rate, st.just("BTC"), decimals, st.none() | decimals, st.none() | decimals, st.just("kraken"), moments, moments
)
states = st.builds(
    CoinState,
    coingecko_id=st.text(max_size=5),
    binance_symbol=st.text(max_size=5),
    readings=st.builds(
        lambda r: {"kraken": r}, st.builds(Reading, rates, st.booleans(), anchors=st.dictionaries(st.text(), decimals))
    ),
    shown=st.none() | rates,
    good=st.none() | decimals,
    disputed=st.booleans(),
    held=st.none() | st.builds(Held, st.just("kraken"), decimals, moments),
)


@given(states)
def test_a_state_survives_being_written_down(state: CoinState) -> None:
    assert decode_state(encode_state(state)) == state


def test_a_price_that_stands_still_does_so_for_the_next_publisher_too(settings) -> None:
    settings.RATES_STREAM, settings.RATES_SOURCES = [], ["kraken"]
    stamp, states = NOW.replace(microsecond=123456), {}
    coin = Coin(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", binance_symbol="BTCUSDT")
    changes = []
    for seconds, price in enumerate(("100", "100", "1000", "1000", "1000", "1000")):
        rate = Rate("BTC", Decimal(price), None, None, "kraken", stamp, NOW + timedelta(seconds=seconds))
        changes.append(revise(Memory(None, states), [coin], [rate], rate.received_at))
        states = {symbol: decode_state(encode_state(state)) for symbol, state in changes[-1].states.items()}
    assert [len(made.points) for made in changes] == [1, 0, 0, 0, 0, 0]
    assert states["BTC"].held == Held("kraken", Decimal(1000), stamp)


@pytest.mark.parametrize("text", ['{"v":0}', '{"v":99,"shown":"garbage"}'])
def test_a_state_of_another_release_is_forgotten_not_misread(text: str) -> None:
    assert decode_state(text) == CoinState()
