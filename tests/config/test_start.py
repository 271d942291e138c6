"""One way to start: whatever is typed in a fresh clone, in any order, is one service, and ends without a word."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from tempfile import gettempdir
from urllib.request import urlopen

import jwt
import pytest
import redis

from tests.config.commands import BIN, MANAGE, run, running_in, typed
from tests.config.conftest import clone
from tests.ports import free_port

WORKER = ("celery", "-A", "config", "worker", "-B")


def wait_until_nothing_runs(folder: Path) -> None:
    """Wait for the embedded Redis, which ends after the last process that uses it."""
    deadline = time.monotonic() + 60
    while (running := running_in(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running == {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh clone in which somebody has typed the worker's line, and nothing before it."""
    folder = clone(tmp_path_factory.mktemp("clone"))
    with typed(folder, *WORKER) as worker:
        assert "Coins: BTC, ETH, SOL, XLM" in worker.wait_for("Coins")
        assert "Redis for other programs: 127.0.0.1 port " in worker.wait_for("Redis")
        yield folder
    wait_until_nothing_runs(folder)


def first_map(folder: Path) -> dict[str, float]:
    with typed(folder, *MANAGE, "subscribe_rates") as subscriber:
        return json.loads(subscriber.wait_for("{"))


def test_a_worker_typed_first_makes_prices_that_other_programs_can_subscribe_to(folder: Path) -> None:
    assert first_map(folder).keys() == {"BTC", "ETH", "SOL", "XLM"}


@pytest.mark.parametrize(
    "words",
    [
        ("daphne", "-p", "PORT", "config.asgi:application"),
        ("uvicorn", "--port", "PORT", "config.asgi:application"),
        (*MANAGE, "runserver", "PORT"),
        (*MANAGE, "serve"),
    ],
    ids=lambda words: words[0] if words[0] != "python" else words[2],
)
def test_every_server_shows_the_workers_prices(folder: Path, words: tuple[str, ...]) -> None:
    port = str(free_port())
    with typed(folder, *(port if word == "PORT" else word for word in words), PORT=port):
        assert [coin["symbol"] for coin in board(port)["rates"] if coin["price"]] == ["BTC", "ETH", "SOL", "XLM"]


def board(port: str) -> dict:
    """Return the board as soon as the server there answers, with prices."""
    deadline = time.monotonic() + 60
    while True:
        try:
            found = json.load(urlopen(f"http://127.0.0.1:{port}/api/rates", timeout=10))
        except OSError:
            found = {"rates": []}
        if any(coin["price"] for coin in found["rates"]):
            return found
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_worker_that_lost_its_redis_ends_without_a_traceback(checkout: Path) -> None:
    with typed(checkout, "celery", "-A", "config", "worker") as worker:
        assert "price now from simulated: BTC, ETH, SOL, XLM" in worker.wait_for("price now from")
        said = "".join(worker.said)
        assert ("superuser" in said, said.count("runs as root")) == (False, int(os.geteuid() == 0))
        [server] = [pid for pid, line in running_in(checkout).items() if "valkey-server" in line]
        os.kill(server, signal.SIGTERM)
        # Said by its child. It tries to connect by then.
        worker.wait_for("candles wait: Redis")


def test_the_embedded_redis_ends_although_its_folder_is_gone(checkout: Path) -> None:
    with typed(checkout, *MANAGE, "stream_rates", RATES_STREAM="kraken", KRAKEN_WS_URL="ws://127.0.0.1:9") as stream:
        stream.wait_for("this process streams")
        shutil.rmtree((checkout / "var").rename(checkout / "gone"), ignore_errors=True)
    wait_until_nothing_runs(checkout)


def test_streams_are_opened_by_hand_too(folder: Path) -> None:
    nowhere = dict.fromkeys(("BINANCE_STREAM_URL", "KRAKEN_WS_URL"), "ws://127.0.0.1:9")
    with typed(folder, *MANAGE, "stream_rates", RATES_STREAM="kraken", **nowhere) as stream:
        stream.wait_for("this process streams: kraken")


def test_the_shell_sees_the_same_prices(folder: Path) -> None:
    first_map(folder)
    code = "from rates import store; print(*store.load_snapshot().fragments)"
    assert run(folder, *MANAGE, "shell", "-v0", "-c", code).stdout.split() == ["BTC", "ETH", "SOL", "XLM"]


def test_the_port_on_the_loopback_interface_wants_the_password_that_only_this_user_can_read(folder: Path) -> None:
    port = int((folder / "var/redis.port").read_text())
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()
    assert redis.Redis(port=port, password=(folder / "var/redis.password").read_text()).ping()
    assert stat.S_IMODE((folder / "var").stat().st_mode) == 0o700
    for name in ("redis.password", "redis.conf", "redis.port", "secret_key", "jwt_key"):
        assert stat.S_IMODE((folder / "var" / name).stat().st_mode) == 0o600, name
    password = (folder / "var/redis.password").read_text()
    assert not [line for line in running_in(folder).values() if password in line]


