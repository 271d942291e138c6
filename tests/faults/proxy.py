"""A TCP proxy that can stop forwarding: to both sides that looks as if the network dropped every packet."""

import asyncio
import threading
from contextlib import suppress
from typing import Self

from tests.ports import free_port


class Proxy:
    """
    Forwards `127.0.0.1:port` to a *target* port; in a thread of its own.

    While it is cut, nothing passes and nothing is closed; new connections are taken and lead nowhere. What was sent
    meanwhile arrives when it is mended, as TCP would repeat it.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self._writers: list[asyncio.StreamWriter] = []

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._open.set()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def cut(self) -> None:
        """Let nothing through."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def mend(self) -> None:
        """Let everything through again."""
        self._loop.call_soon_threadsafe(self._open.set)

    def _run(self, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)
        ready.set()
        await self._stop.wait()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.1)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self._open.wait()
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.append(far_writer)
            try:
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
            finally:
                far_writer.close()
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        await self._open.wait()
        writer.close()
