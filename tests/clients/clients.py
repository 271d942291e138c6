"""The clients of `docs/clients/` as processes: what they print, and what they say of their connections."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
GORILLA = Path("/usr/share/gocode/src/github.com/gorilla/websocket")
BUILT = tempfile.TemporaryDirectory()
# What sees the status of a refused handshake, and what does not; the number is Node's version.
PROGRAMS = ["python", "go", "node-22", "node-24"]
PAGES = ["page-22", "page-24", "react-24"]
PYTHON = {"python": "rates_client.py", "events": "rates_events.py"}
# Seconds that every wait of a test may take at most, however busy the machine is.
PATIENCE = 60
# Seconds.
TIMES = {"first-wait": 0.3, "longest-wait": 0.6, "quiet": 30.0}


class Client:
    """
    A running client.

    Attributes:
        printed: the lines of its output.
        said: what it wrote to stderr: one line for each end of a connection.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed: list[str] = []
        self.said: list[str] = []
        self._readers = [
            asyncio.create_task(self._read(process.stdout, self.printed)),
            asyncio.create_task(self._read(process.stderr, self.said)),
        ]

    async def _read(self, stream: asyncio.StreamReader | None, lines: list[str]) -> None:
        assert stream is not None
        while line := await stream.readline():
            lines.append(line.decode().rstrip())

    def waits(self) -> list[float]:
        """Return the seconds that it chose to wait, one after the other."""
        return [float(found[1]) for line in self.said if (found := re.search(r"next attempt in ([\d.]+) s", line))]

    def tries(self) -> int:
        """Return how often it has tried to connect, or said that it will."""
        return sum("attempt" in line for line in self.said)

    async def until(self, claim: Callable[[], object]) -> None:
        """Wait until *claim* holds; what the client said is the error."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not claim():  # noqa: ASYNC110 - what is watched offers no event
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{self.said[-20:]} {self.printed[-5:]}") from None

    async def ended(self) -> int:
        """Wait until it ends by itself; its exit code."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._readers, return_exceptions=True)
            return await self.process.wait()

    async def cut_output(self) -> None:
        """Read its output no more, as `| head -1` does."""
        self._readers[0].cancel()
        self.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]

    async def kill(self) -> None:
        """End it."""
        if self.process.returncode is None:
            self.process.kill()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await self.process.wait()


@asynccontextmanager
async def running(
    name: str, url: str, folder: Path, times: dict[str, float] | None = None, **environment: str
) -> AsyncIterator[Client]:
    """Run the client *name* against *url*, a JavaScript one in *folder*; *times* change what `TIMES` says."""
    command = [*command_of(name, folder), *options(name, TIMES | (times or {})), url]
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | {"NO_COLOR": "1"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    client = Client(process)
    try:
        yield client
    finally:
        await client.kill()


def command_of(name: str, folder: Path) -> list[str]:
    """Return the command that runs the client *name*."""
    kind, _, version = name.partition("-")
    if kind in PYTHON:
        return [sys.executable, str(ROOT / "docs/clients" / PYTHON[kind])]
    if kind == "go":
        return [str(built_go_client())]
    node = HERE / f"node_modules/node{version}/bin/node"
    if not node.exists():
        pytest.skip(f"no Node {version}: npm ci --prefix tests/clients")
    return [str(node), str(laid_out(folder) / SCRIPTS[kind])]


@cache
def built_go_client() -> Path:
    """Compile the client in Go with the library of Debian's golang-github-gorilla-websocket-dev: nothing is fetched."""
    if not shutil.which("go") or not GORILLA.exists():
        pytest.skip("no Go with gorilla/websocket: apt-get install golang-go golang-github-gorilla-websocket-dev")
    program = Path(BUILT.name) / "client"
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}
    command = ["go", "build", "-o", str(program), "main.go"]
    subprocess.run(command, cwd=ROOT / "docs/clients/go", env=environment, check=True)
    return program


SCRIPTS = {"node": "rates-client.mjs", "page": "page.mjs", "react": "react.mjs"}


def laid_out(folder: Path) -> Path:
    """Copy the JavaScript clients and their drivers into *folder*, beside the packages that they need."""
    for file in [*(ROOT / "docs/clients").glob("*.*js"), *HERE.glob("*.mjs")]:
        shutil.copy(file, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    return folder


def options(name: str, times: dict[str, float]) -> list[str]:
    """Return *times* as the client takes them."""
    if name == "events":
        return []
    if name in PROGRAMS:
        return [word for option, seconds in times.items() for word in (f"--{option}", str(seconds))]
    return [
        json.dumps({"firstWait": times["first-wait"], "longestWait": times["longest-wait"], "quiet": times["quiet"]})
    ]
