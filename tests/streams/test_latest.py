"""The newest rates of the streams: what has changed, what was heard, and what is silent."""

from datetime import timedelta

from rates.sources.protocols import StreamEvent
from rates.streams.latest import LatestRates, Silence
from tests.streams.streaming import NOW, event, rate

LIMIT = timedelta(seconds=7)


def test_an_event_is_drained_once_whether_it_changed_the_price_or_not() -> None:
    latest = LatestRates()
    latest.put("binance", event(rate("5")))
    assert latest.changed.is_set()
    assert [r.price for r in latest.drain()] == [5]
    assert latest.drain() == []
    latest.put("binance", event(rate("5", 3)))
    assert not latest.changed.is_set()
    assert [(r.price, r.received_at) for r in latest.drain()] == [(5, NOW + timedelta(seconds=3))]


def test_what_proves_a_connection_proves_no_price() -> None:
    latest = LatestRates()
    latest.put("binance", event(rate("5", 10)))
    latest.drain()
    for nothing in (StreamEvent(), event(), event(rate("4", 2)), event(rate("7", 11, "XLM"), about="XLM")):
        latest.put("binance", nothing)
        assert "BTC" not in {r.symbol for r in latest.drain()}
    latest.put("binance", event(rate("5", 12)))
    assert [r.price for r in latest.drain()] == [5]


def test_a_rate_that_could_not_be_published_is_requeued_unless_there_is_a_newer_one() -> None:
    latest = LatestRates()
    latest.put("binance", event(rate("5")))
    taken = latest.drain()
    latest.put("binance", event(rate("6", 1)))
    latest.requeue(taken)
    assert [r.price for r in latest.drain()] == [6]


def test_a_coin_is_silent_from_its_last_event_or_from_its_subscription() -> None:
    latest = LatestRates()
    latest.await_events("binance", {"BTC", "XLM"}, NOW)
    latest.put("binance", event(rate("5", 2)))
    assert latest.find_silent("binance", NOW + timedelta(seconds=8), LIMIT) == {"XLM": Silence(NOW, None)}
    heard = NOW + timedelta(seconds=2)
    later = latest.find_silent("binance", NOW + timedelta(seconds=10), LIMIT)
    assert later == {"XLM": Silence(NOW, None), "BTC": Silence(heard, rate("5").price)}
    renewed = NOW + timedelta(seconds=10)
    latest.await_events("binance", {"BTC"}, renewed)
    assert "BTC" not in latest.find_silent("binance", renewed, LIMIT)
    assert latest.find_silent("binance", NOW + timedelta(seconds=20), LIMIT)["BTC"] == Silence(renewed, None)
    latest.forget("binance")
    assert latest.find_silent("binance", NOW + timedelta(seconds=20), LIMIT) == {}
