"""
What the board shows when live streams misbehave, alone and together with polls, as `docs/trust.md` prints it.

Real streams connect to real stand-ins; Binance's stream has one of its own, as it has a host of its own. Kraken answers
polls and stream at one address, so its faults touch both.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from pytest_django import Settings

from rates import feed, store
from rates.models import Coin
from rates.sources import binance_stream, kraken_stream, pacing
from rates.streams.latest import LatestRates
from rates.streams.reconnecting import ReconnectingStream
from rates.types import Rate
from tests.stand_ins.binance import Binance
from tests.stand_ins.kraken import Kraken
from tests.stand_ins.sockets import HANDSHAKES, SocketStandIn
from tests.world import INTERVAL, LONGER_THAN_ANY_PAUSE, Faults, World, age_rate, is_near, let_pass, marks, shown

DOCUMENT = Path(__file__).parents[2] / "docs" / "trust.md"
# Seconds of real time: the stand-ins send a round of events each, and a tick waits for some rounds.
ROUND = 0.015
ROUNDS = 3
LONGEST_LISTEN = 10
STREAM = "binance stream"
# Which stand-in a source streams from, and faults in which a round has no end.
STREAMING = {"binance": STREAM, "kraken": "kraken"}
ENDLESS = ("slow", "cut")
# Turns of the loop until what has arrived is read.
READ = 5
# Not a fault of the stand-in, but a pair that the vendor does not have any more.
UNKNOWN = "unknown"
# A silent stream vouches for its prices for five intervals here, and they serve for three more.
TICKS = 9
PAIRED = ["drop", "silent", "only_garbage", "418", "burst", "tenfold", "frozen"]


class AgingRates(LatestRates):
    """`LatestRates` whose memory moves into the past, as everything else does between two ticks."""

    def let_pass(self, seconds: float) -> None:
        by = timedelta(seconds=seconds)
        self.rates = {key: age_rate(rate, by) for key, rate in self.rates.items()}
        self._awaited_since = {key: at - by for key, at in self._awaited_since.items()}


class RunningStreams:
    """The streams of `stream_rates`, in a loop and a thread of their own."""

    def __init__(self, *sources: ModuleType) -> None:
        self.names = {source.NAME for source in sources}
        self._sources = sources
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, function: Callable[[], Any]) -> Any:
        """Return what *function* returns in the loop."""
        done: Future[Any] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(function()))
        return done.result(5)

    def open(self, coins: list[Coin]) -> None:
        """Start to stream *coins*, as a process does that has just become the leader."""
        self.run(lambda: self._open(coins))

    def _open(self, coins: list[Coin]) -> None:
        self.latest = AgingRates()
        self.streams = [ReconnectingStream(source, self.latest) for source in self._sources]
        for stream in self.streams:
            stream.set_pairs(stream.source.map_pairs(coins))
            self._tasks.append(asyncio.ensure_future(stream.keep_open(), loop=self._loop))

    def close(self) -> None:
        """End all connections."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._tasks.clear()

    def heard_since(self, began: datetime) -> set[str]:
        """Return the streams that have told of BTC since."""
        rates = self.run(lambda: list(self.latest.rates.values()))
        return {rate.source for rate in rates if rate.symbol == "BTC" and rate.received_at >= began}

    def drain(self) -> list[Rate]:
        """Return what the streams told since the last time; none of them may have ended."""
        assert not any(task.done() for task in self._tasks)
        return self.run(lambda: self.latest.drain())

    def compare(self) -> None:
        """Tell every stream what the polls said."""
        states = store.load_states()
        self.run(lambda: [stream.compare(states) for stream in self.streams])

    def end(self) -> None:
        """Leave nothing behind."""
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class StreamWorld(World):
    """
    A `World` whose service streams too.

    Attributes:
        boards: BTC in each publication of the last tick.
    """

    def __init__(self, stand_ins: dict[str, Any], running: RunningStreams) -> None:
        super().__init__(stand_ins)
        self.running = running
        self.boards: list[dict[str, Any]] = []

    def start(self) -> None:
        """Tick until all streams have brought prices."""
        began = datetime.now(UTC)
        self.running.open(list(Coin.objects.all()))
        self.wait_for_streams(began)
        self.tick(3)

    def wait_for_streams(self, began: datetime) -> None:
        """Wait until all have delivered since *began*."""
        deadline = time.monotonic() + 15
        while self.running.heard_since(began) < self.running.names:
            assert time.monotonic() < deadline
            # A snapshot after a renewal proves nothing, and a market that stands still has no events.
            self.move("1.00001")
            time.sleep(ROUND)

    def tick(self, times: int = 1) -> dict[str, Any]:
        """Return what BTC shows after some ticks, each an interval later."""
        for _ in range(times):
            let_pass(INTERVAL)
            self.running.run(lambda: self.running.latest.let_pass(INTERVAL))
            self.listen()
            feed.publish_streamed(self.running.drain(), list(Coin.objects.all()))
            self.running.compare()
            self.boards = [shown("BTC")]
            self.run_tick()
            self.boards.append(shown("BTC"))
        return self.boards[-1]

    def listen(self) -> None:
        """Hear some rounds of every stream that delivers, however long they take on a busy machine."""
        before = {name: self.stand_ins[STREAMING[name]].rounds for name in self.running.names}
        deadline = time.monotonic() + LONGEST_LISTEN
        time.sleep(ROUNDS * ROUND)
        while any(self._owes(stream.source.NAME, before) for stream in self.running.streams if stream.delivers):
            assert time.monotonic() < deadline
            time.sleep(ROUND / 3)
        for _ in range(READ):
            self.running.run(lambda: None)

    def _owes(self, name: str, before: Mapping[str, int]) -> bool:
        stand_in = self.stand_ins[STREAMING[name]]
        return stand_in.fault not in ENDLESS and stand_in.rounds < before[name] + ROUNDS

    def misbehave(self, faults: Faults, *symbols: str) -> None:
        """Give each its fault; a fault of the handshake finds the door open, so the connection is dropped first."""
        super().misbehave({name: fault for name, fault in faults.items() if fault != UNKNOWN}, *symbols)
        for name, fault in faults.items():
            self.stand_ins[name].unknown = frozenset(symbols) if fault == UNKNOWN else frozenset()
            if fault in HANDSHAKES and isinstance(self.stand_ins[name], SocketStandIn):
                self.stand_ins[name].drop()

    def recover(self) -> dict[str, Any]:
        """End faults and pauses; where a stream was paused, another process takes over. Return BTC two ticks later."""
        began = datetime.now(UTC)
        for stand_in in self.stand_ins.values():
            stand_in.fault, stand_in.unknown = "", frozenset()
        self.move("1.0001")
        healths = store.load_healths()
        paused = [name for name in healths if pacing.pause_left(pacing.read_health(healths, name), time.time())]
        let_pass(LONGER_THAN_ANY_PAUSE)
        if any(name.endswith(pacing.STREAM_SUFFIX) for name in paused):
            self.running.close()
            self.running.open(list(Coin.objects.all()))
        for _ in range(2):
            self.wait_for_streams(began)
            coin, began = self.tick(), datetime.now(UTC)
        return coin


