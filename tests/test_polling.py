"""What ticks remember of the sources, and what they make of it."""

import json
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event, get_ident

import pytest
from pytest_django import Settings
from redis import Connection

from rates import feed, store
from rates.admin import coin_status
from rates.api import metrics, readiness
from rates.models import Coin
from rates.polling import LONGEST_ROUND
from rates.sources import pacing
from rates.sources.registry import POLL_SOURCES
from rates.store.keys import SOURCE_HEALTHS
from rates.types import USDT_PAIR, Rate, read_time
from tests.coins import pairs
from tests.stand_ins.coingecko import CoinGecko
from tests.world import ALL, LONGER_THAN_ANY_PAUSE, World, is_near, let_pass, shown

FIELDS = pacing.write_health(pacing.Health())
NO_NUMBERS = '{"failures": NaN, "asked_at": NaN, "answered_at": -Infinity, "paused_until": Infinity, "spacing": NaN}'


@pytest.mark.parametrize("fault", ["", "451", "429", "500"])
@pytest.mark.parametrize(
    "damaged",
    ["", "{", "null", "[]", "7", "{}", NO_NUMBERS]
    + [json.dumps(dict.fromkeys(FIELDS, value)) for value in (10**400, -(10**400), 1e300, "1", None, {}, True)],
)
def test_a_health_that_was_damaged_stops_nothing(world: World, damaged: str, fault: str) -> None:
    store.client().hset(SOURCE_HEALTHS, mapping=dict.fromkeys((*ALL, "kraken stream"), damaged))
    if damaged.endswith("}"):
        for name in ALL:
            text = json.dumps(json.loads(damaged) | {"setup": POLL_SOURCES[name].setup_fingerprint()})
            store.client().hset(SOURCE_HEALTHS, name, text)
    world.misbehave(dict.fromkeys(ALL, fault))
    assert readiness.find_pauses(store.load_healths()) == {}
    assert coin_status.describe_sources(store.load_overview())
    assert metrics.render()
    tick = feed.run_tick()
    assert tick.answers.keys() == set(ALL)
    assert (shown("BTC")["price"] is None) == bool(fault)


@dataclass
class Late(CoinGecko):
    """A CoinGecko whose good answers are on their way until they `arrive`."""

    asked: Event = field(default_factory=Event)
    arrive: Event = field(default_factory=Event)

    def price_body(self, ids: Iterable[str], codes: Iterable[str], included: Collection[str], fault: str) -> str:
        self.asked.set()
        self.arrive.wait(10)
        return super().price_body(ids, codes, included, fault)


@pytest.mark.django_db(transaction=True)
def test_a_good_answer_that_comes_late_does_not_end_the_pause_that_another_tick_met(
    world: World, settings: Settings
) -> None:
    settings.RATES_SOURCES, settings.RATES_REFRESH_INTERVAL = ["coingecko"], 60.0
    with Late() as vendor, ThreadPoolExecutor() as threads:
        settings.COINGECKO_API_URL = vendor.url
        late = threads.submit(feed.run_tick)
        assert vendor.asked.wait(10)
        vendor.fault = "429_retry_after"
        feed.run_tick()
        vendor.arrive.set()
        assert isinstance(late.result().answers["coingecko"], list)
        paused = pacing.read_health(store.load_healths(), "coingecko")
        assert 7 <= pacing.pause_left(paused, paused.asked_at) <= 7 + LONGEST_ROUND
        assert not feed.run_tick().answers
        assert vendor.calls == 2


def test_a_named_pause_counts_from_the_answer(world: World, settings: Settings) -> None:
    settings.RATES_SOURCES = ["coingecko", "binance"]
    world.misbehave({"coingecko": "429_retry_after", "binance": "hang"})
    feed.run_tick()
    health = pacing.read_health(store.load_healths(), "coingecko")
    assert pacing.pause_left(health, health.asked_at) > 7


