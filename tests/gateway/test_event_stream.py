"""`/api/stream` as a client sees it: real servers, real connections, a real Redis."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from rates.fanout import drain
from rates.fanout.hub import get_hub
from rates.fanout.sockets import encode_event
from rates.fanout.tokens import issue_page_token
from rates.publication import encode_json
from tests.boards import publish, save
from tests.servers import Server, serving, until

# What browsers add to the request of an `EventSource`.
PAGE = {"Sec_Fetch_Mode": "cors", "Accept": "text/event-stream"}
ORIGIN = "https://app.example.com"
Event = dict[str, str]


@pytest.fixture(scope="module")
def daphne(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("daphne", tmp_path_factory.mktemp("daphne") / "log", RATES_ALLOWED_ORIGINS=ORIGIN) as running:
        yield running


@pytest.fixture
async def here() -> AsyncIterator[str]:
    """The service in this process, with BTC at 1.50 and ETH without a price."""
    await asyncio.to_thread(save, BTC="1.50", ETH=None)
    async with serving() as place:
        yield place


@pytest.fixture(params=["uvicorn", "daphne"])
async def address(request: pytest.FixtureRequest, settings) -> AsyncIterator[str]:
    """The same, on both servers."""
    if request.param == "uvicorn":
        settings.RATES_ALLOWED_ORIGINS, settings.ALLOWED_HOSTS = [ORIGIN], ["*"]
        await asyncio.to_thread(save, BTC="1.50", ETH=None)
        async with serving() as place:
            yield place
        return
    server = request.getfixturevalue("daphne")
    epoch = (await asyncio.to_thread(publish, BTC="1.50", ETH=None)).snapshot.epoch
    async with asyncio.timeout(20):
        while (await greeting(server.address))[-1].get("id") != f"{epoch}:1":
            pass
    yield server.address
    assert "Traceback" not in server.log.read_text()


@asynccontextmanager
async def listening(address: str, query: str = "", **headers: str) -> AsyncIterator[tuple[httpx.Response, Any]]:
    """Open a stream; the value is the response and a function that returns its next event."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        httpx.AsyncClient(timeout=10, trust_env=False) as client,
        client.stream("GET", f"http://{address}/api/stream{query}", headers=named) as response,
    ):
        events = read_events(response)
        yield response, lambda: anext(events)


async def read_events(response: httpx.Response) -> AsyncIterator[Event]:
    """Yield each event, and what only says when to come back."""
    event: Event = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        else:
            yield event
            event = {}


async def greeting(address: str) -> list[Event]:
    """Return `hello` and `board`."""
    async with listening(address) as (_, event):
        return [await event(), await event()]


