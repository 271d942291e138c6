"""`/ws/rates` as a client sees it: a real server, real sockets, a real Redis."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.server import ServerProtocol

from rates import store
from rates.fanout.hub import get_hub
from tests.boards import publish, save
from tests.servers import Server, closed_code, next_frame, open_socket, serving, until

HERE = ["rates.fanout.server:RatesWebSocketProtocol", "websockets-sansio"]


@pytest.fixture(scope="module")
def daphne(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("daphne", tmp_path_factory.mktemp("daphne") / "log") as running:
        yield running


@pytest.fixture(params=[*HERE, "daphne"], ids=["prepared", "plain-asgi", "daphne"])
async def address(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A running service with BTC at 1.50 and ETH without a price; with every kind of link."""
    if request.param == "daphne":
        server = request.getfixturevalue("daphne")
        await shows(server.address, (await asyncio.to_thread(publish, BTC="1.50", ETH=None)).snapshot.epoch)
        yield server.address
        assert "Traceback" not in server.log.read_text()
    else:
        await asyncio.to_thread(save, BTC="1.50", ETH=None)
        async with serving(request.param) as place:
            yield place


async def shows(address: str, epoch: str) -> None:
    """Wait until a running server has started *epoch*."""
    async with asyncio.timeout(10):
        while True:
            async with open_socket(address) as client:
                if (await next_frame(client))["epoch"] == epoch:
                    return


