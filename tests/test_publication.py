"""Both dialects of the wire, from rows to text and from message to board."""

import json
import socket
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates import publication, store
from rates.exceptions import StoreUnavailable
from rates.store import Change
from rates.types import Rate, Row, Snapshot

NOW = datetime(2026, 11, 24, 12, 0, 0, 512000, tzinfo=UTC)


def row(symbol: str, price: str | None, **more: object) -> Row:
    rate = price and Rate(symbol, Decimal(price), Decimal("-1.41"), None, "coingecko", NOW, NOW)
    return Row(symbol, symbol.title(), rate or None, **more)  # type: ignore[arg-type]


def snapshot(seq: int = 1, **prices: str | None) -> Snapshot:
    fragments = {symbol: publication.encode_row(row(symbol, price)) for symbol, price in prices.items()}
    return Snapshot("e1", seq, "2026-11-24T12:00:00.512Z", fragments)


def test_a_row_is_written_as_the_protocol_says() -> None:
    coin = json.loads(publication.encode_row(row("BTC", "63250.12", confirmed_by=("kraken",))).json)
    assert coin == {
        "symbol": "BTC",
        "name": "Btc",
        "price": "63250.12",
        "change_24h_pct": "-1.41",
        "volume_24h": None,
        "source": "coingecko",
        "observed_at": "2026-11-24T12:00:00.512Z",
        "stale": False,
        "disputed": False,
        "confirmed_by": ["kraken"],
        "spread_pct": None,
    }


@pytest.mark.parametrize(("sent", "wire"), [("76975", "76975"), ("0.276434", "0.276434"), ("1.197e-05", "0.00001197")])
def test_the_digits_of_the_source_are_the_digits_on_the_wire(sent: str, wire: str) -> None:
    board = snapshot(BTC=sent)
    assert publication.plain_text(board) == f'{{"BTC":{wire}}}'
    assert json.loads(publication.board_text(board))["rates"][0]["price"] == wire


@given(st.decimals(min_value=Decimal("1e-30"), max_value=Decimal("1e18"), allow_nan=False))
def test_every_price_arrives_as_the_same_number(price: Decimal) -> None:
    board = snapshot(BTC=str(price))
    plain = json.loads(publication.plain_text(board), parse_float=Decimal, parse_int=Decimal)
    assert plain["BTC"] == price
    typed = json.loads(publication.board_text(board))["rates"][0]["price"]
    assert Decimal(typed) == price
    assert "e" not in typed.lower()


def test_the_plain_map_leaves_out_coins_without_a_price() -> None:
    assert publication.plain_text(snapshot(BTC="1", ETH=None, XLM="2")) == '{"BTC":1,"XLM":2}'


def test_the_board_has_every_coin_of_the_selection_in_order() -> None:
    board = snapshot(BTC="1", ETH=None, XLM="2")
    chosen = json.loads(publication.board_text(board, frozenset(["xlm", "eth"])))
    assert [coin["symbol"] for coin in chosen["rates"]] == ["ETH", "XLM"]


def test_an_update_has_only_what_changed_for_this_socket() -> None:
    update = json.loads(publication.update_text(snapshot(BTC="1", ETH="2"), {"BTC", "ETH"}, ["XLM"], {"eth", "sol"}))
    assert [coin["symbol"] for coin in update["rates"]] == ["ETH"]
    assert update["removed"] == []
    assert "symbols" not in update


def test_an_update_tells_a_new_order() -> None:
    update = json.loads(publication.update_text(snapshot(ETH="2", BTC="1"), (), ["XLM"], None, reordered=True))
    assert (update["symbols"], update["removed"]) == (["ETH", "BTC"], ["XLM"])


def test_a_message_turns_one_board_into_the_next() -> None:
    before = snapshot(1, BTC="1", XLM="2", ETH="3")
    after = snapshot(2, ETH="3", BTC="1.5")
    message = publication.build_message(after, {"BTC"}, {"XLM"})
    assert publication.apply(before, message) == after


def test_a_message_about_an_unknown_coin_is_not_guessed() -> None:
    message = publication.build_message(snapshot(2, BTC="1", ETH="2"), {"BTC"}, set())
    with pytest.raises(KeyError):
        publication.apply(snapshot(1, BTC="1"), message)


def test_a_name_with_markup_and_quotes_stays_one_text() -> None:
    name = '</script><b>"\u202eevil\\'
    fragment = publication.encode_row(Row("BTC", name))
    assert json.loads(fragment.json)["name"] == name


def test_a_channel_layer_that_hangs_costs_a_publisher_less_than_a_ticks_life(settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        layer = settings.CHANNEL_LAYERS["default"]
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        hosts = [{**layer["CONFIG"]["hosts"][0], "address": address}]
        settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {**layer["CONFIG"], "hosts": hosts}}}
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="cannot publish: no answer in time"):
            publication.publish(snapshot(BTC="1"), ["BTC"], [])
        assert time.monotonic() - began < settings.CELERY_TASK_TIME_LIMIT - 1


def test_programs_on_the_plain_channel_hear_every_board_in_order_and_none_that_was_not_published(settings) -> None:
    listener = store.client().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(settings.REDIS_CHANNEL)
    for price in ("1", "2", "3"):
        store.update_board(lambda _, price=price: Change(NOW, snapshot(BTC=price).fragments, {}))
    store.update_board(lambda _: Change(NOW, snapshot(BTC="3").fragments, {}, only_if_changed=True))
    heard = [listener.get_message(timeout=5) for _ in range(4)]
    assert [message and message["data"] for message in heard] == [None, '{"BTC":1}', '{"BTC":2}', '{"BTC":3}']
    assert listener.get_message(timeout=0.1) is None
    listener.close()
