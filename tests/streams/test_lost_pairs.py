"""Silent pairs: quiet ones, whose polls repeat the price, and lost ones, whose polls do not."""

from datetime import timedelta

from rates.streams.latest import LatestRates
from rates.streams.lost_pairs import LostPairs
from rates.types import CoinState, Reading
from tests.judgement.samples import RULES
from tests.streams.streaming import NOW, event, rate


def states(price: str, seconds: float, live: bool = False) -> dict[str, CoinState]:
    return {"BTC": CoinState(readings={"binance": Reading(rate(price, seconds), live)})}


def compare(pairs: LostPairs, known: dict[str, CoinState], seconds: float) -> tuple[bool, bool]:
    """Return whether BTC is silent, and whether it is lost, that many seconds after `NOW`."""
    pairs.compare(known, NOW + timedelta(seconds=seconds), RULES)
    return "BTC" in pairs.silent, "BTC" in pairs.lost


def listening(*prices: str) -> tuple[LatestRates, LostPairs]:
    latest = LatestRates()
    latest.await_events("binance", {"BTC"}, NOW)
    for price in prices:
        latest.put("binance", event(rate(price)))
    return latest, LostPairs("binance", latest)


def test_a_silent_pair_is_lost_when_a_poll_has_another_price_and_no_event_follows() -> None:
    _, pairs = listening("100")
    assert compare(pairs, {}, 5) == (False, False)
    assert compare(pairs, states("101", 8), 8.5) == (True, False)
    assert compare(pairs, states("101", 8), 10) == (True, True)


def test_a_pair_whose_price_a_poll_has_confirmed_is_only_quiet() -> None:
    _, pairs = listening("100")
    assert compare(pairs, states("100", 8, live=True), 20) == (True, False)
    assert compare(pairs, states("100", 8), 20) == (True, False)


def test_a_pair_that_never_had_an_event_is_lost_when_its_polls_move() -> None:
    _, pairs = listening()
    assert compare(pairs, states("100", 8), 10) == (True, False)
    assert compare(pairs, states("100", 18), 20) == (True, False)
    assert compare(pairs, states("101", 28), 30) == (True, True)


def test_a_renewed_pair_has_time_and_is_compared_with_polls_from_then_on() -> None:
    latest, pairs = listening("100")
    assert compare(pairs, states("101", 8), 10) == (True, True)
    latest.await_events("binance", {"BTC"}, NOW + timedelta(seconds=10))
    pairs.forgive({"BTC"})
    assert not pairs.lost
    assert compare(pairs, states("101", 8), 11) == (False, False)
    assert compare(pairs, states("101", 18), 20) == (True, False)
    assert compare(pairs, states("102", 28), 30) == (True, True)
    latest.put("binance", event(rate("102", 31)))
    assert compare(pairs, states("102", 28), 32) == (False, False)
