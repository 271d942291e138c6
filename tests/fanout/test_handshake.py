"""How a handshake is answered, on every server that the same code runs on."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.boards import publish
from tests.servers import SERVERS, Server, next_frame, open_socket


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that accepts one socket per address."""
    log = tmp_path_factory.mktemp(request.param) / "log"
    with Server(request.param, log, RATES_MAX_CONNECTIONS_PER_IP="1") as running:
        yield running


@pytest.fixture(autouse=True)
def clean_log(server: Server) -> Iterator[None]:
    yield
    assert "Traceback" not in server.log.read_text()


async def test_one_socket_too_many_gets_503_and_retry_after(server: Server) -> None:
    async with await admitted(server), asyncio.timeout(10):
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(server.address)
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Retry-After"] == "10"


async def test_a_foreign_page_gets_403_without_retry_after(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(server.address, origin="https://elsewhere.example")
    assert refused.value.response.status_code == 403
    assert "Retry-After" not in refused.value.response.headers


@pytest.mark.parametrize("path", ["/ws/nope", "/ws/rates/BTC", "/ws/rates//", "/ws", "/", "/healthz"])
async def test_another_path_is_refused_with_404_and_at_most_one_line_of_the_log(server: Server, path: str) -> None:
    before = len(log_lines(server))
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{server.address}{path}")
    assert refused.value.response.status_code == 404
    async with await admitted(server):
        assert len(log_lines(server)) <= before + 1


async def test_a_slash_at_the_end_makes_no_difference(server: Server) -> None:
    await asyncio.to_thread(publish, BTC="1")
    async with await admitted(server, query="/?symbols=BTC") as client:
        # The board of the test before may come first.
        while [coin["symbol"] for coin in (await next_frame(client, "board"))["rates"]] != ["BTC"]:
            pass


@pytest.mark.parametrize("spelling", ["rates.v1", "RATES.V1", "Rates.v1"])
async def test_a_dialect_is_recognized_in_any_case_and_echoed_as_offered(server: Server, spelling: str) -> None:
    await asyncio.to_thread(publish, BTC="1")
    async with await admitted(server, subprotocols=["surprise", spelling]) as client:
        assert client.subprotocol == spelling
        assert (await next_frame(client))["type"] == "hello"


async def test_an_unknown_dialect_gets_plain_maps_and_a_header_that_names_the_known_one(server: Server) -> None:
    await asyncio.to_thread(publish, BTC="1")
    async with await admitted(server, subprotocols=["rates.v2"]) as client:
        assert client.subprotocol is None
        assert client.response is not None
        assert client.response.headers["X-Rates-Dialects"] == "rates.v1"
        assert "type" not in json.loads(await client.recv())


def log_lines(server: Server) -> list[str]:
    """Return what *server* has logged, without daphne's access log and what the hub says of Redis, which is flushed."""
    return [line for line in server.log.read_text().splitlines() if '"WS' not in line and " hub: " not in line]


async def admitted(server: Server, **options: Any) -> ClientConnection:
    """Return an open socket, once the server has forgotten the one of the previous test."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await open_socket(server.address, **options)
            except InvalidStatus:
                await asyncio.sleep(0.05)
