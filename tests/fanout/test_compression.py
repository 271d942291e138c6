"""Messages to clients that offer compression, as browsers do, under `manage.py serve`."""

import asyncio
import json
import zlib
from collections.abc import Iterator

import pytest

from rates.fanout.sockets import COMPRESS_FROM, Frame
from tests.boards import publish
from tests.raw_socket import TEXT, frame
from tests.servers import Server, closed_code, next_frame, open_socket

MANY = [f"C{number}" for number in range(200)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("prepared", tmp_path_factory.mktemp("server") / "log") as running:
        yield running
        assert "Traceback" not in running.log.read_text()


def inflate(data: bytes) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data + b"\x00\x00\xff\xff")


def test_only_long_texts_are_compressed_each_by_itself() -> None:
    long = json.dumps({"rates": ["1.50"] * COMPRESS_FROM})
    wire = Frame("short", long, long).compressed
    first, rest = wire[:7], wire[7:]
    assert first == b"\x81\x05short"
    assert rest[: len(rest) // 2] == rest[len(rest) // 2 :]
    assert rest[0] == 0xC1
    assert inflate(rest[2 if rest[1] < 126 else 4 : len(rest) // 2]).decode() == long
    assert len(rest) < len(long) / 5


async def test_boards_and_updates_reach_clients_with_and_without_compression(server: Server) -> None:
    await asyncio.to_thread(publish, **dict.fromkeys(MANY, "1"))
    async with (
        open_socket(server.address, compression="deflate") as packed,
        open_socket(server.address) as bare,
    ):
        assert [type(extension).__name__ for extension in packed.protocol.extensions] == ["PerMessageDeflate"]
        for client in (packed, bare):
            # The server may still have the board of the test before.
            while len((await next_frame(client, "board"))["rates"]) != len(MANY):
                pass
        await asyncio.to_thread(publish, **dict.fromkeys(MANY, "2"))
        for client in (packed, bare):
            assert [rate["price"] for rate in (await next_frame(client, "update"))["rates"]] == ["2"] * len(MANY)


async def test_a_client_may_compress_what_it_says(server: Server) -> None:
    await asyncio.to_thread(publish, **dict.fromkeys(MANY, "1"))
    async with open_socket(server.address, compression="deflate") as client:
        for _ in range(2):
            await client.send(json.dumps({"type": "select", "symbols": MANY[:100]}))
            while len((await next_frame(client, "board"))["rates"]) != 100:
                pass


async def test_a_small_message_that_is_large_when_it_is_read_closes_the_socket(server: Server) -> None:
    async with open_socket(server.address, compression="deflate") as client:
        packed = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
        bomb = packed.compress(b" " * 1_000_000) + packed.flush(zlib.Z_SYNC_FLUSH)
        assert len(bomb) < 4096
        client.transport.write(frame(TEXT, bomb.removesuffix(b"\x00\x00\xff\xff"), reserved=4))
        assert await closed_code(client) == 1009
