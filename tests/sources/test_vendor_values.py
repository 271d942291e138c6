"""Numbers as absurd as a vendor may send them: nothing between its answer and the page fails at one."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.presentation import read_rate, view_coin
from rates.admin.coin_status import draw_line
from rates.admin.inspection import Finding, compare
from rates.judgement.next_board import revise
from rates.models import Coin
from rates.sources import binance, coingecko, kraken
from rates.sources.vendor_values import (
    LONGEST_NUMBER,
    json_list_reader,
    read_iso_time,
    read_json,
    read_number,
    read_text,
)
from rates.store import Change, Memory
from rates.store.codec import decode_state, encode_state
from rates.types import USDT_PAIR, CoinState, HistoryPoint, Rate, Target, read_time
from tests.coins import pairs
from tests.world import World, is_near, marks, shown

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BTC = Coin(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
SOURCES = ("coingecko", "binance", "kraken")
TINY, HUGE, LONG = "0." + 20 * "0" + "3", "9" + 18 * "0", "67195." + 50 * "7"

# Texts of numbers that are accepted: some beyond what anyone means, in either direction, with up to 60 characters.
texts = st.builds(
    lambda digits, exponent: f"{digits[0]}.{digits[1:]}e{exponent}",
    st.text("0123456789", min_size=2, max_size=LONGEST_NUMBER - 6),
    st.integers(-30, 18),
).filter(lambda text: (read_text(text) or 0) > 0) | st.sampled_from([TINY, HUGE, LONG])
prices = texts.map(Decimal)
percents = st.none() | prices.map(lambda value: -value) | prices | st.just(Decimal("-99." + 50 * "9"))


@given(st.lists(texts, min_size=4, max_size=4))
@example(["67195.12", TINY, HUGE, HUGE])
def test_no_size_of_a_number_breaks_a_parser(values: Sequence[str]) -> None:
    last, opened, volume, average = values
    found = binance.build_rates(
        ["BTCUSDT", last, opened, volume, Decimal(1660100564909)], {"BTCUSDT": (Target("BTC"),)}, NOW
    )
    ticker = f'{{"symbol":"BTC/USD","last":{last},"volume":{volume},"vwap":{average},"change_pct":{opened}}}'
    message = kraken.read_message(f'{{"channel":"ticker","data":[{ticker}]}}')
    found += kraken.build_rates(kraken.read_tickers([message]), {"BTC/USD": (Target("BTC"),)}, NOW)
    body = read_json(f'{{"bitcoin":{{"usd":{last},"usd_24h_change":{opened},"usd_24h_vol":{volume}}}}}')
    found += coingecko.parse_prices(body, {"bitcoin": ("BTC",)}, "usd", NOW)
    assert [str(rate.price) for rate in found] == [str(Decimal(last))] * 3
    for rate in found:
        for number in (rate.change_24h_pct, rate.volume_24h):
            assert number is None or read_number(number) is not None


@pytest.mark.parametrize("bad", ["NaN", "-Infinity", "1" * 5000, "0." + "1" * 100, '"\\ud800"'])
def test_a_value_that_strict_json_does_not_have_costs_no_other_one(bad: str) -> None:
    read = read_json(f'{{"bad":{bad},"good":63250.1234567890123456789}}')
    assert (read_number(read["bad"]), str(read["good"])) == (None, "63250.1234567890123456789")


@pytest.mark.parametrize("bad", ["NaN", "-Infinity", "1" * 5000, "0." + "1" * 100, "7", "[]"])
def test_a_value_that_is_wrong_in_a_typed_message_costs_no_other_one(bad: str) -> None:
    read = kraken.read_message(f'{{"data":[{{"last":{bad}}},{{"last":63250.1234567890123456789}},{bad}]}}')
    items = [item for item in read.data if isinstance(item, kraken.Ticker)]
    assert [read_number(item.last) for item in items][1:] == [Decimal("63250.1234567890123456789")]


@pytest.mark.parametrize(
    ("texts", "prices"),
    [
        ([b'{"last":1.5}', b"7", b"\xff", b'{"last":2.5}'], ["1.5", "2.5"]),
        ([b'{"last":1.5}', b'{"last":NaN}'], ["1.5", "None"]),
        ([b'{"last":1.5', b'"volume":3}', b'{"last":2.5}'], ["2.5"]),
        ([], []),
    ],
)
def test_of_texts_that_are_read_at_once_each_stands_for_itself(texts: Sequence[bytes], prices: Sequence[str]) -> None:
    assert [str(ticker.last) for ticker in json_list_reader(kraken.Ticker)(texts)] == prices


@pytest.mark.parametrize("text", [b"", b"<html>", b"[1,]", b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"line|decode|nested"):
        read_json(text)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-11-24T12:00:00", "soon", "", None, 5]
)
def test_what_names_no_moment_is_no_time(text: object) -> None:
    assert read_iso_time(text, NOW) is None


def publish(answers: Mapping[str, Decimal], tether: Decimal | None, percent: Decimal | None) -> list[Change]:
    """Let every source repeat its answer until even a price that was held back shows; return each board."""
    states: dict[str, CoinState] = {}
    changes = []
    for seconds in range(4):
        now = NOW + timedelta(seconds=seconds)
        rates = [Rate("BTC", price, percent, price, source, now, now) for source, price in answers.items()]
        rates += [Rate(USDT_PAIR, tether, None, None, "kraken", now, now)] if tether else []
        changes.append(revise(Memory(None, states), [BTC], rates, now))
        states = {symbol: decode_state(encode_state(state)) for symbol, state in changes[-1].states.items()}
    return changes


@given(st.dictionaries(st.sampled_from(SOURCES), prices, min_size=1), st.none() | prices, percents)
@example({"coingecko": Decimal(TINY), "kraken": Decimal(HUGE)}, None, None)
@example({"binance": Decimal(LONG)}, Decimal("0.9993"), None)
@example({"binance": Decimal(HUGE), "kraken": Decimal(TINY)}, Decimal(HUGE), None)
def test_no_size_of_a_price_breaks_the_board_or_a_page(
    answers: Mapping[str, Decimal], tether: Decimal | None, percent: Decimal | None
) -> None:
    changes = publish(answers, tether, percent)
    history = [point for change in changes for point in change.points.values()]
    draw_line(history)
    for change in changes:
        fragment = change.fragments["BTC"]
        coin = json.loads(fragment.json)
        for name in ("price", "change_24h_pct", "volume_24h", "spread_pct"):
            assert "E" not in str(coin[name])
        for points in ([], history, [*history, HistoryPoint(TINY, coin["observed_at"])]):
            line = [(read_time(point.observed_at).timestamp(), Decimal(point.price)) for point in points]
            assert view_coin(read_rate(fragment.json), line, NOW).price


@given(st.lists(prices, min_size=2, max_size=3))
def test_no_distance_breaks_the_test_of_a_coin(found: Sequence[Decimal]) -> None:
    first, *others = compare([Finding("kraken", "BTC/USD", price, "") for price in found])
    assert first.distance_pct is None
    assert all(other.distance_pct is not None and other.distance_pct >= 0 for other in others)


def test_absurd_price_of_one_coin_costs_no_other_coin_its_news(world: World) -> None:
    world.tick(3)
    world.stand_ins["coingecko"].prices["BTC"] = Decimal(TINY)
    for stand_in in world.stand_ins.values():
        stand_in.prices["XLM"] = Decimal("0.1043")
    coin: Mapping[str, Any] = world.tick(2)
    assert is_near(coin, world.price())
    assert marks(coin) == ""
    assert shown("XLM")["price"] == "0.1043"
