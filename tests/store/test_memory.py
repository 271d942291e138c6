"""What all publishers share is read again where another process has changed it, and only there."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rates import store
from rates.store import Change, Memory
from rates.store.codec import encode_state
from rates.store.keys import BOARD, VERSION
from rates.types import CoinState, Fragment

NOW = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)


def change(prices: dict[str, str], **more: object) -> Change:
    fragments = {s: Fragment(s, f'{{"symbol":"{s}","price":"{p}"}}', p) for s, p in prices.items()}
    states = {s: CoinState(coingecko_id=s, good=Decimal(p)) for s, p in prices.items()}
    return Change(NOW, fragments, states, **more)  # type: ignore[arg-type]


def see(prices: dict[str, str], **more: object) -> Memory:
    """Publish *prices*, and return what the publisher saw before."""
    seen: list[Memory] = []

    def decide(memory: Memory) -> Change:
        seen.append(memory)
        return change(prices, **more)

    store.update_board(decide)
    return seen[-1]


def times_read() -> int:
    """Return how often the server was asked for all states."""
    return store.client().info("commandstats").get("cmdstat_hgetall", {"calls": 0})["calls"]


def write_elsewhere(price: str) -> None:
    """Accept a *price* of BTC as another process would."""
    state = CoinState(coingecko_id="BTC", good=Decimal(price))
    store.client().mset({VERSION: "another"})
    store.client().hset(store.STATES, "BTC", encode_state(state))


@pytest.fixture
def published() -> None:
    see({"BTC": "1", "XLM": "2"})


def test_what_this_process_wrote_is_not_read_again(published: None) -> None:
    before = times_read()
    seen = see({"BTC": "3", "XLM": "2"})
    assert (seen.snapshot.seq, times_read()) == (1, before)
    assert {symbol: state.good for symbol, state in seen.states.items()} == {"BTC": 1, "XLM": 2}
    assert see({"BTC": "4"}).states["BTC"].good == 3
    assert see({"BTC": "4"}).states.keys() == {"BTC"}


def test_a_tick_begins_with_the_very_states_that_the_publication_before_has_left(published: None) -> None:
    assert store.load_tick(calls=False).states is store.load_tick(calls=False).states is see({"BTC": "3"}).states


def test_what_was_written_without_a_publication_is_known_too(published: None) -> None:
    see({"BTC": "1", "XLM": "2"}, only_if_changed=True)
    before = times_read()
    seen = see({"BTC": "3"})
    assert (seen.snapshot.seq, times_read()) == (1, before)


def test_what_another_process_wrote_is_read(published: None) -> None:
    write_elsewhere("5")
    assert see({"BTC": "3"}).states["BTC"].good == 5
    write_elsewhere("6")
    assert store.load_tick(calls=False).states["BTC"].good == 6


def test_a_publication_of_a_release_that_knows_no_versions_is_read(published: None) -> None:
    head = store.client().get(BOARD)
    store.client().mset({
        BOARD: head.replace('"seq": 1', '"seq": 2').replace('"XLM"', '"ETH"'),
        store.rate_key("ETH"): '{"symbol":"ETH","price":"7"}',
    })  # fmt: skip
    seen = see({"BTC": "3"})
    assert (seen.snapshot.seq, seen.snapshot.fragments["ETH"].price) == (2, "7")


def test_what_was_lost_is_not_taken_for_known(published: None) -> None:
    store.client().delete(BOARD)
    assert see({"BTC": "3"}).snapshot is None
    store.client().flushall()
    assert see({"BTC": "4"}).states == {}


def test_a_transaction_that_failed_is_not_taken_for_written(published: None) -> None:
    with pytest.raises(ZeroDivisionError):
        store.update_board(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    assert see({"BTC": "3"}).states["BTC"].good == 1
