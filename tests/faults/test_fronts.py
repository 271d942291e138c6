"""The configurations in `deploy/` for nginx, HAProxy, Apache httpd and Caddy, each in front of the running service."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import InvalidStatus

from tests.faults.conftest import Figure
from tests.faults.fronts import HOST, Front, start_front
from tests.faults.processes import ROOT, START, Redis, System, wait_until
from tests.faults.tls_socket import TlsSocket
from tests.stand_ins.coingecko import CoinGecko

KINDS = ("nginx", "haproxy", "apache", "caddy")
PER_ADDRESS = 3
HEARTBEAT = 10
# They share what is started.
pytestmark = pytest.mark.xdist_group("fronts")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Iterator[System]:
    """One web and one worker for all of them."""
    folder = tmp_path_factory.mktemp("fronts")
    with ExitStack() as stack:
        market = stack.enter_context(CoinGecko(moves=True))
        redis_server = Redis(folder)
        stack.callback(lambda: redis_server.process.end())
        settings = {
            "RATES_SOURCES": "coingecko", "COINGECKO_API_URL": market.url, "HTTPS": "True", "TRUSTED_PROXY": "True",
            "ALLOWED_HOSTS": HOST, "RATES_MAX_CONNECTIONS_PER_IP": str(PER_ADDRESS),
        }  # fmt: skip
        made = stack.enter_context(System(folder, redis_server.url, database, **settings))
        made.start("web")
        made.start("worker")
        made.wait_fresh()
        yield made


@pytest.fixture(params=KINDS)
def front(request: pytest.FixtureRequest, system: System, tmp_path: Path, stack: ExitStack) -> Front:
    return start_front(request.param, tmp_path, system.port, stack)


def open_socket(front: Front, **headers: str) -> TlsSocket:
    return TlsSocket(HOST, front.port, front.trust, {name.replace("_", "-"): text for name, text in headers.items()})


def next_frame(client: TlsSocket, kind: str, seconds: float = 20) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (frame := json.loads(client.recv(timeout=seconds)))["type"] != kind:
        assert time.monotonic() < deadline
    return frame


def test_a_closed_stream_of_events_frees_its_place(front: Front, system: System, figure: Figure) -> None:
    def is_full() -> bool:
        with front.open("/api/stream") as one_more:
            return one_more.status == 503

    with ExitStack() as streams:
        opened = [streams.enter_context(front.open("/api/stream")) for _ in range(PER_ADDRESS)]
        assert [stream.status for stream in opened] == [200] * PER_ADDRESS
        assert is_full()
    began = time.monotonic()
    # Apache notices with the next event that it cannot send.
    wait_until(lambda: not is_full(), 2.5 * HEARTBEAT, "a place is free")
    figure("free after", time.monotonic() - began, "s")
    wait_until(lambda: not has_sockets(system), START, "all places are free")


def has_sockets(system: System) -> bool:
    """Return whether the web process says that sockets or streams of events are open."""
    headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
    with urlopen(Request(f"http://{system.address}/metrics", headers=headers), timeout=10) as answer:
        counts = re.findall(r"^rates_sockets\{.*\} (\S+)$", answer.read().decode(), re.M)
    return any(map(float, counts)) or not counts


def test_the_service_behind_each_proxy(front: Front, figure: Figure) -> None:
    """One test, because each start costs seconds."""
    # Page and API; a client that claims to have come without TLS is not believed, or it would be redirected.
    page = front.ask("/", X_Forwarded_Proto="http")
    assert (page.status, "Bitcoin" in page.text) == (200, True)  # type: ignore[attr-defined]
    assert json.loads(front.ask("/api/rates").text)["rates"][0]["price"]  # type: ignore[attr-defined]
    assert {
        front.ask(path).status for path in ("/metrics", "/metrics?x=1", "//metrics", "/%6detrics", "/prices/metrics")
    } == {404}

    with ExitStack() as sockets:
        # Server-sent events come one by one, not when a buffer is full, which holds dozens of them.
        stream = sockets.enter_context(front.open("/api/stream"))
        events = (json.loads(line.removeprefix(b"data: ")) for line in stream if line.startswith(b"data: "))
        for update in islice((event for event in events if event["type"] == "update"), 2):
            assert json.loads(front.ask("/api/rates").text)["seq"] - update["seq"] < 5  # type: ignore[attr-defined]

        # A browser's socket, and as many others as one address may have, whatever address it claims.
        browser = sockets.enter_context(open_socket(front, Origin=f"https://{HOST}:{front.port}"))
        assert next_frame(browser, "board")["rates"][0]["symbol"] == "BTC"
        for number in range(2, PER_ADDRESS):
            sockets.enter_context(open_socket(front, X_Forwarded_For=f"203.0.113.{number}"))
        with pytest.raises(InvalidStatus) as refused, open_socket(front, X_Forwarded_For="203.0.113.250"):
            pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"]

        # A reload keeps socket and stream: they hear what is published later.
        began = time.monotonic()
        front.reload()
        figure("reloaded after", time.monotonic() - began, "s")
        reloaded = time.time()
        heard = iter(lambda: next_frame(browser, "update"), None)
        for updates in (heard, (event for event in events if event["type"] == "update")):
            assert any(datetime.fromisoformat(update["as_of"]).timestamp() > reloaded + 1 for update in updates)


# The setting that limits a socket on which nothing passes, in seconds; Caddy has no such limit.
@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("nginx.conf", r"location ~ /ws/rates\S* {[^}]*proxy_read_timeout (\d+)s"),
        ("haproxy.cfg", r"timeout tunnel (\d+)s"),
        ("apache.conf", r"upgrade=websocket .*\btimeout=(\d+)"),
    ],
)
def test_a_socket_may_be_idle_for_several_heartbeats(name: str, setting: str) -> None:
    found = re.search(setting, (ROOT / "deploy" / name).read_text())
    assert found
    assert int(found[1]) >= 3 * HEARTBEAT
