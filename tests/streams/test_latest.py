"""The newest rates of the streams: what has changed, and what is still current."""

from rates.sources.protocols import StreamEvent
from rates.streams.latest import LatestRates
from tests.streams.streaming import NOW, event, rate


def test_a_change_is_drained_once_and_confirmed_while_the_connection_lives() -> None:
    latest = LatestRates()
    latest.put("binance", event(rate("5")), 100)
    assert [r.price for r in latest.drain_changes()] == [5]
    assert latest.drain_changes() == []
    latest.put("binance", StreamEvent(), 103)
    confirmed = latest.drain_all(104)
    assert [r.observed_at for r in confirmed] == [NOW]
    assert confirmed[0].received_at > NOW
    assert latest.drain_all(110) == []


def test_the_newest_rate_is_kept_and_what_an_event_contradicts_is_not_confirmed() -> None:
    latest = LatestRates()
    latest.put("binance", event(rate("5", 10)), 100)
    latest.drain_changes()
    latest.put("binance", event(rate("4", 2)), 101)
    assert latest.drain_all(101) == []
    latest.put("binance", event(rate("5", 11)), 102)
    assert [r.price for r in latest.drain_all(102)] == [5]
    latest.put("binance", event(), 103)
    assert latest.drain_all(103) == []


def test_a_rate_that_could_not_be_published_is_requeued_unless_there_is_a_newer_one() -> None:
    latest = LatestRates()
    latest.put("binance", event(rate("5")), 100)
    taken = latest.drain_changes()
    latest.put("binance", event(rate("6", 1)), 101)
    latest.requeue(taken)
    assert [r.price for r in latest.drain_changes()] == [6]