@pytest.fixture
def streams(world: World, settings: Settings) -> Iterator[StreamWorld]:
    """All well so far: two streams, three polls, two coins."""
    settings.RATES_STREAM = ["binance", "kraken"]
    with Binance(interval=ROUND) as stream:
        settings.BINANCE_STREAM_URL = stream.url
        world.stand_ins["kraken"].interval = ROUND
        for stand_in in (stream, *world.stand_ins.values()):
            stand_in.prices["USDT"] = Decimal(1)
        streaming = StreamWorld({**world.stand_ins, STREAM: stream}, RunningStreams(binance_stream, kraken_stream))
        streaming.start()
        assert shown("BTC")["source"] == "binance"
        yield streaming
        streaming.running.end()


class Case(NamedTuple):
    """What BTC shows after a while of streams that misbehave: the true price, or a multiple of it."""

    faults: Faults
    owner: str
    marks: str = ""
    price: str = "1"


BOTH = (STREAM, "kraken")
CASES = {
    "nothing wrong": Case({}, "binance"),
    "Binance's stream drops every connection": Case({STREAM: "drop"}, "kraken"),
    "Binance's stream is silent but pings": Case({STREAM: "silent"}, "kraken"),
    "Binance's stream is half open": Case({STREAM: "half_open"}, "kraken"),
    "Binance's stream sends garbage between good events": Case({STREAM: "garbage"}, "binance"),
    "Binance's stream sends nothing but garbage": Case({STREAM: "only_garbage"}, "kraken"),
    "Binance's stream sends events out of order": Case({STREAM: "out_of_order"}, "binance"),
    "Binance's stream sends 1000 events a second": Case({STREAM: "burst"}, "binance"),
    "Binance's stream announces its end": Case({STREAM: "shutdown"}, "binance"),
    "Binance's stream does not know the pair any more": Case({STREAM: UNKNOWN}, "kraken"),
    "Binance's stream bans us (418)": Case({STREAM: "418"}, "kraken"),
    "Binance's stream limits us (429)": Case({STREAM: "429"}, "kraken"),
    "Binance's stream is blocked here (451)": Case({STREAM: "451"}, "kraken"),
    "Binance's stream is out of order (502)": Case({STREAM: "502"}, "kraken"),
    "Binance's stream ten times too high": Case({STREAM: "tenfold"}, "kraken"),
    "Binance's stream one event a thousand times too high": Case({STREAM: "spike"}, "binance"),
    "Binance's stream 5 % too low": Case({STREAM: "minus_5"}, "kraken"),
    "Binance's stream sends no numbers": Case({STREAM: "string"}, "kraken"),
    "Binance's stream's clock goes back": Case({STREAM: "clock_back"}, "kraken"),
    "Kraken's stream drops every connection": Case({"kraken": "drop"}, "binance"),
    "Kraken's stream ten times too high": Case({"kraken": "tenfold"}, "binance"),
    "both streams drop every connection": Case(dict.fromkeys(BOTH, "drop"), "coingecko"),
    "both streams silent but pinging": Case(dict.fromkeys(BOTH, "silent"), "coingecko"),
    "both streams blocked here (451)": Case(dict.fromkeys(BOTH, "451"), "coingecko"),
    "both streams silent, CoinGecko down": Case(dict.fromkeys(BOTH, "silent") | {"coingecko": "500"}, "binance"),
    "Binance's stream silent, CoinGecko ten times too high": Case({STREAM: "silent", "coingecko": "tenfold"}, "kraken"),
    "Binance's stream ten times too high, CoinGecko down": Case(
        {STREAM: "tenfold", "coingecko": "500"}, "kraken", "disputed"
    ),
    "both streams 5 % too low together": Case(dict.fromkeys(BOTH, "minus_5"), "binance", "disputed", "0.95"),
}


