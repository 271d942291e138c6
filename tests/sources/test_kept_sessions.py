"""Sessions that stay open from one question to the next, and what may have become of them in between."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from websockets.sync.server import ServerConnection

from rates.models import Coin
from rates.outbound.websocket import ExchangeSession
from rates.sources import binance as binance_source
from rates.sources import kraken as kraken_source
from rates.sources import websocket
from rates.sources.websocket import converse
from tests.coins import pairs
from tests.sources.test_websocket import Behaviour, read_object, vendor
from tests.stand_ins.binance import Binance
from tests.stand_ins.kraken import Kraken

COINS = [Coin(symbol=symbol, **pairs(symbol)) for symbol in ("BTC", "XLM")]


@contextmanager
def counting(behave: Behaviour) -> Iterator[tuple[str, list[ServerConnection]]]:
    """Serve connections with *behave*; the value is the address, and the connections so far."""
    connections: list[ServerConnection] = []

    def begin(connection: ServerConnection) -> None:
        connections.append(connection)
        behave(connection)

    with vendor(begin) as address:
        yield address, connections


def ask(address: str, timeout: float = 3.0) -> dict[str, object]:
    """Put one question."""

    def talk(session: ExchangeSession) -> dict[str, object]:
        session.send("price?")
        return session.read(read_object)

    return converse("vendor", address, timeout, talk)


def answer_all(connection: ServerConnection) -> None:
    for _ in connection:
        connection.send("{}")


def test_who_is_asked_often_is_asked_through_one_connection() -> None:
    with counting(answer_all) as (address, connections):
        for _ in range(5):
            ask(address)
        assert len(connections) == 2


def test_long_answers_keep_the_connection() -> None:
    """The tickers of a few hundred pairs are longer than most frames."""

    def behave(connection: ServerConnection) -> None:
        for _ in connection:
            connection.send(json.dumps({"fill": "x" * 200_000}))

    with counting(behave) as (address, connections):
        for _ in range(5):
            ask(address)
        assert len(connections) == 2


def test_a_session_is_not_used_again_after_a_long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    with counting(answer_all) as (address, connections):
        ask(address)
        ask(address)
        monkeypatch.setattr(websocket, "LONGEST_PAUSE", 0.0)
        ask(address)
        assert not websocket._kept
        assert len(connections) == 3


def close_after_one(connection: ServerConnection) -> None:
    connection.recv()
    connection.send("{}")
    connection.close()


def reset_after_one(connection: ServerConnection) -> None:
    connection.recv()
    connection.send("{}")
    connection.socket.close()


def be_silent_after_one(connection: ServerConnection) -> None:
    connection.recv()
    connection.send("{}")
    for _ in connection:
        pass


@pytest.mark.parametrize("behave", [close_after_one, reset_after_one, be_silent_after_one])
def test_one_that_died_is_replaced_within_the_same_question(behave: Behaviour) -> None:
    with counting(behave) as (address, connections):
        for asked in range(1, 5):
            began = time.monotonic()
            assert ask(address, timeout=1.0) == {}
            assert time.monotonic() - began < 1
            assert len(connections) == asked


def test_binance_is_asked_again_through_the_same_connection(binance: Binance) -> None:
    for price in ("63250.12", "63251.5", "63252"):
        binance.prices["BTC"] = Decimal(price)
        assert str(binance_source.fetch_rates(COINS, 3)[0].price) == price
    assert binance.opened == 2


def test_kraken_is_subscribed_to_through_a_new_connection_each_time(kraken: Kraken) -> None:
    """The first price of another subscription through the same connection may be that of the first."""
    kraken.fault, kraken.faulty = "frozen_renewal", frozenset({"BTC"})
    for price in ("63250.12", "63251.5", "63252"):
        kraken.prices["BTC"] = Decimal(price)
        assert price in {str(rate.price) for rate in kraken_source.fetch_rates(COINS, 3)}
    assert kraken.opened == 3
