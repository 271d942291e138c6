"""What comes while reading pauses is read at once afterwards, and nothing is lost."""

import asyncio
import socket

from rates.streams.reading_pauses import ReadingPauses
from tests.streams.streaming import until


class Chunks(asyncio.Protocol):
    def __init__(self) -> None:
        self.received: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self.received.append(data)


async def test_what_comes_in_a_pause_is_read_together() -> None:
    here, there = socket.socketpair()
    with there:
        transport, chunks = await asyncio.get_running_loop().create_connection(Chunks, sock=here)
        there.send(b"first")
        await until(lambda: chunks.received == [b"first"])
        pauses = ReadingPauses(transport)
        for word in (b"a", b"b", b"c"):
            pauses.begin()
            there.send(word)
            await asyncio.sleep(0)
        await until(lambda: b"".join(chunks.received) == b"firstabc")
        assert len(chunks.received) == 2
        there.send(b"last")
        await until(lambda: chunks.received[-1] == b"last")
        pauses.begin()
        transport.close()
        await until(lambda: not transport.is_reading())
