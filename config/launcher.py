"""
`make run`: everything on this machine, in the foreground, from the Procfile.

    checks ─► migrate, seed_coins ─► redis, all of the Procfile ─► "Open http://…" ─► Ctrl-C, SIGTERM, or one ends
                                                                                      └─► all end, none is left

Whatever stops the start is one line on stderr. `redis` is the embedded one: there is none when another is configured,
or when a command typed by hand has started it already. `stream` is left out when there is none to keep open.

honcho reads the Procfile and prints the lines; its manager is not used, because it learns of an end only when the last
child has closed the output (a killed worker whose beat lives on is never noticed), and it signals whole groups at once,
which ends the worker's child in the middle of a tick.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import monotonic, sleep
from types import SimpleNamespace
from typing import NamedTuple

from honcho.colour import get_colours
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer

from config import embedded_redis, folder
from config.console import in_json, json_line, refuse_start
from config.environment.addresses import in_url
from config.environment.readers import load_dotenv, text
from config.folder import BASE_DIR
from config.probe import answers, reachable

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


def main() -> int:
    """Run until a signal or the end of a process; return the exit code."""
    try:
        with folder.own_files():
            only_one = folder.private_file(folder.open_data_dir() / "run.lock")
            if not folder.take(only_one):
                refuse_start("The service is already running from this folder; stop it first (Ctrl-C there).")
            folder.join()
        settings = prepare()
        return run(commands(settings), settings)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def prepare() -> SimpleNamespace:
    """
    Check and prepare everything; return the few settings that running it needs.

    A process of its own does it, so that this one stays small: it has nothing to do then but to wait.
    """
    load_dotenv()
    if not (text("REDIS_URL") or text("REDIS_HOST")):
        os.environ["REDIS_URL"] = embedded_redis.address()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [sys.executable, "-m", "config.prepare"]
    done = subprocess.run(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    *said, last = done.stdout.splitlines()
    for line in said:
        say(line)
    settings = SimpleNamespace(**json.loads(last))
    os.environ.update(HOST=settings.HOST, PORT=str(settings.PORT), PYTHONUNBUFFERED="1")
    return settings


def commands(settings: SimpleNamespace) -> dict[str, str]:
    """Return the commands to run, by name."""
    found = dict(parse_procfile((BASE_DIR / "Procfile").read_text()).processes)
    if not settings.RATES_STREAM:
        found.pop("stream", None)
    if embedded_redis.is_own(settings.REDIS_URL) and not embedded_redis.is_running():
        return {"redis": "python -m config.embedded_redis", **found}
    return found


def run(to_run: dict[str, str], settings: SimpleNamespace) -> int:
    """Run the commands until the first of them ends or a signal comes; leave no process behind."""
    events: SimpleQueue[Ended] = SimpleQueue()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda number, _: events.put(Ended(None, number)))
    children = [
        start(name, colour, command) for (name, command), colour in zip(to_run.items(), get_colours(), strict=False)
    ]
    for child in children:
        Thread(target=relay, args=(child,), daemon=True).start()
        Thread(target=watch, args=(child, events), daemon=True).start()
    Thread(target=announce, args=(settings,), daemon=True).start()
    ended = events.get()
    say("Stopping …" if ended.name is None else f"{ended.name} ended with exit code {ended.code}; stopping everything.")
    stop([child for child in children if child.name != "redis"], GRACE)
    stop([child for child in children if child.name == "redis"], REDIS_GRACE)
    return 0 if ended.name is None else 1


def start(name: str, colour: str, command: str) -> Child:
    """Start one process in a group of its own, so that Ctrl-C reaches it only through us."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"],
        cwd=BASE_DIR,
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


def announce(settings: SimpleNamespace) -> None:
    """Say where to look as soon as the web process answers, whatever it says."""
    while not answers(settings.HOST, settings.PORT):
        sleep(0.1)
    if embedded_redis.is_own(settings.REDIS_URL):
        say(embedded_redis.whereabouts())
    place = f"{in_url(reachable(settings.HOST))}:{settings.PORT}{settings.RATES_ROOT_PATH}"
    say(f"Open http://{place}/  (Ctrl-C ends everything)")


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
        return json_line("INFO", "config.launcher", line)
    with suppress(ValueError):
        if isinstance(json.loads(line), dict):
            return line
    return json_line("WARNING", child.name, line, child.process.pid)


if __name__ == "__main__":
    sys.exit(main())
