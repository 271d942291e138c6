"""
What a tick and an answer of `/api/rates` take beside the recording, as a ratio of medians; for `benchmarks.history`.

Ticks with the recorder and without alternate. For the answers a real web process is asked again and again while another
process publishes; in every other round that one also records what it publishes, reports it to Redis and writes the
minute of all coins to the database, which in life it does once a minute.
"""

import asyncio
import subprocess
import sys
import time
from statistics import median
from typing import Any

from benchmarks.http_api import exchange, question, server

TICKS, ROUNDS, ANSWERS = 80, 60, 200
# The minute that runs is written too.
AHEAD = 120


class _NoRecorder:
    """What a publication is given to for comparison."""

    def record(self, saved: Any) -> None:
        """Do nothing."""


def run_tick(recorded: bool) -> float:
    """Run a tick, *recorded* or not; return its processor time in seconds."""
    from rates import feed  # noqa: PLC0415 - Django reads its settings first
    from rates.history.recorder import recorder  # noqa: PLC0415

    feed.recorder = recorder if recorded else _NoRecorder
    began = time.process_time()
    feed.run_tick()
    return time.process_time() - began


def compare_ticks() -> float:
    """Return what a tick with the recorder costs, times one without."""
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(TICKS):
        recorded = bool(number % 2)
        taken[recorded].append(run_tick(recorded))
    return median(taken[True]) / median(taken[False])


def publish_when_told() -> None:
    """Publish for each line on standard input, and with a line of 1 also record and write it; the settings are set."""
    import django  # noqa: PLC0415

    django.setup()
    from rates.history import writer  # noqa: PLC0415
    from rates.history.recorder import recorder  # noqa: PLC0415

    for line in sys.stdin:
        recorded = line == "1\n"
        run_tick(recorded)
        if recorded:
            recorder().flush()
            assert writer.write_closed(time.time() + AHEAD)
        print("done", flush=True)


def compare_answers() -> float:
    """Return how long an answer takes while publications are recorded and written, times one while they are not."""
    command = [sys.executable, "-m", "benchmarks.history_beside"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as publisher:
        # There has to be a board.
        _tell(publisher, recorded=True)
        _wait(publisher)
        with server("manage.py", "serve") as (_, port):
            taken = asyncio.run(_ask_in_turns(port, publisher))
        publisher.communicate()
    return median(taken[True]) / median(taken[False])


async def _ask_in_turns(port: int, publisher: "subprocess.Popen[str]") -> dict[bool, list[float]]:
    connection = await asyncio.open_connection("127.0.0.1", port)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(ROUNDS):
        recorded = bool(number % 2)
        _tell(publisher, recorded)
        for _ in range(ANSWERS):
            began = time.perf_counter()
            head, _ = await exchange(*connection, question(b""))
            taken[recorded].append(time.perf_counter() - began)
            assert head.startswith(b"HTTP/1.1 200"), head
        _wait(publisher)
    connection[1].close()
    return taken


def _tell(publisher: "subprocess.Popen[str]", recorded: bool) -> None:
    assert publisher.stdin
    publisher.stdin.write(f"{recorded:d}\n")
    publisher.stdin.flush()


def _wait(publisher: "subprocess.Popen[str]") -> None:
    assert publisher.stdout
    assert publisher.stdout.readline() == "done\n"


if __name__ == "__main__":
    publish_when_told()
