"""Subscriptions that deliver nothing on a connection that is well; `test_lost_pairs.py` has when a pair is lost."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from types import ModuleType

import pytest
from pytest_django import Settings

from rates import store
from rates.sources import binance_stream, kraken_stream, pacing
from rates.streams.reconnecting import ReconnectingStream
from rates.types import CoinState, Rate, Reading
from tests.stand_ins.kraken import Kraken
from tests.stand_ins.sockets import SocketStandIn
from tests.streams.streaming import BTC, XLM, open_stream, prices, until


@pytest.fixture(params=["binance", "kraken"])
def exchange(request: pytest.FixtureRequest, settings: Settings) -> tuple[ModuleType, SocketStandIn]:
    # Half of it without an event, and a pair is silent.
    settings.RATES_STALE_AFTER = 1.0
    sources = {"binance": binance_stream, "kraken": kraken_stream}
    return sources[request.param], request.getfixturevalue(request.param)


def poll(stand_in: SocketStandIn, source: str) -> dict[str, CoinState]:
    """Return the states after a poll that told BTC's true price."""
    now = datetime.now(UTC)
    rate = Rate("BTC", stand_in.prices["BTC"], None, None, source, now, now)
    return {"BTC": CoinState(readings={source: Reading(rate)})}


async def lose(stream: ReconnectingStream, stand_in: SocketStandIn, fault: str, *symbols: str) -> Decimal:
    """Let the stream fall silent about *symbols* until polls show that they are lost; return BTC's price before."""
    await until(lambda: {"BTC", "XLM"} <= prices(stream).keys())
    before = prices(stream)["BTC"]
    stand_in.fault, stand_in.faulty = fault, frozenset(symbols)
    await move_until(lambda: bool(stream.lost.lost), stream, stand_in)
    return before


async def move_until(claim: Callable[[], bool], stream: ReconnectingStream, stand_in: SocketStandIn) -> None:
    """Move the prices, and compare the stream with polls, until *claim* is true."""
    said: list[dict[str, CoinState]] = []

    def is_true() -> bool:
        """Compare with a poll of a moment ago, because an event may follow the newest one."""
        stand_in.prices["XLM"] += Decimal("0.0001")
        stand_in.prices["BTC"] += 1
        said.append(poll(stand_in, stream.source.NAME))
        stream.compare(said[max(0, len(said) - 30)])
        return claim()

    await until(is_true)


def count_subscriptions(stand_in: SocketStandIn) -> int:
    """Return how often a client has subscribed to BTC beyond the address or the first message."""
    wanted = [message for _, message in stand_in.messages if message["method"].lower() == "subscribe"]
    return sum("btc" in str(message).lower() for message in wanted)


async def test_a_lost_pair_is_subscribed_to_again_and_its_next_event_counts(
    exchange: tuple[ModuleType, SocketStandIn],
) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC, XLM]) as stream:
        before = count_subscriptions(stand_in)
        await lose(stream, stand_in, "mute", "BTC")
        await until(lambda: count_subscriptions(stand_in) > max(before, 0 if source is binance_stream else 1))
        stand_in.fault = ""
        stand_in.prices["BTC"] = Decimal("64000.5")
        await until(lambda: prices(stream).get("BTC") == Decimal("64000.5"))
        stream.compare({})
        assert not stream.lost.lost
    assert stand_in.opened == 1


async def test_the_snapshot_after_a_renewal_proves_nothing(kraken: Kraken, settings: Settings) -> None:
    settings.RATES_STALE_AFTER = 1.0
    async with open_stream(kraken_stream, [BTC, XLM]) as stream:
        before = await lose(stream, kraken, "frozen_renewal", "BTC")
        told = stream.latest.rates["kraken", "BTC"].received_at
        await until(lambda: count_subscriptions(kraken) == 2)
        messages = len(kraken.messages)
        kraken.prices["XLM"] += 1
        await until(lambda: prices(stream)["XLM"] == kraken.prices["XLM"])
        assert (prices(stream)["BTC"], stream.latest.rates["kraken", "BTC"].received_at) == (before, told)
        assert messages == len(kraken.messages)


async def test_a_pair_that_stays_lost_costs_a_new_connection_beside_the_old_one(
    exchange: tuple[ModuleType, SocketStandIn],
) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC, XLM]) as stream:
        await lose(stream, stand_in, "mute", "BTC")
        opened = stand_in.opened
        await until(lambda: not stream.lost.lost)
        await move_until(lambda: bool(stream.lost.lost), stream, stand_in)
        await until(lambda: stand_in.opened > opened)
        assert "XLM" in prices(stream)
    assert pacing.read_health(store.load_healths(), f"{source.NAME} stream").failures <= 1


async def test_a_connection_that_has_lost_most_pairs_is_closed_although_it_has_heartbeats(
    kraken: Kraken, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.RATES_STALE_AFTER = 1.0
    async with open_stream(kraken_stream, [BTC, XLM]) as stream:
        before = await lose(stream, kraken, "mute")
        # The other pair may be lost a moment later.
        await move_until(lambda: kraken.opened == 2, stream, kraken)
        await until(lambda: prices(stream)["BTC"] > before)
    assert "the stream was silent while prices moved: BTC" in caplog.text


async def test_what_an_exchange_says_late_counts_as_silence(exchange: tuple[ModuleType, SocketStandIn]) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC, XLM]) as stream:
        before = await lose(stream, stand_in, "lagging", "BTC")
        assert prices(stream)["BTC"] == before


async def test_while_nothing_is_traded_a_stream_waits_and_says_why(
    kraken: Kraken, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_stream(kraken_stream, [BTC]) as stream:
        await until(lambda: "BTC" in prices(stream))
        kraken.fault = "maintenance"
        await until(lambda: "kraken: nothing is traded now (maintenance); next attempt in" in caplog.text)
        assert not stream.delivers
        kraken.fault = ""
        await until(lambda: stream.delivers)