async def fetch(address: str, method: str = "GET", query: str = "", **headers: str) -> httpx.Response:
    """Return an answer that ends by itself."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        return await client.request(method, f"http://{address}/api/stream{query}", headers=named)


async def test_a_client_is_greeted_and_gets_every_change(address: str) -> None:
    async with listening(address) as (response, event):
        assert response.headers["Content-Type"] == "text/event-stream"
        assert (response.headers["Cache-Control"], response.headers["X-Accel-Buffering"]) == ("no-store", "no")
        hello, board = await event(), await event()
        assert (hello["event"], board["event"]) == ("hello", "board")
        assert 1000 <= int(hello["retry"]) <= 5000
        shown = json.loads(board["data"])
        assert (shown["type"], [coin["price"] for coin in shown["rates"]]) == ("board", ["1.50", None])
        assert board["id"] == f"{shown['epoch']}:{shown['seq']}"
        await asyncio.to_thread(publish, BTC="2", ETH=None)
        update = await event()
        assert (update["event"], update["id"]) == ("update", f"{shown['epoch']}:2")
        assert [coin["price"] for coin in json.loads(update["data"])["rates"]] == ["2"]


async def test_who_holds_the_present_publication_is_not_sent_it_again(address: str) -> None:
    board = (await greeting(address))[1]
    async with listening(address, Last_Event_ID=board["id"]) as (_, event):
        assert (await event())["event"] == "hello"
        await asyncio.to_thread(publish, BTC="2", ETH=None)
        assert (await event())["event"] == "update"
    async with listening(address, Last_Event_ID=board["id"]) as (_, event):
        assert [(await event())["event"], (await event())["event"]] == ["hello", "board"]


@pytest.mark.parametrize(("query", "symbols"), [("symbols=eth", ["ETH"]), ("symbols=btc&symbols=ETH", ["BTC", "ETH"])])
async def test_a_selection_is_kept(address: str, query: str, symbols: list[str]) -> None:
    async with listening(address, f"?{query}") as (_, event):
        await event()
        assert [coin["symbol"] for coin in json.loads((await event())["data"])["rates"]] == symbols


async def test_unknown_symbols_are_named_and_the_others_streamed(address: str) -> None:
    async with listening(address, "?symbols=nope,BTC") as (response, event):
        assert response.headers["X-Unknown-Symbols"] == "nope"
        await event()
        assert [coin["symbol"] for coin in json.loads((await event())["data"])["rates"]] == ["BTC"]
    answer = await fetch(address, query="?symbols=NOPE")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_symbol")


async def test_head_is_answered_at_once_and_other_methods_are_refused(address: str) -> None:
    head = await fetch(address, "HEAD", query="?symbols=BTC")
    assert (head.status_code, head.headers["Content-Type"], head.content) == (200, "text/event-stream", b"")
    posted = await fetch(address, "POST")
    assert (posted.status_code, posted.headers["Allow"], posted.json()["code"]) == (
        405,
        "GET, HEAD",
        "method_not_allowed",
    )


async def test_only_pages_of_allowed_origins_may_read_it(address: str) -> None:
    async with listening(address, Origin=ORIGIN) as (response, _):
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    refused = await fetch(address, Origin="https://elsewhere.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "Access-Control-Allow-Origin" not in refused.headers


async def test_http_1_0_gets_the_same_without_chunks(address: str) -> None:
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /api/stream HTTP/1.0\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert (await reader.readuntil(b"\n\n")).startswith(b"event: hello\n")
    assert (await reader.readuntil(b"\n\n")).startswith(b"event: board\n")
    writer.close()


async def test_a_client_that_leaves_is_forgotten(here: str) -> None:
    async with listening(here) as (_, event):
        await event()
        assert get_hub().count() == 1
    await until(lambda: not get_hub().count())


async def test_one_stream_too_many_is_refused_and_a_browser_told_when_to_return(here: str, settings) -> None:
    settings.RATES_MAX_CONNECTIONS_PER_IP = 1
    async with listening(here) as (_, event):
        await event()
        program, page = await fetch(here), await fetch(here, **PAGE)
    assert (program.status_code, program.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(program.headers["Retry-After"]) > 0
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/event-stream")
    name, _, value = page.text.strip().partition(": ")
    assert (name, 5000 <= int(value) <= 15000) == ("retry", True)


async def test_a_stream_needs_the_token_of_a_socket(here: str, settings) -> None:
    settings.RATES_WS_AUTH = "jwt"
    refused = await fetch(here)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    page = await fetch(here, **PAGE)
    assert (page.status_code, page.text[:6]) == (200, "retry:")
    async with listening(here, Authorization=f"Bearer {issue_page_token()}") as (_, event):
        assert (await event())["event"] == "hello"


async def test_a_server_that_stops_says_when_to_return_and_ends_the_stream(here: str) -> None:
    async with listening(here) as (_, event):
        await event()
        await event()
        draining = asyncio.create_task(drain.drain(get_hub()))
        bye = await event()
        assert (bye["event"], bye["retry"]) == ("bye", str(json.loads(bye["data"])["retry_ms"]))
        with pytest.raises(StopAsyncIteration):
            await event()
        await draining
    assert (await fetch(here)).status_code == 503


async def test_the_hub_marks_a_late_board_in_streams_too_even_for_who_held_it(here: str) -> None:
    board = (await greeting(here))[1]
    get_hub().late = True
    async with listening(here, Last_Event_ID=board["id"]) as (_, event):
        assert [(await event())["event"], (await event())["event"]] == ["hello", "board"]


async def test_a_client_that_does_not_read_gets_the_newest_board_when_it_does(address: str) -> None:
    """Nothing is queued: far more is published than is ever kept for one client."""
    host, port = address.split(":")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((host, int(port)))
    slow.sendall(b"GET /api/stream HTTP/1.1\r\nHost: here\r\n\r\n")
    for price in range(1, 31):
        await asyncio.to_thread(publish, **{f"C{number}": str(price) for number in range(200)})
    slow.setblocking(False)
    taken = b""
    async with asyncio.timeout(30):
        while b'"price":"30"' not in taken or not taken.endswith(b"\n\n\r\n"):
            taken += await asyncio.get_running_loop().sock_recv(slow, 65536)
    slow.close()
    assert taken.count(b"event: ") < 30
    assert taken.rindex(b"event: board") > taken.index(b"event: update")


def test_an_event_names_what_is_in_its_frame() -> None:
    beat = encode_json({"type": "heartbeat", "epoch": "a:b", "seq": 7, "as_of": "2026-11-30T00:00:00.000Z"})
    assert encode_event(beat) == f"event: heartbeat\nid: a:b:7\ndata: {beat}\n\n".encode()
    error = encode_json({"type": "error", "code": "unknown_symbol", "detail": "x"})
    assert encode_event(error) == f"event: error\ndata: {error}\n\n".encode()


async def test_a_stream_is_in_the_currency_that_is_asked_for(here: str) -> None:
    async with listening(here, "?currency=EUR") as (_, event):
        hello, board = [json.loads((await event())["data"]) for _ in range(2)]
        assert (hello["quote"], board["currency"]) == ("eur", "eur")
    async with listening(here, "?currency=euro") as (response, _):
        assert response.status_code == 400
        assert json.loads(await response.aread())["code"] == "unknown_currency"