@pytest.fixture(params=HERE, ids=["prepared", "plain-asgi"])
async def address_here(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The same, served by this very process, whose settings and hub a test may reach."""
    await asyncio.to_thread(save, BTC="1.50", ETH=None)
    async with serving(request.param) as place:
        yield place


async def test_a_misspelt_omit_is_refused_and_the_right_one_taken(address: str) -> None:
    for query in ("?omit=doubtfull", "?omit=", "?omit=stale&omit=doubtful"):
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(address, query, typed=False)
        assert refused.value.response.status_code == 400
    async with open_socket(address, "?omit=doubtful&symbols=btc", typed=False) as client:
        assert await client.recv() == '{"BTC":1.50}'


async def test_a_plain_client_gets_prices_at_once_and_on_every_publication(address: str) -> None:
    async with open_socket(address, typed=False) as client:
        assert client.subprotocol is None
        assert await client.recv() == '{"BTC":1.50}'
        await asyncio.to_thread(publish, BTC="1.50", ETH="0.10")
        assert await client.recv() == '{"BTC":1.50,"ETH":0.10}'


async def test_a_typed_client_is_greeted(address: str) -> None:
    async with open_socket(address) as client:
        assert client.subprotocol == "rates.v1"
        hello = await next_frame(client)
        assert hello == {
            "type": "hello",
            "v": 1,
            "epoch": hello["epoch"],
            "quote": "usd",
            "interval": 5,
            "heartbeat": 10,
            "stale_after": 15,
            "currencies": ["usd", "eur", "gbp", "jpy", "chf", "cad", "aud"],
        }
        board = await next_frame(client)
        assert (board["type"], board["epoch"], board["seq"]) == ("board", hello["epoch"], 1)
        assert [(coin["symbol"], coin["price"]) for coin in board["rates"]] == [("BTC", "1.50"), ("ETH", None)]


async def test_a_publication_arrives_as_the_change(address: str) -> None:
    async with open_socket(address) as client:
        await next_frame(client, "board")
        await asyncio.to_thread(publish, BTC="2", ETH=None)
        update = await next_frame(client)
        assert (update["type"], update["seq"]) == ("update", 2)
        assert [coin["symbol"] for coin in update["rates"]] == ["BTC"]


async def test_a_lost_publication_is_followed_by_the_whole_board(address: str) -> None:
    async with open_socket(address) as client:
        await next_frame(client, "board")
        await asyncio.to_thread(save, BTC="2", ETH=None)
        await asyncio.to_thread(publish, BTC="2", ETH="3")
        board = await next_frame(client)
        assert (board["type"], board["seq"]) == ("board", 3)
        assert [coin["price"] for coin in board["rates"]] == ["2", "3"]


async def test_a_publication_that_was_not_announced_is_found_in_the_store(address: str) -> None:
    async with open_socket(address) as client:
        await next_frame(client, "board")
        await asyncio.to_thread(save, BTC="2", ETH=None)
        assert (await next_frame(client, "board"))["seq"] == 2


async def test_a_flushed_redis_starts_a_new_epoch(address: str) -> None:
    async with open_socket(address) as client:
        before = await next_frame(client, "board")
        await asyncio.to_thread(store.client().flushall)
        await asyncio.to_thread(publish, BTC="7")
        board = await next_frame(client, "board")
        assert (board["seq"], board["rates"][0]["price"]) == (1, "7")
        assert board["epoch"] != before["epoch"]


async def test_a_selection_in_the_url_works_in_both_dialects(address: str) -> None:
    async with open_socket(address, "?symbols=eth,%20btc,NONE", typed=False) as client:
        assert await client.recv() == '{"BTC":1.50}'
    async with open_socket(address, "?symbols=ETH") as client:
        board = await next_frame(client, "board")
        assert [coin["symbol"] for coin in board["rates"]] == ["ETH"]


async def test_a_selection_in_the_address_may_repeat_its_parameter(address: str) -> None:
    async with open_socket(address, "?symbols=BTC&symbols=eth") as client:
        board = await next_frame(client, "board")
        assert [coin["symbol"] for coin in board["rates"]] == ["BTC", "ETH"]


async def test_a_selection_is_answered_with_its_board(address: str) -> None:
    async with open_socket(address) as client:
        await next_frame(client, "board")
        await client.send('{"type":"select","symbols":["eth"]}')
        board = await next_frame(client)
        assert (board["type"], [coin["symbol"] for coin in board["rates"]]) == ("board", ["ETH"])
        await client.send('{"type":"select","symbols":null}')
        assert len((await next_frame(client))["rates"]) == 2


async def test_a_currency_is_chosen_in_the_address_or_by_a_selection(address: str) -> None:
    async with open_socket(address, "?currency=EUR") as client:
        hello, board = await next_frame(client), await next_frame(client)
        assert (hello["quote"], board["currency"]) == ("eur", "eur")
        await client.send('{"type":"select","symbols":["BTC"],"currency":"JPY"}')
        assert (await next_frame(client))["currency"] == "jpy"
        await client.send('{"type":"select","symbols":null}')
        board = await next_frame(client)
        assert (board["currency"], len(board["rates"])) == ("jpy", 2)


async def test_an_unknown_currency_is_reported_and_changes_nothing(address: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(address, "?currency=euro", typed=False)
    assert refused.value.response.status_code == 400
    async with open_socket(address, "?currency=euro") as client:
        assert (await next_frame(client, "board"))["currency"] == "usd"
        error = await next_frame(client)
        assert (error["code"], "'euro' is not offered" in error["detail"]) == ("unknown_currency", True)
        for wanted in ('"mmk"', '""', "7", '["eur"]'):
            await client.send(f'{{"type":"select","symbols":["BTC"],"currency":{wanted}}}')
            assert (await next_frame(client))["code"] == "unknown_currency"
        await client.send('{"type":"select","symbols":["BTC"]}')
        assert (await next_frame(client, "board"))["currency"] == "usd"


async def test_unknown_symbols_are_reported_and_the_others_are_selected(address: str) -> None:
    async with open_socket(address) as client:
        await next_frame(client, "board")
        await client.send('{"type":"select","symbols":["BTC","\\ud800"]}')
        error = await next_frame(client)
        assert (error["type"], error["code"]) == ("error", "unknown_symbol")
        assert [coin["symbol"] for coin in (await next_frame(client, "board"))["rates"]] == ["BTC"]


async def test_a_ping_is_answered_with_a_heartbeat(address: str) -> None:
    async with open_socket(address) as client:
        board = await next_frame(client, "board")
        await client.send('{"type":"ping"}')
        beat = await next_frame(client)
        assert beat == {key: board[key] for key in ("epoch", "seq", "as_of")} | {"type": "heartbeat"}


async def test_heartbeats_are_sent_while_nothing_is_published(address_here: str, settings) -> None:
    settings.RATES_HEARTBEAT = 1
    async with open_socket(address_here) as client, open_socket(address_here, typed=False) as plain:
        await plain.recv()
        assert (await next_frame(client, "heartbeat"))["seq"] == 1
        await asyncio.to_thread(publish, BTC="2", ETH=None)
        assert json.loads(await plain.recv()) == {"BTC": 2}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "bad_json"),
        ("[" * 4000, "bad_json"),
        ("[]", "unknown_type"),
        ('{"type":"shout"}', "unknown_type"),
        ('{"type":["ping"]}', "unknown_type"),
        ('{"type":"select","symbols":"BTC"}', "bad_symbols"),
        ('{"type":"select","symbols":[1]}', "bad_symbols"),
        (json.dumps({"type": "select", "symbols": ["A"] * 501}), "bad_symbols"),
    ],
)
async def test_a_bad_message_is_answered_and_the_socket_stays_open(address: str, message: str, code: str) -> None:
    async with open_socket(address) as client:
        await next_frame(client, "board")
        await client.send(message)
        error = await next_frame(client)
        assert (error["type"], error["code"]) == ("error", code)
        await client.send('{"type":"ping"}')
        assert (await next_frame(client))["type"] == "heartbeat"


async def test_the_fifth_bad_message_closes_the_socket(address: str) -> None:
    async with open_socket(address) as client:
        for _ in range(7):
            await client.send("{")
        assert await closed_code(client) == 1008


async def test_too_many_messages_close_the_socket_in_both_dialects(address: str) -> None:
    for typed in (True, False):
        async with open_socket(address, typed=typed) as client:
            for _ in range(40):
                await client.send('{"type":"ping"}')
            assert await closed_code(client) == 1008


async def test_a_binary_message_closes_the_socket(address: str) -> None:
    async with open_socket(address) as client:
        await client.send(b"{}")
        assert await closed_code(client) == 1003


@pytest.mark.parametrize("fragments", [1, 3])
async def test_a_message_over_4_kib_closes_the_socket(address: str, fragments: int) -> None:
    async with open_socket(address) as client:
        await client.send(["x" * (4200 // fragments)] * fragments)
        assert await closed_code(client) == 1009


async def test_a_misbehaving_client_does_not_affect_others(address: str) -> None:
    async with open_socket(address) as good, open_socket(address) as bad:
        await next_frame(good, "board")
        await bad.send(b"x")
        await closed_code(bad)
        await asyncio.to_thread(publish, BTC="2", ETH=None)
        assert (await next_frame(good))["type"] == "update"


async def test_a_closed_socket_is_forgotten(address_here: str) -> None:
    async with open_socket(address_here) as client:
        await next_frame(client, "board")
        assert get_hub().count() == 1
    await until(lambda: not get_hub().count())


async def test_a_foreign_origin_is_refused_with_403(address: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(address, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_one_connection_too_many_is_refused_with_503(address_here: str, settings) -> None:
    settings.RATES_MAX_CONNECTIONS_PER_IP = 1
    async with open_socket(address_here) as client:
        await next_frame(client, "board")
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(address_here):
                pass
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) > 0


async def test_a_socket_before_the_first_publication_is_accepted_and_served_later() -> None:
    async with serving() as address, open_socket(address) as client:
        assert (await next_frame(client))["type"] == "hello"
        await asyncio.to_thread(publish, BTC="1")
        assert (await next_frame(client))["type"] == "board"


async def test_a_closed_socket_leaves_nothing_to_the_garbage_collector() -> None:
    """Full collections are rare, so a reference cycle would keep a closed socket in memory for hours."""
    await asyncio.to_thread(save, BTC="1.50")
    async with serving("rates.fanout.server:RatesWebSocketProtocol") as place:
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                async with open_socket(place) as client:
                    await next_frame(client, "board")
            await until(lambda: not [left for left in gc.get_objects() if type(left) is ServerProtocol])
        finally:
            gc.enable()