def write_row(name: str, case: Case) -> str:
    """Return the line of *case* in the table of `docs/trust.md`."""
    price = "a true price" if case.price == "1" else f"{case.price} times the true price"
    return f"| {name} | {price} | {case.owner} | {case.marks or '–'} |"


def check(streams: StreamWorld) -> None:
    """Every publication of the last tick has a price, fresh, and right or marked: somebody is well in all walks."""
    for coin in streams.boards:
        assert coin["price"] is not None
        assert not coin["stale"], coin
        assert is_near(coin, streams.price()) or coin["disputed"], coin


def walk(streams: StreamWorld, faults: Faults) -> dict[str, Any]:
    """Return what BTC shows after some ticks with *faults* while the market rises; check every publication."""
    streams.misbehave(faults, "BTC")
    for _ in range(TICKS):
        streams.move("1.001")
        coin = streams.tick()
        check(streams)
    return coin


def assert_recovers(streams: StreamWorld) -> None:
    coin = streams.recover()
    assert is_near(coin, streams.price())
    assert (coin["source"], marks(coin)) == ("binance", "")


def test_the_table_is_printed_in_the_documentation() -> None:
    text = DOCUMENT.read_text()
    assert [row for row in map(write_row, CASES, CASES.values()) if row not in text] == []


@pytest.mark.parametrize("name", CASES)
def test_board_shows_what_the_table_says(streams: StreamWorld, name: str) -> None:
    case = CASES[name]
    coin = walk(streams, case.faults)
    assert is_near(coin, streams.price() * Decimal(case.price))
    assert (coin["source"], marks(coin)) == (case.owner, case.marks)
    assert_recovers(streams)


@pytest.mark.parametrize("fault", sorted(Binance.FAULTS | {UNKNOWN}))
def test_one_stream_misbehaves(streams: StreamWorld, fault: str) -> None:
    walk(streams, {STREAM: fault})
    assert_recovers(streams)


@pytest.mark.parametrize("fault", sorted(Kraken.FAULTS | {UNKNOWN}))
def test_stream_and_poll_of_one_vendor_misbehave(streams: StreamWorld, fault: str) -> None:
    walk(streams, {"kraken": fault})
    assert_recovers(streams)


@pytest.mark.parametrize(
    ("first", "second"), list(product(PAIRED, ["drop", "silent", "429", "tenfold", "minus_5", "frozen"]))
)
def test_both_streams_misbehave(streams: StreamWorld, first: str, second: str) -> None:
    walk(streams, {STREAM: first, "kraken": second})
    assert_recovers(streams)


@pytest.mark.parametrize(("first", "second"), list(product(PAIRED, ["500", "tenfold", "minus_5", "frozen"])))
def test_a_stream_and_a_poll_misbehave(streams: StreamWorld, first: str, second: str) -> None:
    walk(streams, {STREAM: first, "coingecko": second})
    assert_recovers(streams)


@pytest.mark.parametrize("wrong", [STREAM, "kraken"])
def test_a_stream_that_stays_wrong_is_outvoted_without_a_break(streams: StreamWorld, wrong: str) -> None:
    streams.misbehave({wrong: "tenfold"})
    streams.tick(8)
    marked = set()
    for _ in range(70):
        streams.move("1.00001")
        streams.tick()
        marked |= {marks(board) for board in streams.boards}
    assert marked == {""}


def test_usdt_as_a_coin_of_its_own_has_one_owner_and_steady_figures(streams: StreamWorld) -> None:
    """CoinGecko and Kraken both measure what a USDT is worth, which says nothing about who owns the coin."""
    Coin.objects.create(
        symbol="USDT", name="Tether", coingecko_id="tether", kraken_symbol="USDT/USD", kraken_verified=True
    )
    streams.running.close()
    began = datetime.now(UTC)
    streams.running.open(list(Coin.objects.all()))
    streams.wait_for_streams(began)
    streams.tick(3)
    seen = set()
    for _ in range(12):
        streams.tick()
        coin = shown("USDT")
        seen.add((coin["source"], coin["change_24h_pct"], coin["volume_24h"], marks(coin)))
    (only,) = seen
    assert (only[0], only[3]) == ("kraken", "")
    assert [change for change in store.load_overview().owners if change.symbol == "USDT" and change.before] == []
