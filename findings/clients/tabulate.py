"""Run every program against every case, as it is and with its line, and print the table of `docs/clients/libraries.md`."""

import asyncio
import os
import re
import sys
from pathlib import Path

import server

HERE = Path(__file__).parent
CASES = ["403", "503", "1012", "1013", "4001", "500"]
# Seconds that a program is watched; what comes back by itself has done so by then.
WATCHED = 7
# Seconds of which a program with its line waits a random part here, and in the table.
SHORT, LONG = 2, 10
PYTHON, NODE_22, NODE_24 = "venv/bin/python", "node_modules/node22/bin/node", "node_modules/node24/bin/node"
# Name of the row, the program, and what runs it; those in Go are compiled.
PROGRAMS = [
    ("websockets {websockets}, `async for`", "websockets_async.py", PYTHON),
    ("websockets {websockets}, sync", "websockets_sync.py", PYTHON),
    ("aiohttp {aiohttp}", "aiohttp_client.py", PYTHON),
    ("websocket-client {websocket-client}, `reconnect=2`", "websocket_client.py", PYTHON),
    ("httpx-ws {httpx-ws}", "httpx_ws_client.py", PYTHON),
    ("ws {ws}", "ws.mjs", NODE_24),
    ("Node {node24}, built in", "built_in.mjs", NODE_24),
    ("Node {node22}, built in", "built_in_22.mjs", NODE_22),
    ("reconnecting-websocket {reconnecting-websocket}", "reconnecting-websocket.mjs", NODE_24),
    ("partysocket {partysocket}", "partysocket.mjs", NODE_24),
    ("gorilla {gorilla}", "gorilla.go", ""),
    ("nhooyr {nhooyr}", "nhooyr.go", ""),
]
places = asyncio.Semaphore(4)


async def watch(port, program, runner, case, with_line):
    """Return what a program says in a case, and when it shook hands."""
    path = f"/{case}/{program}/{with_line}"
    environment = os.environ | {"SECONDS": str(SHORT)}
    command = [runner, program] if runner else [f"./{program.removesuffix('.go')}"]
    words = [*command, f"ws://127.0.0.1:{port}{path}", *["with line"] * with_line]
    async with places:
        process = await asyncio.create_subprocess_exec(
            *words, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        reading = asyncio.create_task(process.communicate())
        await asyncio.wait({reading}, timeout=WATCHED)
        if not reading.done():
            process.kill()
        said, wrong = await reading
    assert server.handshakes[path], f"{words}: {wrong.decode()}"
    return list(dict.fromkeys(line.strip() for line in said.decode().splitlines())), server.handshakes[path]


def describe(case, said, times):
    """Return the cell of one case."""
    seen = [line for line in said if case == "500" or not line.startswith("board of")]
    text = "; ".join(seen) or "says nothing"
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    if not gaps:
        return text
    return text + ("; **again at once**" if sum(gaps) / len(gaps) < 0.2 else "; again after a wait")


async def row(port, name, program, runner):
    """Return one row; a program with its line has to come back, and not often."""
    cells = [describe(case, *await watch(port, program, runner, case, False)) for case in CASES]
    for case in ("503", "1012"):
        _, times = await watch(port, program, runner, case, True)
        assert 2 <= len(times) <= 30, f"{name} with its line, {case}: {len(times)} handshakes"
    return f"| {name} | {' | '.join(cells)} | `{line_of(program)}` |"


def line_of(program):
    """Return the line that makes a program come back, from its source, with the seconds that are right."""
    line = re.search(r"^\s*(.*?)\s*(?:#|//) the line$", (HERE / program).read_text(), re.M)[1]
    for here, there in (
        ("while WITH_LINE:", "while True:"), ("for withLine {", "for {"), ("seconds * 1e9", f"{LONG}e9"),
        ("SECONDS * 1000", f"{LONG}_000"), ("SECONDS", str(LONG)),
    ):  # fmt: skip
        line = line.replace(here, there)
    return line


async def main():
    """Print the table; the arguments are the versions, `name=version`."""
    versions = dict(word.split("=") for word in sys.argv[1:])
    async with server.start() as running:
        port = running.sockets[0].getsockname()[1]
        rows = await asyncio.gather(
            *(row(port, name.format_map(versions), program, runner) for name, program, runner in PROGRAMS)
        )
    print("| client | 403 | 503 | 1012 after `bye` | 1013 | 4001 | 500 coins | the line |")
    print("|---|---|---|---|---|---|---|---|")
    print(*rows, sep="\n")


asyncio.run(main())
