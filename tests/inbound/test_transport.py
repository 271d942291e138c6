"""Our transport of accepted connections, and the listener that makes them, with real sockets."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rates.inbound.listener import Listener, ServerLoop
from rates.inbound.transport import READ_SIZE, drop_sent
from tests.servers import until

# More than the kernel takes at once.
LONG = os.urandom(1_000_000) * 16


class Recorder(asyncio.Protocol):
    """Notes what its transport tells it."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.said: list[str] = []
        self.received = b""
        self.lost: list[Exception | None] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.said.append("made")

    def data_received(self, data: bytes) -> None:
        self.received += data
        if data.startswith(b"fail"):
            raise ValueError("as asked")

    def eof_received(self) -> bool:
        self.said.append("eof")
        return self.received.startswith(b"stay")

    def pause_writing(self) -> None:
        self.said.append("pause")

    def resume_writing(self) -> None:
        self.said.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)


@asynccontextmanager
async def connected(first: bytes = b"") -> AsyncIterator[tuple[socket.socket, Recorder]]:
    """Listen, and connect a client that sends *first* before it is accepted; the value is it and the protocol."""
    made: list[Recorder] = []

    def factory() -> Recorder:
        made.append(Recorder())
        return made[-1]

    with socket.create_server(("127.0.0.1", 0)) as source, socket.create_connection(source.getsockname()) as client:
        client.sendall(first)
        client.settimeout(10)
        listener = Listener(asyncio.get_running_loop(), factory, source)
        await until(lambda: bool(made))
        yield client, made[0]
        listener.close()
        made[0].transport.abort()
        await until(lambda: bool(made[0].lost))
        assert made[0].transport.get_extra_info("socket").fileno() == -1


async def receive(client: socket.socket, size: int) -> bytes:
    """Return so many bytes."""
    received = b""
    while len(received) < size:
        received += await asyncio.to_thread(client.recv, size - len(received))
    return received


async def test_what_a_client_sent_before_it_was_accepted_is_there_at_once() -> None:
    async with connected(b"hello") as (client, protocol):
        assert protocol.received == b"hello"
        client.sendall(b" again")
        await until(lambda: protocol.received == b"hello again")
        assert protocol.transport.get_extra_info("peername") == client.getsockname()
        assert protocol.transport.get_extra_info("sockname") == client.getpeername()
        assert protocol.transport.get_extra_info("sslcontext") is None


async def test_what_the_kernel_does_not_take_arrives_later_and_in_order() -> None:
    async with connected() as (client, protocol):
        protocol.transport.set_write_buffer_limits(high=0)
        protocol.transport.write(LONG)
        assert 0 < protocol.transport.get_write_buffer_size() < len(LONG)
        changing = bytearray(b"first")
        protocol.transport.write(changing)
        changing[:] = b"later"
        assert await receive(client, len(LONG) + 5) == LONG + b"first"
        await until(lambda: protocol.said == ["made", "pause", "resume"])
        assert protocol.transport.get_write_buffer_size() == 0


async def test_bytes_that_wait_are_not_copied() -> None:
    async with connected() as (_, protocol):
        protocol.transport.write(LONG)
        assert [part.obj is LONG for part in protocol.transport._waiting] == [True]


async def test_a_closed_connection_ends_when_all_has_been_sent() -> None:
    async with connected() as (client, protocol):
        protocol.transport.write(LONG)
        protocol.transport.close()
        assert protocol.transport.is_closing()
        assert not protocol.lost
        assert await receive(client, len(LONG)) == LONG
        assert await asyncio.to_thread(client.recv, 1) == b""
        await until(lambda: protocol.lost == [None])
        protocol.transport.write(b"nobody gets this")


async def test_an_aborted_connection_drops_what_waits() -> None:
    async with connected() as (client, protocol):
        protocol.transport.write(LONG)
        protocol.transport.abort()
        assert protocol.transport.get_write_buffer_size() == 0
        await until(lambda: protocol.lost == [None])
        received = b"."
        while received:
            received = await asyncio.to_thread(client.recv, READ_SIZE)


@pytest.mark.parametrize(("said", "closes"), [(b"", True), (b"stay", False)])
async def test_a_protocol_may_still_write_to_a_client_that_says_no_more(said: bytes, closes: bool) -> None:
    async with connected(said) as (client, protocol):
        client.shutdown(socket.SHUT_WR)
        await until(lambda: "eof" in protocol.said)
        assert protocol.transport.is_closing() is closes
        if not closes:
            protocol.transport.write(b"here")
            assert await receive(client, 4) == b"here"


async def test_reading_can_pause() -> None:
    async with connected() as (client, protocol):
        protocol.transport.pause_reading()
        client.sendall(b"later")
        await asyncio.sleep(0)
        assert not protocol.received
        protocol.transport.resume_reading()
        await until(lambda: protocol.received == b"later")


async def test_a_reset_is_told_to_the_protocol() -> None:
    async with connected() as (client, protocol):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        await until(lambda: bool(protocol.lost))
        assert isinstance(protocol.lost[0], ConnectionResetError)


@pytest.mark.parametrize("before", [True, False], ids=["at once", "later"])
async def test_a_protocol_that_fails_ends_its_connection_alone(before: bool) -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    async with connected(b"fail" if before else b"") as (client, protocol):
        client.sendall(b"fail")
        await until(lambda: bool(protocol.lost))
        assert reported == protocol.lost
        assert isinstance(reported[0], ValueError)


def test_only_what_was_sent_is_dropped() -> None:
    parts = tuple(map(memoryview, (b"abc", b"de", b"fgh")))
    rests = [b"".join(drop_sent(parts, sent)) for sent in range(9)]
    assert rests == [b"abcdefgh"[sent:] for sent in range(9)]


class ShortOfFiles(socket.socket):
    """A listening socket that once cannot accept."""

    failed = False

    def accept(self) -> Any:
        if not self.failed:
            self.failed = True
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_a_process_without_files_accepts_again_later() -> None:
    loop, reported = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: reported.append(context["message"]))
    made: list[Recorder] = []
    with ShortOfFiles() as source:
        source.bind(("127.0.0.1", 0))
        source.listen()
        with socket.create_connection(source.getsockname()):
            listener = Listener(loop, lambda: made.append(Recorder()) or made[-1], source)
            await until(lambda: bool(reported))
            assert not made
            await until(lambda: bool(made))
            listener.close()
            made[0].transport.abort()
            await until(lambda: bool(made[0].lost))
    assert reported == ["socket.accept() out of system resource"]


def test_the_loop_listens_in_this_way() -> None:
    async def listen() -> Any:
        return await asyncio.get_running_loop().create_server(Recorder, sock=socket.create_server(("127.0.0.1", 0)))

    with asyncio.Runner(loop_factory=ServerLoop) as runner:
        listener = runner.run(listen())
        assert isinstance(listener, Listener)
        runner.get_loop().call_soon(listener.close)
        runner.run(listener.wait_closed())
