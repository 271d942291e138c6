"""The processes of a deployment together: any web process shows all of them, and all of them log as they should."""

import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.canaries import find_leaks
from tests.environment import MARK, SECRETS
from tests.faults.processes import BIN, ROOT, START, Process, Redis, System, wait_until
from tests.prometheus import named_metrics, promtool, sample_names
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko

Series = tuple[str, tuple[tuple[str, str], ...]]
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3OTU1NzQyMjl9.vLgXX5X8GfOF0OafpH7mPqxUUrQpjixW0mTVUMRvPpU"
METRICS_TOKEN = f"{MARK}-metrics-token"
SETTINGS = SECRETS | {
    "RATES_WS_AUTH": "jwt",
    "METRICS_TOKEN": METRICS_TOKEN,
    "LOG_FORMAT": "json",
    "PYTHONWARNINGS": "default",
    # A source has a third of it to answer, on a busy machine too.
    "RATES_REFRESH_INTERVAL": "3",
}
REPORTING = {"beat": 2, "stream": 1, "web": 2, "worker": 1}
# Several ticks, confirmations of the streams, and reports.
QUIET_SECONDS = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployment")


@pytest.fixture(scope="module")
def system(folder: Path) -> Iterator[System]:
    """Two web processes, a worker with beat, another beat, the streams: all with JSON logs, jwt and many secrets."""
    database = folder / "empty.sqlite3"
    database.touch()
    with ExitStack() as stack:
        server = Redis(folder)
        stack.callback(server.process.end)
        market = stack.enter_context(CoinGecko(moves=True))
        exchange = stack.enter_context(Binance(moves=True))
        settings = SETTINGS | {
            "COINGECKO_API_URL": market.url,
            "RATES_SOURCES": "coingecko",
            "RATES_STREAM": "binance",
            "BINANCE_STREAM_URL": exchange.url,
            "WEB_CONCURRENCY": "2",
        }
        url = f"redis://default:{SECRETS['REDIS_PASSWORD']}@127.0.0.1:{server.port}/0"
        running = stack.enter_context(System(folder, url, database, **settings))
        running.manage("migrate", "--verbosity", "0")
        running.manage("seed_coins")
        for name in ("web", "worker", "beat", "stream"):
            running.start(name)
        running.wait_answers()
        running.wait_fresh()
        wait_until(lambda: count_processes(running) == REPORTING, START, "all processes report")
        wait_until(lambda: is_settled(scrape(running)), START, "the stream owns all prices, and none is in dispute")
        yield running


def scrape(system: System) -> str:
    request = Request(f"http://{system.address}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    with urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def read_samples(text: str) -> dict[Series, float]:
    """Return every sample of a counter or histogram, by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        if family.type in ("counter", "histogram")
        for sample in family.samples
    }


def reporting(system: System) -> list[tuple[str, int]]:
    """Return kind and process id of the processes that report."""
    return [
        (sample.labels["process"], int(sample.labels["pid"]))
        for family in text_string_to_metric_families(scrape(system))
        if family.name == "rates_build_info"
        for sample in family.samples
    ]


def count_processes(system: System) -> dict[str, int]:
    return dict(Counter(kind for kind, _ in reporting(system)))


def web_pids(system: System) -> set[int]:
    return {pid for kind, pid in reporting(system) if kind == "web"}


def is_settled(text: str) -> bool:
    """Return whether every price is the stream's and undisputed, and worker and stream have reported what they did."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    owners = {sample.labels["source"] for sample in samples if sample.name == "rates_price_owner"}
    reported = {sample.name for sample in samples} >= {"rates_source_answer_seconds_count", "rates_stream_events_total"}
    return reported and owners == {"binance"} and not any(s.value for s in samples if s.name == "rates_price_disputed")


def test_any_web_process_shows_all_processes(system: System) -> None:
    for _ in range(10):
        assert count_processes(system) == REPORTING


def open_and_close(system: System) -> None:
    """Open a socket as a page does."""
    headers = {"Cookie": f"sessionid={MARK}session", "Authorization": f"Bearer {TOKEN}"}
    for options in ({"additional_headers": headers}, {"subprotocols": ["rates.v1", "bearer", TOKEN]}):
        with (
            suppress(WebSocketException),
            connect(f"ws://{system.address}/ws/rates?token={TOKEN}", **options) as client,
        ):
            client.recv(timeout=5)


def test_no_counter_goes_back_whichever_process_answers(system: System) -> None:
    seen: dict[Series, float] = {}
    for _ in range(30):
        open_and_close(system)
        with ThreadPoolExecutor(4) as threads:
            answers = [read_samples(text) for text in threads.map(scrape, [system] * 4)]
        for answer in answers:
            assert {key: (seen[key], value) for key, value in answer.items() if value < seen.get(key, 0)} == {}
        seen = {key: max(answer.get(key, 0) for answer in answers) for key in answers[0]}
        time.sleep(0.3)
    assert sum(value for (name, _), value in seen.items() if name == "rates_handshakes_refused_total") > 10


def test_the_live_text_passes_promtool(system: System) -> None:
    promtool("check", "metrics", text=scrape(system))


def test_dashboard_and_alerts_name_only_metrics_that_there_are(system: System) -> None:
    assert named_metrics() - sample_names(scrape(system)) == set()


def test_the_documentation_has_every_metric_and_no_other(system: System) -> None:
    documented = set(re.findall(r"`(rates_\w+)`", (ROOT / "docs/operations.md").read_text()))
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in sample_names(scrape(system))}
    assert documented == names


