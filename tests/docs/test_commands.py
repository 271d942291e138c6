"""Every command of the documents is tried, or `NOT_TRIED` says why not."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import yaml
from daphne.cli import CommandLineInterface
from django.core.management import get_commands, load_command_class
from honcho.command import parser as honcho

from tests.boards import publish, publishing
from tests.clients.clients import command_of
from tests.docs.commands import Command, commands
from tests.docs.markdown import ROOT
from tests.servers import Server

CLIENTS = ROOT / "docs/clients"
SECONDS = 60
NOT_TRIED = {
    r"certbot .*": "asks Let's Encrypt for a certificate",
    r"curl .* >> prices\.journal": "tests/clients/test_ledgers.py runs it, and reads the journal",
    r"docker build .*": "needs a container engine; tests/config/test_containers.py checks the Dockerfile",
    r"(useradd|install|chown|chmod|cp -r deploy/systemd/\.|systemctl|systemd-analyze) .*": "changes the machine; "
    "tests/config/test_systemd.py reads the units",
    r"make -C /opt/rates .*": "needs a release that is installed",
    r"pg_restore .*": "needs a PostgreSQL with a dump",
    r"promtool test rules deploy/alerts_test.yml": "tests/telemetry/test_monitoring.py runs it",
}


class Running(NamedTuple):
    """What commands are tried on: a web process, its Redis, and an empty folder."""

    address: str
    redis_url: str
    folder: Path


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Server("prepared", tmp_path_factory.mktemp("web") / "server.log") as server:
        yield server.address


@pytest.fixture
def running(address: str, tmp_path: Path) -> Running:
    publish(BTC="63250.12")
    return Running(address, os.environ["REDIS_URL"], tmp_path)


def run(line: str, folder: Path = ROOT, **environment: str) -> str:
    """Run *line* in a shell to its end; return what it prints."""
    done = subprocess.run(
        line, cwd=folder, env=os.environ | environment, shell=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}"
    return done.stdout


def run_until(printed: str, line: str, folder: Path = ROOT, **environment: str) -> None:
    """Run *line*, which has no end, until it prints a line that contains *printed*; boards are published meanwhile."""
    with (
        publishing(0.2, BTC="63250.12"),
        subprocess.Popen(
            shlex.split(line),
            cwd=folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        deadline = Timer(SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        deadline.start()
        assert process.stdout
        said = any(printed in line for line in process.stdout)
        deadline.cancel()
        os.killpg(process.pid, signal.SIGKILL)
    assert said, f"{line} never printed {printed}"


def try_make(line: str, running: Running) -> None:
    """Its targets exist; nothing of what they do is done."""
    run(re.sub(r"\bmake\b", "make --dry-run", line, count=1))


def try_manage(line: str, running: Running) -> None:
    """The command exists and takes these arguments."""
    name, *arguments = shlex.split(line.partition("manage.py ")[2])
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)


def try_module(line: str, running: Running) -> None:
    """The module can be imported, and spells these options."""
    _, _, module, *arguments = line.split()
    run(f"{sys.executable} -c 'import {module}'")
    place = ROOT / module.replace(".", "/")
    source = (place / "__main__.py" if place.is_dir() else place.with_suffix(".py")).read_text()
    assert [word for word in arguments if word.startswith("--") and f'"{word}"' not in source] == []


def try_click(line: str, running: Running) -> None:
    """The program takes these options; its help is all that it does."""
    run(f"{sys.executable} -m {line} --help")


def try_daphne(line: str, running: Running) -> None:
    CommandLineInterface().parser.parse_args(shlex.split(line)[1:])


def try_honcho(line: str, running: Running) -> None:
    honcho.parse_args(shlex.split(line)[1:])


def try_compose(line: str, running: Running) -> None:
    """Its services are in the file."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(re.findall(r"(?:exec|run(?: --rm)?|--scale) (\w+)", line)) <= set(services)
    if "manage.py" in line:
        try_manage(line, running)


def try_curl(line: str, running: Running) -> None:
    """The service answers; `/readyz` with 503, for the prices of a test are not fresh."""
    asked = re.sub(r"https?://(127\.0\.0\.1:8000|rates\.example\.com)", f"http://{running.address}", line)
    assert asked != line
    assert run(f"{asked} --silent --show-error --write-out '\n%{{http_code}}'").split()[-1] in {"200", "503"}


