"""
What the board shows when an exchange's connections look well and are not, as `docs/trust.md` prints it.

The exchange streams and is polled; it is alone, or beside a CoinGecko that limits us or is right. The market rises all
the while. However the transport fails, no wrong price is unmarked once `RATES_STALE_AFTER` has passed, and `/readyz` or
`/metrics` tell that something is wrong.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pytest_django import Settings
from websockets.sync.client import ClientConnection, connect

from rates import store
from rates.api.metrics import render
from rates.api.readiness import find_pauses
from rates.sources import binance_stream, kraken_stream
from rates.streams import leader
from rates.telemetry import counts
from tests.judgement.test_trust_streams import ROUND, STREAM, RunningStreams, StreamWorld
from tests.servers import Server
from tests.stand_ins.binance import Binance
from tests.world import World, is_near, marks, shown

DOCUMENT = Path(__file__).parents[2] / "docs" / "trust.md"
# Ticks until a price of before the fault may not be unmarked any more, and until all that is to happen has happened.
STALE_AFTER = 4
TICKS = 12
# A market in which a frozen price is wrong after three ticks.
RISE = "1.004"
COMPANY = {"alone": "", "limited": "429", "right": ""}
TRUE, STALE = "a true price", "the last price, stale"


class Case(NamedTuple):
    """
    What BTC shows in the end.

    Attributes:
        faults: of the stand-ins.
        limited: what shows while CoinGecko limits us; without CoinGecko the same, unless `alone` says otherwise.
        symbols: whom the faults touch; empty for all.
    """

    faults: Mapping[str, str]
    limited: str
    symbols: tuple[str, ...] = ()
    alone: str = ""


def kraken(fault: str, limited: str, *symbols: str) -> Case:
    return Case({"kraken": fault}, limited, symbols, limited)


def binance(faults: Mapping[str, str], limited: str, *symbols: str) -> Case:
    """Return a case of Binance, whose prices are disputed while nobody else tells what a USDT is worth."""
    return Case(
        faults, limited, symbols, f"{limited}, disputed" if limited == TRUE else "the last price, disputed stale"
    )


CASES = {
    "Kraken drops every connection": kraken("drop", STALE),
    "Kraken is silent but pings": kraken("silent", STALE),
    "Kraken is half open": kraken("half_open", STALE),
    "Kraken sends nothing but garbage": kraken("only_garbage", STALE),
    "Kraken sends snapshots, then only heartbeats": kraken("mute", TRUE),
    "Kraken is silent about one pair": kraken("mute", TRUE, "BTC"),
    "Kraken acknowledges a subscription and sends nothing": kraken("deaf", STALE, "BTC"),
    "Kraken answers another subscription with the first snapshot": kraken("frozen_renewal", TRUE, "BTC"),
    "Kraken's stream is a minute late": kraken("lagging", TRUE),
    "Kraken is in maintenance": kraken("maintenance", STALE),
    "Kraken takes cancellations only": kraken("cancel_only", STALE),
    "Kraken takes orders, but matches none": kraken("post_only", STALE),
    "Binance's stream is silent about one pair": binance({STREAM: "mute"}, TRUE, "BTC"),
    "Binance's stream acknowledges a subscription and sends nothing": binance({STREAM: "deaf"}, TRUE, "BTC"),
    "Binance's stream is a minute late": binance({STREAM: "lagging"}, TRUE),
    "Binance halts a pair (`BREAK`)": binance({STREAM: "halted", "binance": "halted"}, STALE, "BTC"),
}


def write_row(name: str, case: Case) -> str:
    """Return the line of *case* in the table of `docs/trust.md`."""
    return f"| {name} | {case.alone} | {case.limited} | {TRUE} |"


@pytest.fixture
def alone(world: World, settings: Settings) -> Iterator[Callable[[str, str], StreamWorld]]:
    """Start a world in which one exchange streams and is polled, beside CoinGecko or not."""
    running: list[RunningStreams] = []

    def start(name: str, company: str) -> StreamWorld:
        settings.RATES_STREAM = [name]
        settings.RATES_SOURCES = [name] if company == "alone" else ["coingecko", name]
        running.append(RunningStreams({"binance": binance_stream, "kraken": kraken_stream}[name]))
        streams = StreamWorld({**world.stand_ins, STREAM: stream}, running[0])
        streams.start()
        return streams

    with Binance(interval=ROUND) as stream:
        settings.BINANCE_STREAM_URL = stream.url
        world.stand_ins["kraken"].interval = ROUND
        for stand_in in (stream, *world.stand_ins.values()):
            stand_in.prices["USDT"] = Decimal(1)
        yield start
        for each in running:
            each.end()


def describe(coin: Mapping[str, Any], price: Decimal) -> str:
    """Return what *coin* shows in the words of the table."""
    right = TRUE if is_near(coin, price) else "the last price"
    return ", ".join(filter(None, [right, marks(coin)]))


def tells(streams: StreamWorld) -> bool:
    """Return whether a pause, a stale price, or the metrics of the streams say that something is wrong."""
    leader._describe(streams.running.streams)
    stale = any(
        line.startswith("rates_price_stale{") and line.endswith(" 1.0") for line in render().decode().split("\n")
    )
    reported = [(name, value) for name, _, value in counts.samples("stream")]
    silent = any(name == "rates_stream_silent_pairs" and value for name, value in reported)
    return bool(find_pauses(store.load_healths())) or stale or silent or ("rates_stream_delivers", 0) in reported


def test_the_table_is_printed_in_the_documentation() -> None:
    text = DOCUMENT.read_text()
    assert [row for row in map(write_row, CASES, CASES.values()) if row not in text] == []


@pytest.mark.parametrize(("name", "company"), list(product(CASES, COMPANY)))
def test_no_wrong_price_is_unmarked(alone: Callable[[str, str], StreamWorld], name: str, company: str) -> None:
    case = CASES[name]
    streams = alone("kraken" if "kraken" in case.faults else "binance", company)
    before = marks(shown("BTC"))
    streams.misbehave({**case.faults, "coingecko": COMPANY[company]}, *case.symbols)
    streams.stand_ins["coingecko"].faulty = frozenset()
    told = False
    for tick in range(TICKS):
        streams.move(RISE)
        coin = streams.tick()
        told = told or tells(streams)
        for board in streams.boards if tick >= STALE_AFTER else []:
            assert is_near(board, streams.price()) or marks(board), board
    assert describe(coin, streams.price()) == {"alone": case.alone, "limited": case.limited, "right": TRUE}[company]
    assert told
    coin = streams.recover()
    assert (is_near(coin, streams.price()), marks(coin)) == (True, before)


class Reader:
    """A client of a real web process: what a socket of one dialect has told of BTC so far."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.typed = client.subprotocol is not None
        self.told: dict[str, Any] = {}

    def wait_for(self, wanted: Mapping[str, Any]) -> None:
        """Read until BTC is as *wanted*; the plain dialect has a number and no marks."""
        keys = ("price", "stale", "disputed") if self.typed else ("price",)
        while [self.told.get(key) for key in keys] != [wanted[key] for key in keys]:
            self._read(json.loads(self.client.recv(timeout=10), parse_float=str, parse_int=str))

    def _read(self, frame: dict[str, Any]) -> None:
        if self.typed:
            self.told = next((coin for coin in frame.get("rates", ()) if coin["symbol"] == "BTC"), self.told)
        else:
            self.told = {"price": frame.get("BTC")}


@pytest.mark.parametrize(("fault", "marked"), [("mute", ""), ("deaf", "stale")])
def test_sockets_of_both_dialects_tell_it(
    alone: Callable[[str, str], StreamWorld], tmp_path: Path, fault: str, marked: str
) -> None:
    streams = alone("kraken", "alone")
    with Server("prepared", tmp_path / "server.log") as server:
        address = f"ws://{server.address}/ws/rates"
        with connect(address, subprotocols=["rates.v1"]) as typed, connect(address) as plain:
            readers = [Reader(typed), Reader(plain)]
            streams.misbehave({"kraken": fault}, "BTC")
            for _ in range(TICKS):
                streams.move(RISE)
                coin = streams.tick()
                for reader in readers:
                    reader.wait_for(coin)
            assert marks(readers[0].told) == marked
            assert is_near(readers[1].told, streams.price()) == (not marked)
