"""
What an answer of the HTTP API costs: `python -m benchmarks.http_api`, a minute.

    /api/rates, 4 coins     beside uvicorn with an application that only answers the same prepared bytes, side by side:
                            keep-alive, 200 and 304, while a board is published every second
    200 coins as CSV        made for each request, because each has another query

Processor time of the server's process for each request, so a busy machine changes it little. The first part is printed
for each peer as (the peer's time / ours): 0.8 means that we answer 0.8 times as many. Starlette is a peer where it is
installed; put it on PYTHONPATH, because the service does not need it.
"""

import asyncio
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from benchmarks.feed import run_each, service, symbols
from tests.ports import free_port

CONNECTIONS, REQUESTS, ROUNDS = 8, 4000, 5
CSV_REQUESTS = 100
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def server(*command: str, **environment: str) -> Iterator[tuple[int, int]]:
    """Run a server; the value is its process id and its port."""
    port = str(free_port())
    words = [word.replace("PORT", port) for word in command]
    with subprocess.Popen([sys.executable, *words], env=os.environ | {"PORT": port} | environment) as process:
        try:
            asyncio.run(wait_for(int(port)))
            yield process.pid, int(port)
        finally:
            process.terminate()


async def wait_for(port: int) -> None:
    """Return when `/api/rates` is answered."""
    async with asyncio.timeout(60):
        while True:
            try:
                if (await read_answer(port, b""))[0].startswith(b"HTTP/1.1 200"):
                    return
            except OSError:
                pass
            await asyncio.sleep(0.1)


async def read_answer(port: int, more: bytes, query: str = "") -> tuple[bytes, bytes]:
    """Return head and body of one answer of `/api/rates`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = await exchange(reader, writer, question(more, query))
    writer.close()
    return answer


def question(more: bytes, query: str = "") -> bytes:
    """Return the request that a client like curl sends."""
    return b"GET /api/rates%s HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n%s\r\n" % (query.encode(), more)


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[bytes, bytes]:
    """Send *request*; return head and body of the answer."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    _, found, length = head.lower().partition(b"content-length: ")
    return head, await reader.readexactly(int(length.split(b"\r\n")[0])) if found else b""


async def ask_often(port: int, held: bool) -> None:
    """Send `REQUESTS` over `CONNECTIONS` that stay open; *held*: each with the ETag of the answer before."""

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        more, unchanged = b"", 0
        for _ in range(REQUESTS // CONNECTIONS):
            head, _ = await exchange(reader, writer, question(more))
            unchanged += head.startswith(b"HTTP/1.1 304")
            etag = head.lower().partition(b"etag: ")[2].split(b"\r\n")[0]
            more = b"If-None-Match: %s\r\n" % etag if held else b""
        writer.close()
        assert unchanged > 0.9 * REQUESTS / CONNECTIONS if held else not unchanged

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))


def cost_us(process: tuple[int, int], held: bool) -> float:
    """Return the processor time of a request in microseconds."""
    pid, port = process
    began = cpu_seconds(pid)
    asyncio.run(ask_often(port, held))
    return (cpu_seconds(pid) - began) * 1e6 / REQUESTS


def publishing(coins: int, every: float) -> AbstractContextManager[None]:
    """Publish a board of *coins* again and again."""
    from tests import boards  # noqa: PLC0415 - Django reads its settings first

    return boards.publishing(every, **dict.fromkeys(symbols(coins), "63250.12"))


def measure_prepared() -> None:
    """Print what 200 and 304 cost, beside the peers."""
    peers = {"bare ASGI": ["benchmarks.peers.prepared:app"]}
    if importlib.util.find_spec("starlette"):
        peers["Starlette"] = ["--factory", "benchmarks.peers.prepared:make_routed"]
    uvicorn = ("-m", "uvicorn", "--port", "PORT", "--no-access-log", "--log-level", "warning")
    with service(4, RATES_API_RATE="1000000000"), publishing(4, 1.0), ExitStack() as stack:
        ours = stack.enter_context(server("manage.py", "serve"))
        body = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "body"
        body.write_bytes(asyncio.run(read_answer(ours[1], b""))[1])
        running = {
            name: stack.enter_context(server(*uvicorn, *words, PEER_BODY=str(body))) for name, words in peers.items()
        }
        for held in (False, True):
            compare(ours, running, held)


def compare(ours: tuple[int, int], peers: dict[str, tuple[int, int]], held: bool) -> None:
    """Print one line for each peer; all are asked in turns, and the median of the turns counts."""
    costs: dict[str, list[float]] = {"": [], **{name: [] for name in peers}}
    for _ in range(ROUNDS):
        for name, process in {"": ours, **peers}.items():
            costs[name].append(cost_us(process, held))
    own = statistics.median(costs[""])
    for name in peers:
        peer = statistics.median(costs[name])
        print(f"| {304 if held else 200} | {name} | {peer:.0f} µs | {own:.0f} µs | {peer / own:.2f} |", flush=True)


def measure_csv() -> None:
    """Print what a table of 200 coins costs."""
    with (
        service(200, RATES_API_RATE="1000000000"),
        publishing(200, 3600.0),
        server("manage.py", "serve") as (pid, port),
    ):
        asyncio.run(read_answer(port, b"", "?format=csv"))
        began = cpu_seconds(pid)
        for number in range(CSV_REQUESTS):
            _, body = asyncio.run(read_answer(port, b"", f"?format=csv&n={number}"))
            assert body.count(b"\n") == 201
        taken = (cpu_seconds(pid) - began) * 1000 / CSV_REQUESTS
        print(f"| 200 coins as CSV | | | {taken:.1f} ms | |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        {"prepared": measure_prepared, "csv": measure_csv}[sys.argv[1]]()
    else:
        print(f"| answer | peer | peer's CPU | our CPU | ratio |\n|---|---|---|---|---|  {time.strftime('%Y-%m-%d')}")
        run_each("benchmarks.http_api", [["prepared"], ["csv"]])
