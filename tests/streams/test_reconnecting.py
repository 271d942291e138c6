"""Streams and exchanges that misbehave; timeouts here only end a test that has failed."""

import asyncio
import shutil
import ssl
import time
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from rates import store
from rates.api import readiness
from rates.exceptions import SourceLimited
from rates.models import Coin
from rates.sources import binance_stream, kraken_stream, pacing
from tests.coins import pairs
from tests.nginx import make_certificate
from tests.stand_ins.binance import Binance
from tests.stand_ins.kraken import Kraken
from tests.stand_ins.sockets import SocketStandIn
from tests.streams.streaming import BTC, XLM, open_stream, prices, until


def connect_case(request: pytest.FixtureRequest) -> tuple[ModuleType, SocketStandIn]:
    name = request.param
    return {"binance": binance_stream, "kraken": kraken_stream}[name], request.getfixturevalue(name)


@pytest.fixture(params=["binance", "kraken"])
def exchange(request: pytest.FixtureRequest) -> tuple[ModuleType, SocketStandIn]:
    return connect_case(request)


async def test_stream_delivers_and_follows_prices(exchange: tuple[ModuleType, SocketStandIn]) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC, XLM]) as stream:
        await until(lambda: {"BTC", "XLM"} <= prices(stream).keys())
        stand_in.prices["BTC"] = Decimal("64000.5")
        await until(lambda: prices(stream)["BTC"] == Decimal("64000.5"))


async def test_pairs_of_another_script_are_streamed_from_the_address_and_from_a_message(binance: Binance) -> None:
    binance.prices |= {"币安人生": Decimal("0.1521"), "Ğ": Decimal(7)}
    first, second = (Coin(symbol=name, coingecko_id=name, binance_symbol=f"{name}USDT") for name in ("币安人生", "Ğ"))
    async with open_stream(binance_stream, [first]) as stream:
        await until(lambda: prices(stream) == {"币安人生": Decimal("0.1521")})
        stream.set_pairs(binance_stream.map_pairs([first, second]))
        await until(lambda: prices(stream).keys() == {"币安人生", "Ğ"})


async def test_coin_list_is_followed_without_reconnecting(exchange: tuple[ModuleType, SocketStandIn]) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC]) as stream:
        await until(lambda: "BTC" in prices(stream))
        stream.set_pairs(source.map_pairs([XLM]))
        assert "BTC" not in prices(stream)
        await until(lambda: "XLM" in prices(stream))
        await until(lambda: "unsubscribe" in str(stand_in.messages).lower())
        assert "BTC" not in prices(stream)
    assert stand_in.opened == 1


async def test_more_pairs_than_an_address_holds_are_all_delivered(exchange: tuple[ModuleType, SocketStandIn]) -> None:
    source, stand_in = exchange
    names = [f"C{n}" for n in range(350)]
    stand_in.prices |= dict.fromkeys(names, Decimal(5))
    coins = [Coin(symbol=name, coingecko_id=name, **pairs(name)) for name in names]
    async with open_stream(source, coins) as stream:
        await until(lambda: set(names) <= prices(stream).keys(), 30)
    assert stand_in.opened == 1


async def test_drop_ends_in_a_reconnect(exchange: tuple[ModuleType, SocketStandIn]) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC]) as stream:
        await until(lambda: "BTC" in prices(stream))
        stand_in.drop()
        await until(lambda: stand_in.opened == 2 and "BTC" in prices(stream))


async def test_garbage_and_out_of_order_events_between_good_ones_do_no_harm(
    exchange: tuple[ModuleType, SocketStandIn],
) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC]) as stream:
        for fault in ("garbage", "out_of_order", "burst"):
            stand_in.fault = fault
            stand_in.prices["BTC"] += 1
            await until(lambda: prices(stream).get("BTC") == stand_in.prices["BTC"])
    assert stand_in.opened == 1


async def test_announced_shutdown_is_met_by_a_second_connection(binance: Binance) -> None:
    async with open_stream(binance_stream, [BTC]) as stream:
        await until(lambda: "BTC" in prices(stream))
        binance.fault = "shutdown"
        await until(lambda: binance.opened == 2)
        assert "BTC" in prices(stream)
        await until(lambda: len(binance.connections) == 1)
        assert "BTC" in prices(stream)


async def test_shutdowns_announced_one_after_the_other_cost_growing_pauses(binance: Binance) -> None:
    """Binance bans an address for 300 connections in five minutes."""
    async with open_stream(binance_stream, [BTC]) as stream:
        for _ in range(300):
            binance.fault = "shutdown"
            await asyncio.sleep(0.01)
        assert 1 < binance.opened < 6
        assert "BTC" in prices(stream)


@pytest.mark.parametrize("fault", ["silent", "half_open", "only_garbage"])
async def test_silent_connection_confirms_nothing_and_is_replaced(
    exchange: tuple[ModuleType, SocketStandIn], fault: str
) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC], silence=0.5) as stream:
        await until(lambda: "BTC" in prices(stream))
        stand_in.fault = fault
        await until(lambda: stand_in.opened > 1)
        assert "BTC" not in prices(stream)
        stand_in.fault = ""
        await until(lambda: "BTC" in prices(stream))


