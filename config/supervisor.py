"""
What `make run` becomes when all is prepared: it starts the processes, prints their lines, and ends with the first.

    redis, all of the Procfile ─► "Open http://…" ─► Ctrl-C, SIGTERM, or one ends ─► all end, none is left

It only waits, so it loads little. honcho reads the Procfile and prints the lines; its manager is not used, because it
learns of an end only when the last child has closed the output (a killed worker whose child lives on is never noticed),
and it signals whole groups at once, which would end a process in the middle of a tick.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Any, NamedTuple

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from config.console import in_json, json_line
from config.probe import answers

# Seconds that processes have to end by themselves; Redis goes after those that use it.
GRACE = 6
REDIS_GRACE = 2
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

printer = Printer(sys.stdout, time_format="%H:%M:%S", width=len("worker"))


class Child(NamedTuple):
    """One running process of the Procfile; it leads a process group of its own."""

    name: str
    colour: str
    process: "subprocess.Popen[bytes]"


class Ended(NamedTuple):
    """Why to stop: a process that ended by itself, or a signal to us (then *name* is None)."""

    name: str | None
    code: int


def run(plan: Mapping[str, Any]) -> int:
    """Run the commands until one of them ends or a signal comes, leave no process behind; return the exit code."""
    for line in plan["said"]:
        say(line)
    events: SimpleQueue[Ended] = SimpleQueue()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda number, _: events.put(Ended(None, number)))
    children = [
        start(name, colour, command)
        for (name, command), colour in zip(plan["commands"].items(), get_colours(), strict=False)
    ]
    for child in children:
        Thread(target=relay, args=(child,), daemon=True).start()
        Thread(target=watch, args=(child, events), daemon=True).start()
    Thread(target=announce, args=(plan,), daemon=True).start()
    ended = events.get()
    say("Stopping …" if ended.name is None else f"{ended.name} ended with exit code {ended.code}; stopping everything.")
    stop([child for child in children if child.name != "redis"], GRACE)
    stop([child for child in children if child.name == "redis"], REDIS_GRACE)
    return 0 if ended.name is None else 1


def start(name: str, colour: str, command: str) -> Child:
    """Start one process in a group of its own, so that Ctrl-C reaches it only through us."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return Child(name, colour, process)


def relay(child: Child) -> None:
    """Print what *child* says, line by line."""
    assert child.process.stdout
    for line in child.process.stdout:
        say(line.decode(errors="replace"), child)


def watch(child: Child, events: "SimpleQueue[Ended]") -> None:
    """Report the end of *child*."""
    events.put(Ended(child.name, child.process.wait()))


def announce(plan: Mapping[str, Any]) -> None:
    """Say where to look as soon as the web process answers, whatever it says."""
    while not answers(plan["host"], plan["port"]):
        sleep(0.1)
    say(f"Open {plan['address']}  (Ctrl-C ends everything)")


def stop(children: Sequence[Child], seconds: float) -> None:
    """Ask *children* to end, wait for at most *seconds*, then end them and whatever they have left behind."""
    for child in children:
        with suppress(ProcessLookupError):
            child.process.terminate()
    deadline = monotonic() + seconds
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0, deadline - monotonic()))
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()


def say(line: str, child: Child | None = None) -> None:
    """Print one line; a terminal that is gone is no reason to stop."""
    with suppress(OSError):
        if in_json():
            sys.stdout.write(as_json(line.rstrip("\r\n"), child) + "\n")
            sys.stdout.flush()
        else:
            name, colour = (child.name, child.colour) if child else ("", None)
            printer.write(Message("line", line, datetime.now().astimezone(), name, colour))


def as_json(line: str, child: Child | None) -> str:
    """Return *line* as an object; what our processes log is one already."""
    if child is None:
        return json_line("INFO", "config.supervisor", line)
    with suppress(ValueError):
        if isinstance(json.loads(line), dict):
            return line
    return json_line("WARNING", child.name, line, child.process.pid)


if __name__ == "__main__":
    with open(int(sys.argv[1])) as pipe:
        plan = json.load(pipe)
    sys.exit(run(plan))
