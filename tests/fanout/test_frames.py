"""
What a client may do to the framing of `/ws/rates`, rule by rule of RFC 6455, on every server that we run on.

The cases follow the groups of the Autobahn test suite: framing, pings, reserved bits, opcodes, fragments, UTF-8,
closing, limits; then bytes at random. None may cost a traceback, or another client its prices.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.boards import publish
from tests.raw_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, frame
from tests.servers import SERVERS, Server, next_frame, open_socket

PING_JSON = b'{"type":"ping"}'
CLOSE_1000 = (1000).to_bytes(2, "big")
# Bad input, and the close codes that RFC 6455 or the protocol gives for it.
BROKEN = {
    "a reserved bit": (frame(TEXT, PING_JSON, reserved=4), {1002}),
    "all reserved bits on a ping": (frame(PING, b"", reserved=7), {1002}),
    "a reserved opcode for data": (frame(0x3, b"x"), {1002}),
    "a reserved opcode for control": (frame(0xB, b""), {1002}),
    "no mask": (frame(TEXT, PING_JSON, masked=False), {1002}),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), {1002}),
    "a ping in fragments": (frame(PING, b"x", final=False), {1002}),
    "a continuation of nothing": (frame(CONTINUATION, b"x"), {1002}),
    "a message inside another": (frame(TEXT, b"{", final=False) + frame(TEXT, b"}"), {1002}),
    "a continuation after the end": (
        frame(TEXT, b'{"type":', final=False) + frame(CONTINUATION, b'"ping"}') + frame(CONTINUATION, b"x"),
        {1002},
    ),
    "text that is not UTF-8": (frame(TEXT, b'{"type":"\xff"}'), {1007}),
    "text cut inside a character": (frame(TEXT, "ü".encode()[:1]), {1007}),
    "a surrogate in UTF-8": (frame(TEXT, b"\xed\xa0\x80"), {1007}),
    "an overlong character": (frame(TEXT, b"\xc0\xaf"), {1007}),
    "a bad character split over fragments": (
        frame(TEXT, b'"\xce\xba\xe1', final=False) + frame(CONTINUATION, b"\xff\xbd"), {1007},
    ),
    "a close of one byte": (frame(CLOSE, b"\x03"), {1002}),
    "a close with a code that is none": (frame(CLOSE, (999).to_bytes(2, "big")), {1002}),
    "a close with a code for local use": (frame(CLOSE, (1006).to_bytes(2, "big")), {1002}),
    "a close with a reason that is not UTF-8": (frame(CLOSE, CLOSE_1000 + b"\xff\xfe"), {1002, 1007}),
    "a binary message": (frame(BINARY, b"{}"), {1003}),
    "a message over 4 KiB": (frame(TEXT, b"x" * 4097), {1009}),
    "a message over 4 KiB in fragments": (
        frame(TEXT, b"x" * 3000, final=False) + frame(CONTINUATION, b"x" * 3000), {1009},
    ),
    "a length of 2**62 bytes": (b"\x81\xff" + (2**62).to_bytes(8, "big") + b"mask", {1009, 1002}),
    "a length with its highest bit": (b"\x81\xff" + (2**63 + 5).to_bytes(8, "big") + b"mask", {1002, 1009}),
}  # fmt: skip
# On errors that daphne's library detects, it drops the connection without a close frame.
OURS = {1003}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(request.param, tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@asynccontextmanager
async def others_served(server: Server) -> AsyncIterator[None]:
    """Assert that whatever happens meanwhile does not affect another client and logs no error."""
    published = (await asyncio.to_thread(publish, BTC="1.50")).snapshot
    async with open_socket(server.address) as other:
        # The server sends this board to all clients as soon as it has it, even between a message and its answer.
        while (await next_frame(other, "board"))["epoch"] != published.epoch:
            pass
        yield
        await other.send('{"type":"ping"}')
        assert (await next_frame(other, "heartbeat"))["type"] == "heartbeat"
    assert "Traceback" not in server.log.read_text()


async def greeted(server: Server) -> RawSocket:
    """Return a raw client that has received its `hello` and its `board`."""
    client = await RawSocket.open(server.address)
    for kind in ("hello", "board"):
        payload = await client.read_until(TEXT)
        assert payload is not None
        assert json.loads(payload)["type"] == kind
    return client


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[RawSocket]:
    """Open a raw client."""
    async with others_served(server), await greeted(server) as client:
        yield client


async def beat(client: RawSocket) -> None:
    """Assert that the server still answers."""
    client.writer.write(frame(TEXT, PING_JSON))
    payload = await client.read_until(TEXT)
    assert payload is not None
    assert json.loads(payload)["type"] == "heartbeat"


@pytest.mark.parametrize("what", BROKEN)
async def test_a_framing_error_closes_the_connection_with_its_code(server: Server, what: str) -> None:
    sent, codes = BROKEN[what]
    async with client_of(server) as client:
        client.writer.write(sent)
        code = await client.close_code()
        dropped = code is None and server.name == "daphne" and codes != OURS
        assert code in codes or dropped


@pytest.mark.parametrize("size", [0, 1, 125])
async def test_a_ping_is_answered_with_its_payload(server: Server, size: int) -> None:
    async with client_of(server) as client:
        client.writer.write(frame(PING, b"p" * size))
        assert await client.read_until(PONG) == b"p" * size


async def test_an_unsolicited_pong_is_ignored(server: Server) -> None:
    async with client_of(server) as client:
        client.writer.write(frame(PONG) + frame(PONG, b"x" * 125))
        await beat(client)


async def test_fragments_and_single_bytes_make_one_message(server: Server) -> None:
    async with client_of(server) as client:
        pieces = [frame(TEXT, PING_JSON[:1], final=False)]
        pieces += [frame(CONTINUATION, PING_JSON[at : at + 1], final=False) for at in range(1, len(PING_JSON))]
        for byte in b"".join([*pieces, frame(PING, b"between"), frame(CONTINUATION)]):
            client.writer.write(bytes([byte]))
            await client.writer.drain()
        assert await client.read_until(PONG) == b"between"
        payload = await client.read_until(TEXT)
        assert payload is not None
        assert json.loads(payload)["type"] == "heartbeat"


async def test_a_character_may_be_split_over_fragments(server: Server) -> None:
    async with client_of(server) as client:
        text = '{"type":"ü€😀"}'.encode()
        client.writer.write(frame(TEXT, text[:9], final=False) + frame(CONTINUATION, text[9:]))
        payload = await client.read_until(TEXT)
        assert payload is not None
        assert json.loads(payload)["code"] == "unknown_type"


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
async def test_a_close_is_answered(server: Server, code: int) -> None:
    async with client_of(server) as client:
        client.writer.write(frame(CLOSE, code.to_bytes(2, "big") + b"bye"))
        assert await client.close_code() in (code, 1000)
        assert await client.read() is None


async def test_a_flood_of_pings_does_not_affect_other_clients(server: Server) -> None:
    async with client_of(server) as client:
        flood = frame(PING, b"p" * 100) * 2000
        reading = asyncio.create_task(client.read_until(CLOSE))
        client.writer.write(flood)
        await client.writer.drain()
        await asyncio.sleep(0.5)
        reading.cancel()


async def test_a_flood_of_fragments_does_not_affect_other_clients(server: Server) -> None:
    """Empty ones never reach the size limit of a message, so our protocol class counts fragments."""
    async with client_of(server) as client:
        client.writer.write(frame(TEXT, b"", final=False) + frame(CONTINUATION, b"", final=False) * 5000)
        if server.name == "prepared":
            assert await client.close_code() == 1009


async def test_random_bytes_break_nothing(server: Server) -> None:
    chance = random.Random(6455)
    async with others_served(server):
        for _ in range(100):
            async with await greeted(server) as client:
                client.writer.write(chance.randbytes(chance.randrange(1, 300)))


async def test_good_frames_with_one_byte_changed_break_nothing(server: Server) -> None:
    chance = random.Random(6456)
    good = frame(TEXT, PING_JSON) + frame(PING, b"x") + frame(TEXT, b'{"type":"select","symbols":null}')
    async with others_served(server):
        for _ in range(100):
            sent = bytearray(good)
            sent[chance.randrange(len(sent))] = chance.randrange(256)
            async with await greeted(server) as client:
                client.writer.write(sent)


async def test_prices_reach_a_client_in_the_middle_of_its_message(server: Server) -> None:
    async with client_of(server) as client:
        client.writer.write(frame(TEXT, b'{"type"', final=False))
        await asyncio.to_thread(publish, BTC="2.25")
        payload = await client.read_until(TEXT)
        assert payload is not None
        assert json.loads(payload)["rates"][0]["price"] == "2.25"
        client.writer.write(frame(CONTINUATION, b':"ping"}'))
        payload = await client.read_until(TEXT)
        assert payload is not None
        assert json.loads(payload)["type"] == "heartbeat"


@pytest.mark.parametrize("coins", [1, 100, 500])
async def test_boards_and_updates_of_every_size_arrive(server: Server, coins: int) -> None:
    """Those of 100 coins are longer than a client's message may be; those of 500 need the longest frame header."""
    symbols = [f"C{number}" for number in range(coins)]
    await asyncio.to_thread(publish, **dict.fromkeys(symbols, "1"))
    async with open_socket(server.address) as client:
        # The server may still have the board of the test before.
        while [rate["symbol"] for rate in (await next_frame(client, "board"))["rates"]] != symbols:
            pass
        await asyncio.to_thread(publish, **dict.fromkeys(symbols, "2"))
        assert [rate["price"] for rate in (await next_frame(client, "update"))["rates"]] == ["2"] * coins
