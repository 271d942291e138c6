"""A proxy that makes a server seem far away; it runs in a thread."""

import asyncio
import threading
from urllib.parse import urlsplit

from tests.ports import free_port


class FarAway:
    """A proxy to a *target* port; what it is given arrives after *delay* seconds."""

    def __init__(self, target: int, delay: float) -> None:
        self.target, self.delay, self.port = target, delay, free_port()
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        assert self._ready.wait(5)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)
        self._ready.set()
        await server.serve_forever()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(2**16):
            loop.call_later(self.delay, writer.write, data)
        loop.call_later(self.delay, writer.close)


def move_away(url: str, seconds: float) -> str:
    """Return an address at which what is at *url* answers *seconds* later."""
    port = urlsplit(url).port
    assert port
    return url.replace(str(port), str(FarAway(port, seconds / 2).port))