async def test_connection_is_renewed_before_the_vendor_ends_it(exchange: tuple[ModuleType, SocketStandIn]) -> None:
    source, stand_in = exchange
    async with open_stream(source, [BTC], silence=1, max_lifetime=0.3) as stream:
        await until(lambda: "BTC" in prices(stream))
        while stand_in.opened < 3:
            await asyncio.sleep(0.01)
            assert "BTC" in prices(stream)
        await until(lambda: len(stand_in.connections) <= 2)


@pytest.mark.parametrize("fault", ["500", "hang_handshake", "reset", "redirect_nowhere"])
async def test_failed_handshakes_are_retried_with_growing_pauses(
    exchange: tuple[ModuleType, SocketStandIn], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    source, stand_in = exchange
    stand_in.fault = fault
    async with open_stream(source, [BTC]) as stream:
        await until(lambda: stand_in.calls)
        if fault != "hang_handshake":
            await until(lambda: stand_in.calls >= 2)
            assert caplog.text.count("next attempt") == 1
            stand_in.fault = ""
            await until(lambda: "BTC" in prices(stream))


async def test_blocked_stream_waits_long(binance: Binance, caplog: pytest.LogCaptureFixture) -> None:
    binance.fault = "451"
    async with open_stream(binance_stream, [BTC]):
        await until(lambda: "blocked here" in caplog.text)
        await asyncio.sleep(0.2)
    assert binance.calls == 1


@pytest.mark.parametrize("fault", ["418", "429_retry_after", "429_retry_after_twice", "451", "403"])
async def test_a_pause_is_kept_by_the_next_leader(
    exchange: tuple[ModuleType, SocketStandIn], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    source, stand_in = exchange
    stand_in.fault = fault
    async with open_stream(source, [BTC]):
        await until(lambda: "next attempt" in caplog.text)
    caplog.clear()
    stand_in.fault = ""
    async with open_stream(source, [BTC]):
        await until(lambda: "next attempt" in caplog.text)
        await asyncio.sleep(0.2)
    assert stand_in.calls == 1
    assert f"{source.NAME} stream" in readiness.check_readiness()["paused"]


async def test_stream_that_delivers_says_so_and_connects_when_its_pause_is_over(
    exchange: tuple[ModuleType, SocketStandIn],
) -> None:
    source, _ = exchange
    name = pacing.stream_name(source.NAME)
    banned = pacing.after_break(
        pacing.Health(source.setup_fingerprint()), SourceLimited(source.NAME, "429", 0.5), time.time(), lasted=True
    )
    store.update_healths(lambda _: {name: pacing.write_health(banned)})
    assert not pacing.read_health(store.load_healths(), name).answers
    async with open_stream(source, [BTC]) as stream:
        await until(lambda: "BTC" in prices(stream))
        assert time.time() >= banned.paused_until
        await until(lambda: pacing.read_health(store.load_healths(), name).answers)


async def test_stream_of_a_vendor_that_limits_the_polls_waits(exchange: tuple[ModuleType, SocketStandIn]) -> None:
    source, stand_in = exchange
    limited = pacing.after_error(pacing.Health("x"), SourceLimited(source.NAME, "429", 60), time.time(), 5)
    store.update_healths(lambda _: {source.NAME: pacing.write_health(limited)})
    async with open_stream(source, [BTC]):
        await asyncio.sleep(0.3)
    assert stand_in.calls == 0


@pytest.mark.parametrize("value", ["null", "string", "negative", "zero", "nan", "infinite", "huge"])
async def test_wrong_value_of_one_coin_costs_only_that_coin(binance: Binance, kraken: Kraken, value: str) -> None:
    for source, stand_in in ((binance_stream, binance), (kraken_stream, kraken)):
        stand_in.fault, stand_in.faulty = value, frozenset({"BTC"})
        async with open_stream(source, [BTC, XLM]) as stream:
            await until(lambda: "XLM" in prices(stream))
            assert "BTC" not in prices(stream)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
async def test_certificate_that_cannot_be_verified_is_a_failure_like_others(
    tmp_path: Path, settings, caplog: pytest.LogCaptureFixture
) -> None:
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(chain := make_certificate(tmp_path), chain.parent / "privkey.pem")
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=trust) as server:
        settings.BINANCE_STREAM_URL = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_stream(binance_stream, [BTC]):
            await until(lambda: caplog.text.count("next attempt"))
    assert "certificate verify failed" in caplog.text
    assert "internal error" not in caplog.text
    assert pacing.read_health(store.load_healths(), "binance stream").failures == 1


async def test_internal_error_costs_a_stream_only_a_pause(binance: Binance, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError

    source: Any = SimpleNamespace(**vars(binance_stream) | {"read_event": fail})
    async with open_stream(source, [BTC]):
        await until(lambda: binance.opened == 2)
    assert "internal error: ArithmeticError; next attempt" in caplog.text
    assert "Traceback" in caplog.text