def test_make_clean_refuses_while_a_process_runs_and_removes_nothing(folder: Path) -> None:
    done = subprocess.run(["make", "clean"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "The service is running from this folder" in done.stderr
    assert (folder / "var/db.sqlite3").exists()


def test_make_clean_removes_all_local_data(checkout: Path) -> None:
    run(checkout, *MANAGE, "check")
    assert (checkout / "var/secret_key").exists()
    subprocess.run(["make", "clean"], cwd=checkout, check=True)
    assert not {".venv", "var"} & {path.name for path in checkout.iterdir()}
    assert (BIN / "python").exists()


def test_an_account_can_be_made_first_of_all(checkout: Path) -> None:
    account = ("createsuperuser", "--noinput", "--username", "ann", "--email", "ann@example.com")
    assert "Superuser created" in run(checkout, *MANAGE, *account, DJANGO_SUPERUSER_PASSWORD="x").stdout
    code = "from django.contrib.auth.models import User; print(User.objects.get().username)"
    assert run(checkout, *MANAGE, "shell", "-v0", "-c", code).stdout.strip() == "ann"
    wait_until_nothing_runs(checkout)


def test_a_token_can_be_issued_and_the_same_key_checks_it(checkout: Path) -> None:
    done = run(checkout, *MANAGE, "issue_token", "ann")
    assert "RATES_WS_AUTH=public" in done.stderr
    assert jwt.decode(done.stdout.strip(), (checkout / "var/jwt_key").read_text(), ["HS256"])["sub"] == "ann"
    assert settings_of(checkout, "RATES_JWT_KEY", RATES_WS_AUTH="jwt") == (checkout / "var/jwt_key").read_text()


def settings_of(folder: Path, name: str, **settings: str) -> str:
    return run(folder, "python", "-c", f"import config.settings as s; print(s.{name})", **settings).stdout.strip()


def test_in_production_nothing_is_made_up(checkout: Path) -> None:
    done = run(checkout, *MANAGE, "check", DEBUG="False")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Bad setting: SECRET_KEY")
    done = run(checkout, *MANAGE, "check", DEBUG="False", SECRET_KEY=64 * "s")
    assert (done.returncode, done.stderr) == (0, "")
    assert not [path.name for path in (checkout / "var").iterdir() if "key" in path.name or "password" in path.name]


def test_without_the_service_a_subscriber_says_how_to_start_it(checkout: Path) -> None:
    done = run(checkout, *MANAGE, "subscribe_rates")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "`make run` starts it" in line


def test_a_redis_that_cannot_be_started_is_one_line(checkout: Path) -> None:
    (checkout / "var/redis.sock").mkdir(parents=True)
    done = run(checkout, *MANAGE, "stream_rates", RATES_STREAM="kraken")
    assert done.returncode == 1
    [_coins, line] = done.stderr.splitlines()
    assert "The embedded Redis of this folder cannot be started" in line
    assert "python -m config.embedded_redis" in line


def test_honcho_starts_the_same_service(checkout: Path) -> None:
    """It reads `.env` in a way of its own, which cuts a value at its `#`."""
    port = free_port()
    (checkout / ".env").write_text(f"PORT={port}\nREDIS_CHANNEL=a#b\nRATES_REFRESH_INTERVAL=15\n")
    with typed(checkout, "honcho", "start") as service:
        service.wait_for(f"serving on 127.0.0.1 port {port}")
        assert first_map(checkout)
        # It ends whole groups of processes at once, and a child in the middle of a tick would be lost. The map comes
        # from that middle; the next tick is far.
        time.sleep(2)
    wait_until_nothing_runs(checkout)


@pytest.mark.parametrize(("given", "port"), [("5000", "8000"), ("9000", "9000")])
def test_under_honcho_a_port_is_only_what_somebody_named(checkout: Path, given: str, port: str) -> None:
    assert settings_of(checkout, "PORT", HONCHO_PROCESS_NAME="web.1", PORT=given) == port


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_person_is_told_whose_folder_it_is_and_changes_nothing(checkout: Path) -> None:
    run(checkout, *MANAGE, "check")
    # However deep the test run puts it.
    for folder in takewhile(lambda folder: folder != Path(gettempdir()), checkout.parents):
        folder.chmod(0o755)
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    before = sorted(path.name for path in checkout.iterdir())
    for mode, command in ((0o755, "run"), (0o777, "run"), (0o777, "clean")):
        checkout.chmod(mode)
        done = subprocess.run([*nobody, "make", command], cwd=checkout, capture_output=True, text=True, check=False)
        assert "belongs to root" in done.stderr
        assert sorted(path.name for path in checkout.iterdir()) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its powers over files")
def test_a_folder_that_cannot_be_written_is_one_line_that_says_what_to_do(checkout: Path) -> None:
    (checkout / "var").mkdir(mode=0o500)
    plain = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps=-all")
    done = subprocess.run(
        [*plain, BIN / "python", "manage.py", "migrate"], cwd=checkout, env={"DEBUG": "False", "SECRET_KEY": 50 * "k"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, f"{checkout}/var: Permission denied.\n")


def test_a_database_that_cannot_be_used_is_one_line(checkout: Path) -> None:
    done = run(checkout, *MANAGE, "migrate", DATABASE_URL="postgres://u:guess-me@127.0.0.1:9/rates")
    assert done.returncode == 1
    assert re.fullmatch(r"The database cannot be used: .*Connection refused\n", done.stderr)


def test_a_long_path_has_its_socket_in_a_private_folder_that_nobody_can_take_first(tmp_path: Path) -> None:
    folder = clone(tmp_path / (100 * "x"))
    code = "from config import embedded_redis; print(embedded_redis.socket_path().parent)"
    elsewhere = {"TMPDIR": str(tmp_path)}
    private = Path(run(folder, "python", "-c", code, **elsewhere).stdout.strip())
    assert private.parent == tmp_path
    with typed(
        folder, *MANAGE, "stream_rates", KRAKEN_WS_URL="ws://127.0.0.1:9", RATES_STREAM="kraken", **elsewhere
    ) as stream:
        stream.wait_for("this process streams")
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    wait_until_nothing_runs(folder)
    if os.geteuid() == 0:
        os.chown(private, 65534, 65534)
        assert "belongs to somebody else" in run(folder, *MANAGE, "check", **elsewhere).stderr


def test_ctrl_c_at_any_time_is_no_traceback() -> None:
    done = run(Path(), "python", "-c", "import config; raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
