"""What a person types in a folder of their own, with no variable set but those of a quick test; ended by Ctrl-C."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.executable).parent
# Prices without a question to anybody, and soon.
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "RATES_SOURCES": "simulated",
    "RATES_REFRESH_INTERVAL": "1",
}
MANAGE = ("python", "manage.py")


class Command:
    """A command that runs until Ctrl-C."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        self.process = subprocess.Popen(
            [BIN / words[0], *words[1:]],
            cwd=folder,
            env=ENVIRONMENT | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches all that a terminal started, and nothing else.
            start_new_session=True,
            # A test run in the background of a shell ignores Ctrl-C, and so would what it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs
            text=True,
        )
        self.said: list[str] = []

    def wait_for(self, words: str) -> str:
        """Return the first line with *words*."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError("".join(self.said))

    def interrupt(self) -> str:
        """Press Ctrl-C; return all that was said."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.said.append(self.process.communicate(timeout=60)[0])
        return "".join(self.said)


@contextmanager
def typed(folder: Path, *words: str, **settings: str) -> Iterator[Command]:
    """Run a command that has nothing to say about its end; leave none of its processes behind."""
    others = running_in(folder)
    command = Command(folder, *words, **settings)
    try:
        yield command
        said = command.interrupt()
        assert "Traceback" not in said, said
        assert "Exception ignored" not in said, said
    finally:
        if command.process.poll() is None:
            for pid in running_in(folder).keys() - others:
                os.kill(pid, signal.SIGKILL)
            command.process.communicate()


def run(folder: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [BIN / words[0], *words[1:]],
        cwd=folder, env=ENVIRONMENT | settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


def running_in(folder: Path) -> dict[int, str]:
    """Return the command lines of the processes that run from *folder*."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "cwd").resolve().is_relative_to(folder) and (path / "cmdline").read_bytes():
                found[int(path.name)] = (path / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found