def test_a_healthy_tick_is_no_line_of_the_log(system: System) -> None:
    processes = [process for process in system.processes if process.name != "web"]
    before = {process.name: process.said for process in processes}
    time.sleep(QUIET_SECONDS)
    assert {process.name: process.said.removeprefix(before[process.name]) for process in processes} == dict.fromkeys(
        before, ""
    )


def test_a_web_process_that_dies_is_replaced_and_is_a_line_of_the_log(system: System) -> None:
    web = system.processes[0]
    victim = web_pids(system).pop()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: web.lines(rf"{victim}.* died"), START, "the parent notices")
    wait_until(lambda: len(web_pids(system) - {victim}) == 2, START, "another one reports")


def check_logs(process: Process) -> list[dict[str, object]]:
    """Return what *process* has logged; all of it is JSON, and no secret is in it."""
    assert find_leaks(process.said) == []
    lines = [json.loads(line) for line in process.said.splitlines()]
    assert all({"time", "level", "logger", "message", "process"} <= line.keys() for line in lines)
    return lines


@pytest.mark.parametrize("command", ["daphne -v 0 -b 127.0.0.1 -p {port}", "uvicorn --port {port}"])
def test_servers_that_are_started_by_hand_log_the_same_way(
    system: System, folder: Path, tmp_path: Path, command: str
) -> None:
    with System(tmp_path, system.settings["REDIS_URL"], folder / "db.sqlite3", **SETTINGS) as web:
        program, *arguments = command.format(port=web.port).split()
        words = [str(BIN / program), *arguments, "config.asgi:application"]
        process = Process(program, words, tmp_path, web.settings, ROOT)
        web.processes.append(process)
        web.wait_answers()
        open_and_close(web)
        for path in ("/nothing", f"/api/rates?token={TOKEN}", "/admin/", "/metrics"):
            assert not find_leaks(web.get(path)[1])
        wait_until(lambda: process.lines("socket refused"), START)
        check_logs(process)


def test_errors_are_json_too_and_show_no_secret(system: System) -> None:
    """The last of this module: it breaks the board."""
    database = f"postgres://rates:{MARK}-database@127.0.0.1:9/rates"
    worker = system.start("plain_worker", DATABASE_URL=database)
    wait_until(lambda: worker.lines("the coin list"), 60, "a worker without its database says so")
    with redis.Redis.from_url(system.settings["REDIS_URL"]) as client:
        client.set("rates:board", "no board")
    for process in (system.processes[0], system.processes[1]):
        wait_until(lambda process=process: process.lines("traceback"), 60, f"{process.name} meets what it cannot read")
    for process in system.processes:
        check_logs(process)