def test_a_probe_asks_for_a_coin_that_the_source_has(world: World, settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance"]
    Coin.objects.create(symbol="ABC", name="First", coingecko_id="abc")
    world.misbehave({"binance": "451"})
    world.tick()
    let_pass(LONGER_THAN_ANY_PAUSE)
    world.tick()
    health = pacing.read_health(store.load_healths(), "binance")
    assert (health.failures, health.probing) == (2, True)


def test_a_source_is_not_asked_about_nothing(world: World, settings: Settings) -> None:
    """The answer would count as a good one, and end its pause."""
    settings.RATES_SOURCES = ["binance"]
    Coin.objects.exclude(symbol="XLM").delete()
    Coin.objects.update(binance_symbol="")
    assert not feed.run_tick().answers


def test_a_streams_price_that_is_refused_does_not_keep_its_poll_from_asking(world: World, settings: Settings) -> None:
    """A pair without a trade for more than five minutes: the stream confirms it, and it is too old to be believed."""
    settings.RATES_SOURCES, settings.RATES_STREAM = ["coingecko", "binance"], ["binance"]
    settings.RATES_STALE_AFTER = 15.0
    now, coins = datetime.now(UTC), list(Coin.objects.all())
    old = Rate("BTC", Decimal(63250), None, None, "binance", now - timedelta(minutes=6), now)
    feed.publish_streamed([old], coins)
    world.misbehave({"coingecko": "429_retry_after"})
    world.tick(2)
    assert (shown("BTC")["source"], shown("BTC")["stale"]) == ("binance", False)


def test_an_internal_error_in_one_source_costs_the_others_nothing(
    world: World, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.COINGECKO_API_KEY = "CG-\u200b"
    coin = world.tick()
    assert (coin["source"], is_near(coin, world.price())) == ("binance", True)
    assert "internal error while reading its answer: UnicodeEncodeError" in caplog.text


def stream(symbols: Iterable[str], world: World, source: str = "kraken") -> None:
    """Let the stream of *source* have an event of each of *symbols*."""
    now, prices = datetime.now(UTC), world.stand_ins["kraken"].prices
    coins = list(Coin.objects.all())
    feed.publish_streamed([Rate(s, prices[s], None, None, source, now, now) for s in symbols], coins)


@dataclass
class Minutes:
    """What ticks of five seconds did: calls to each source, and how often a coin was marked."""

    calls: dict[str, int]
    marked: int = 0


def run_minutes(world: World, minutes: int, *speaking: str) -> Minutes:
    """Run ticks with the usual settings while the stream has events of the coins *speaking* alone."""
    before = {name: stand_in.calls for name, stand_in in world.stand_ins.items()}
    done = Minutes({})
    for _ in range(minutes * 12):
        let_pass(5)
        stream(speaking, world)
        feed.run_tick()
        coins = [shown(coin.symbol) for coin in Coin.objects.all()]
        done.marked += sum(coin["stale"] or coin["disputed"] or coin["source"] != "kraken" for coin in coins)
    done.calls = {name: stand_in.calls - before[name] for name, stand_in in world.stand_ins.items()}
    return done


FOUR = ("BTC", "ETH", "SOL", "XLM")


@pytest.fixture
def streaming(world: World, settings: Settings) -> World:
    """A service with the usual settings that has just heard of four coins from Kraken's stream."""
    settings.RATES_STREAM, settings.RATES_STALE_AFTER, settings.RATES_REFRESH_INTERVAL = ["kraken"], 15.0, 5.0
    for symbol, coin_id in (("ETH", "ethereum"), ("SOL", "solana")):
        Coin.objects.create(symbol=symbol, name=symbol, coingecko_id=coin_id, **pairs(symbol))
    stream(FOUR, world)
    feed.run_tick()
    return world


def test_a_healthy_market_costs_one_call_a_minute_to_each_source(streaming: World) -> None:
    done = run_minutes(streaming, 4, *FOUR)
    assert done.marked == 0
    assert max(done.calls.values()) <= 4


def test_a_quiet_market_stays_fresh_at_a_bounded_number_of_calls(
    streaming: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody trades XLM and SOL; the exchange says so, and they keep their owner and their time."""
    observed = shown("XLM")["observed_at"]
    caplog.clear()
    done = run_minutes(streaming, 4, "BTC", "ETH")
    assert done.marked == 0
    assert done.calls["kraken"] <= 4 * 60 / 7.5
    assert max(done.calls["coingecko"], done.calls["binance"]) <= 4
    asked = [str(message) for _, message in streaming.stand_ins["kraken"].messages[-6:]]
    assert any("SOL/USD" in each and "XLM/USD" in each and "BTC/USD" not in each for each in asked)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []
    age = timedelta(seconds=4 * 60)
    assert abs(read_time(observed) - age - read_time(shown("XLM")["observed_at"])) < timedelta(seconds=1)


def test_a_silent_pair_whose_exchange_does_not_answer_is_asked_for_elsewhere_before_it_is_stale(
    streaming: World,
) -> None:
    streaming.misbehave({"kraken": "500"})
    for _ in range(6):
        let_pass(5)
        stream(("BTC",), streaming)
        feed.run_tick()
        assert not shown("XLM")["stale"]
    assert (shown("BTC")["source"], shown("XLM")["source"]) == ("kraken", "coingecko")


def test_what_a_usdt_is_worth_is_asked_for_when_its_pair_is_silent(streaming: World, settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance", "kraken"]
    stream((*FOUR,), streaming)
    for _ in range(4 * 12):
        let_pass(5)
        stream(FOUR, streaming)
        feed.run_tick()
        usdt = store.load_states()[USDT_PAIR]
        assert usdt.shown is not None
        assert datetime.now(UTC) - usdt.shown.received_at < timedelta(seconds=90)


def test_a_dead_coin_is_shown_with_its_age_and_marked(world: World, settings: Settings) -> None:
    settings.RATES_SOURCES = ["coingecko"]
    world.misbehave({"coingecko": "dead"}, "XLM")
    world.tick(3)
    coin = shown("XLM")
    assert (Decimal(coin["price"]), coin["stale"]) == (world.stand_ins["coingecko"].prices["XLM"], True)
    assert datetime.now(UTC) - read_time(coin["observed_at"]) > timedelta(days=60)
    assert (coin["change_24h_pct"], shown("BTC")["stale"]) == (None, False)


def test_a_tick_waits_for_redis_eight_times_at_most(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this thread for six; for the longest of those beside it, which the sources' threads make; for the message."""
    send, sent = Connection.send_packed_command, list[int]()

    def count(self: Connection, *args: object, **options: object) -> None:
        sent.append(get_ident())
        send(self, *args, **options)

    monkeypatch.setattr(Connection, "send_packed_command", count)
    waits = []
    for slot in range(4):
        let_pass(LONGER_THAN_ANY_PAUSE)
        sent.clear()
        store.claim_slot(slot, 60)
        assert feed.run_tick().answers.keys() == set(ALL)
        waits.append(sent.count(get_ident()))
    # One tick in each minute, and one in half a minute, has something to keep besides.
    assert min(waits) <= 6