def try_event_stream(line: str, running: Running) -> None:
    """It prints events until somebody ends it."""
    run_until("event: update", line.replace("127.0.0.1:8000", running.address))


def try_redis_cli(line: str, running: Running) -> None:
    """With the Redis of the test as the folder's own; where there is nothing to find, something is put there first."""
    if not shutil.which("redis-cli"):
        pytest.skip("needs redis-cli (apt install redis-tools)")
    server = urlsplit(running.redis_url)
    (running.folder / "var").mkdir()
    (running.folder / "var/redis.port").write_text(str(server.port))
    (running.folder / "var/redis.password").write_text(server.password or "")
    ours = f"redis-cli -u {running.redis_url} --no-auth-warning"
    run(f"{ours} HSET rates:login:name:a 1 1")
    asked = line if "var/redis" in line else line.replace("redis-cli", ours)
    if "SUBSCRIBE" in line:
        run_until('{"BTC":63250.12}', shlex.join(["sh", "-c", asked]), running.folder)
    else:
        assert "ERR" not in run(asked, running.folder)


def try_subscriber(line: str, running: Running) -> None:
    run_until('{"BTC":63250.12}', f"{sys.executable} {line[line.index('manage.py') :]}")


def try_in_a_folder(line: str, running: Running) -> None:
    """In an empty folder that has what the command writes to or copies."""
    (running.folder / "deploy/tls").mkdir(parents=True)
    shutil.copy(ROOT / ".env.example", running.folder)
    run(line, running.folder)


def try_client(line: str, running: Running) -> None:
    """Built and started as `tests/clients/` does it."""
    word = line.split(maxsplit=1)[0]
    name = "events" if "rates_events" in line else {"python": "python", "go": "go", "node": "node-22"}[word]
    url = line.rsplit(maxsplit=1)[-1].replace("127.0.0.1:8000", running.address)
    run_until("63250.12", shlex.join([*command_of(name, running.folder), url]))


TRIALS: dict[str, Callable[[str, Running], None]] = {
    r"([A-Z_]+=\S+ )*make .+": try_make,
    r".*manage\.py subscribe_rates": try_subscriber,
    r"((\.venv/bin/)?python3? )?manage\.py .+": try_manage,
    r"python -m (benchmarks|config)\..+": try_module,
    r"(python rates_(client|events)\.py|go run \.|node rates-client\.mjs) .+": try_client,
    r"(celery|uvicorn) .+": try_click,
    r"daphne .+": try_daphne,
    r"honcho .+": try_honcho,
    r"docker compose .+": try_compose,
    r"curl -N .+": try_event_stream,
    r"curl .+": try_curl,
    r"([A-Z_]+=\S+ \S+ )*redis-cli .+": try_redis_cli,
    r"(openssl|cp|python3 -c) .+": try_in_a_folder,
}


@pytest.mark.parametrize("command", commands(), ids=lambda command: f"{command.document}: {command.line}")
def test_a_command_of_the_documents_works(command: Command, running: Running) -> None:
    if any(re.fullmatch(pattern, command.line) for pattern in NOT_TRIED):
        return
    trials = [trial for pattern, trial in TRIALS.items() if re.fullmatch(pattern, command.line)]
    assert trials, "say in TRIALS how this command is tried, or in NOT_TRIED why it is not"
    trials[0](command.line, running)


def test_every_exception_is_still_needed() -> None:
    lines = [command.line for command in commands()]
    assert [pattern for pattern in NOT_TRIED if not any(re.fullmatch(pattern, line) for line in lines)] == []


def test_the_go_client_has_the_sums_of_its_packages() -> None:
    """Without them `go run` asks to fetch them by hand first."""
    required = re.findall(r"^require (\S+ \S+)$", (CLIENTS / "go/go.mod").read_text(), re.M)
    sums = (CLIENTS / "go/go.sum").read_text()
    assert required
    for package in required:
        assert f"{package} h1:" in sums
        assert f"{package}/go.mod h1:" in sums
