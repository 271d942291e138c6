"""Which silent clients our protocol class takes for dead."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rates.fanout import server
from rates.fanout.close_codes import CloseCode
from rates.fanout.hub import get_hub
from rates.fanout.server import (
    PING_AFTER,
    PING_WITH_FRAME_AFTER,
    PING_WITH_HEARTBEAT_AFTER,
    PONG_TIMEOUT,
    PONG_TIMEOUT_IF_ACKNOWLEDGED,
)
from rates.fanout.sockets import SOON, Frame
from tests.boards import save
from tests.raw_socket import CLOSE, HANDSHAKE, PING, RawSocket, frame
from tests.servers import serving, until

LITTLE = 4096


@asynccontextmanager
async def silent_client(room: int) -> AsyncIterator[tuple[socket.socket, Any]]:
    """Serve one client that reads nothing and has *room* for so many bytes; the value is it and the server's link."""
    async with serving("rates.fanout.server:RatesWebSocketProtocol") as address:
        host, _, port = address.partition(":")
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
            client.connect((host, int(port)))
            client.sendall(HANDSHAKE.format(address=address, query="").encode())
            await until(lambda: get_hub().count())
            yield client, get_hub().all_sockets()[0].link


def has_waited(link: Any, seconds: float) -> None:
    """Let the ping be so old, and check the client."""
    link._pinged_at = asyncio.get_running_loop().time() - seconds
    link.check_client()


async def test_a_silent_client_is_pinged_once() -> None:
    await asyncio.to_thread(save, BTC="1")
    async with silent_client(2**20) as (client, link):
        link._heard_at = asyncio.get_running_loop().time()
        link.check_client()
        assert link._pinged_at is None
        link._heard_at -= PING_AFTER
        for _ in range(2):
            link.check_client()
        link.write(Frame("the end"))
        received = b""
        while not received.endswith(b"the end"):
            received += await asyncio.to_thread(client.recv, 65536)
        assert received.removesuffix(b"\x81\x07the end").endswith(b"}\x89\x00")


async def test_a_client_is_checked_when_its_ping_or_its_pong_is_due_and_each_second_while_it_does_not_read() -> None:
    await asyncio.to_thread(save, BTC="1")
    async with silent_client(2**20) as (client, link):
        blocked: list[Any] = []
        link.on_blocked = lambda: blocked.append(link)
        link._heard_at = asyncio.get_running_loop().time()
        assert link.check_client() == link._heard_at + PING_WITH_FRAME_AFTER
        link.pause_writing()
        assert blocked == [link]
        assert link.check_client() == SOON
        link.resume_writing()
        link._heard_at -= PING_AFTER
        assert link.check_client() == link._pinged_at + PONG_TIMEOUT
        assert link.check_client() == link._pinged_at + PONG_TIMEOUT
        client.sendall(frame(PING))
        await until(lambda: link._pinged_at is None)
        assert link.check_client() == link._heard_at + PING_WITH_FRAME_AFTER
        link._heard_at -= PING_WITH_FRAME_AFTER
        assert link.check_client() == link._heard_at + PING_AFTER


async def test_a_heartbeat_takes_a_ping_along_that_would_soon_be_due() -> None:
    await asyncio.to_thread(save, BTC="1")
    async with silent_client(2**20) as (client, link):
        link._heard_at = asyncio.get_running_loop().time()
        link.check_client()
        assert link.write_heartbeat(Frame("early"))
        assert link._pinged_at is None
        link._heard_at -= PING_WITH_HEARTBEAT_AFTER
        assert link.write_heartbeat(Frame("late"))
        pinged_at = link._pinged_at
        assert pinged_at is not None
        assert link.write_heartbeat(Frame("the end"))
        assert link._pinged_at == pinged_at
        received = b""
        while not received.endswith(b"the end"):
            received += await asyncio.to_thread(client.recv, 65536)
        assert received.endswith(b"\x81\x05early\x81\x04late\x89\x00\x81\x07the end")
        link.pause_writing()
        assert not link.write_heartbeat(Frame("not taken"))
        assert link._pinged_at == pinged_at


async def test_a_frame_takes_a_ping_along_that_is_due_next() -> None:
    await asyncio.to_thread(save, BTC="1")
    async with silent_client(2**20) as (client, link):
        link._heard_at = asyncio.get_running_loop().time()
        link.check_client()
        assert link.write(Frame("early"))
        assert link._pinged_at is None
        link._heard_at -= PING_WITH_FRAME_AFTER
        link.check_client()
        assert link._pinged_at is None
        assert link.write(Frame("late"))
        assert link.check_client() == link._pinged_at + PONG_TIMEOUT
        assert link.write(Frame("the end"))
        received = b""
        while not received.endswith(b"the end"):
            received += await asyncio.to_thread(client.recv, 65536)
        assert received.endswith(b"\x81\x05early\x81\x04late\x89\x00\x81\x07the end")


async def test_a_client_that_says_something_before_the_next_frame_needs_no_ping() -> None:
    await asyncio.to_thread(save, BTC="1")
    async with silent_client(2**20) as (client, link):
        link._heard_at = asyncio.get_running_loop().time() - PING_WITH_FRAME_AFTER
        link.check_client()
        heard_at = link._heard_at
        client.sendall(frame(PING))
        await until(lambda: link._heard_at > heard_at)
        assert link.write(Frame("the end"))
        assert link._pinged_at is None


async def test_a_client_whose_host_takes_everything_has_longer_for_its_pong() -> None:
    await asyncio.to_thread(save, BTC="1")
    async with silent_client(2**20) as (_, link):
        await until(link._is_acknowledged)
        has_waited(link, PONG_TIMEOUT)
        assert not link.transport.is_closing()
        has_waited(link, PONG_TIMEOUT_IF_ACKNOWLEDGED)
        assert link.transport.is_closing()


async def test_a_client_whose_host_does_not_take_what_was_sent_has_not() -> None:
    await asyncio.to_thread(save, **{f"C{number}": "1" for number in range(200)})
    async with silent_client(LITTLE) as (_, link):
        assert not link._blocked
        has_waited(link, PONG_TIMEOUT)
        assert link.transport.is_closing()


@pytest.mark.parametrize("said", [frame(PING), frame(PING)[:1]], ids=["ping", "a byte"])
async def test_any_byte_is_an_answer_to_a_ping(said: bytes) -> None:
    await asyncio.to_thread(save, BTC="1")
    async with silent_client(2**20) as (client, link):
        link._pinged_at = asyncio.get_running_loop().time() - PONG_TIMEOUT_IF_ACKNOWLEDGED
        client.sendall(said)
        await until(lambda: link._pinged_at is None)


@pytest.mark.parametrize("early", [b"", frame(PING)], ids=["silent", "talkative"])
async def test_a_client_that_answers_its_refusal_is_gone_at_once(settings, monkeypatch, early: bytes) -> None:
    """It may have said something before it was answered."""
    monkeypatch.setattr(server, "CLOSE_TIMEOUT", 3600)
    settings.RATES_WS_AUTH = "jwt"
    async with serving("rates.fanout.server:RatesWebSocketProtocol") as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(HANDSHAKE.format(address=address, query="").encode() + early)
        await reader.readuntil(b"\r\n\r\n")
        client = RawSocket(reader, writer)
        assert await client.close_code() == CloseCode.TOKEN_REFUSED
        writer.write(frame(CLOSE, CloseCode.TOKEN_REFUSED.to_bytes(2)))
        assert await client.read() is None
        writer.close()
