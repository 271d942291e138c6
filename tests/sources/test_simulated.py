"""Simulated prices: the same in every process, and never mistaken for real ones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from rates.models import Coin
from rates.sources import simulated

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_a_price_depends_on_symbol_and_time_alone() -> None:
    assert simulated.simulate("BTC", NOW) == simulated.simulate("BTC", NOW)
    assert simulated.simulate("BTC", NOW).price != simulated.simulate("ETH", NOW).price


def test_a_price_moves_within_a_minute_but_never_jumps() -> None:
    prices = [simulated.simulate("BTC", NOW + timedelta(seconds=n)).price for n in range(60)]
    assert len(set(prices)) > 30
    assert all(abs(after / before - 1) < 0.005 for before, after in pairwise(prices))


def test_every_coin_has_a_price_and_each_says_that_it_is_simulated() -> None:
    coins = [Coin(symbol=symbol) for symbol in ("BTC", "NOBODY-KNOWS-IT", "币安人生")]
    rates = simulated.fetch_rates(coins, 1)
    assert [rate.symbol for rate in rates[:3]] == [coin.symbol for coin in coins]
    assert {rate.symbol for rate in rates[3:]} >= {"USD/EUR", "USD/JPY"}
    assert all(rate.price > 0 and rate.source == "simulated" for rate in rates)


def test_well_known_coins_are_priced_as_people_know_them_and_a_dollar_stays_one() -> None:
    days = [NOW + timedelta(days=n) for n in range(0, 365, 5)]
    usdt = [float(simulated.simulate("USDT", day).price) for day in days]
    assert 0.995 < min(usdt) <= max(usdt) < 1.005
    assert all(300 < simulated.simulate("BNB", day).price < 900 for day in days)
