"""
`docker compose up --scale web=2 --scale worker=2` without containers: a real PostgreSQL, Redis and nginx, and every
service by the command that the file has for it.
"""

import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.config.test_containers import program
from tests.faults.conftest import Figure
from tests.faults.deployment import HOST, Deployment
from tests.faults.processes import ROOT, START, wait_until
from tests.faults.tls_socket import TlsSocket
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko

PER_ADDRESS = 15
# They share what is started.
pytestmark = pytest.mark.xdist_group("deployment")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything is up: 2 webs, 2 workers, beat, stream and proxy, in the order that `depends_on` asks for."""
    for needed in ("nginx", "docker-compose", "redis-cli", "wget"):
        program(needed)
    with CoinGecko(moves=True) as coingecko, Binance(moves=True) as binance:
        settings = {
            "COINGECKO_API_URL": coingecko.url, "RATES_SOURCES": "coingecko", "RATES_STREAM": "binance",
            "BINANCE_STREAM_URL": binance.url, "BINANCE_WS_API_URL": f"{binance.url}/ws-api/v3",
            "RATES_REFRESH_INTERVAL": "1", "RATES_MAX_CONNECTIONS_PER_IP": str(PER_ADDRESS),
        }  # fmt: skip
        with Deployment(tmp_path_factory.mktemp("deployment"), **settings) as made:
            made.start("redis")
            made.wait_healthy("redis")
            made.wait_healthy("db")
            assert made.start("migrate").popen.wait(START) == 0
            for name in ("worker", "worker", "beat", "stream"):
                made.start(name)
            made.start_web(1)
            made.start_web(2)
            made.wait_healthy("web")
            made.start("proxy")
            made.wait_healthy("proxy")
            yield made


def trust(deployment: Deployment) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(deployment.certificate))


def ask(deployment: Deployment, path: str, method: str = "GET", body: str = "", **headers: str) -> Any:
    """Ask through the proxy; the answer has `text` besides status and headers."""
    raw = socket.create_connection(("127.0.0.1", deployment.https), timeout=10)
    connection = http.client.HTTPConnection(HOST, deployment.https)
    connection.sock = trust(deployment).wrap_socket(raw, server_hostname=HOST)
    connection.request(method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.text = answer.read().decode()
    connection.close()
    return answer


def open_socket(deployment: Deployment, **headers: str) -> TlsSocket:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return TlsSocket(HOST, deployment.https, trust(deployment), shown)


def next_frame(client: TlsSocket, kind: str, seconds: float = 20) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (frame := json.loads(client.recv(timeout=seconds)))["type"] != kind:
        assert time.monotonic() < deadline
    return frame


def ready(deployment: Deployment) -> bool:
    return ask(deployment, "/readyz").status == 200


def test_prices_come_from_the_workers_through_the_proxy_to_page_api_and_socket(deployment: Deployment) -> None:
    wait_until(lambda: ready(deployment), START, "fresh prices")
    page = ask(deployment, "/")
    assert (page.status, "Bitcoin" in page.text) == (200, True)
    assert re.search(r'href="/static/dashboard/css/dashboard\.[0-9a-f]{12}\.css"|dashboard\.css', page.text)
    assert json.loads(ask(deployment, "/api/rates").text)["rates"][0]["price"]
    with open_socket(deployment, Origin=f"https://{HOST}:{deployment.https}") as client:
        assert next_frame(client, "board")["rates"][0]["symbol"] == "BTC"
        assert next_frame(client, "update")["seq"] > 1


def test_all_processes_report_and_every_health_check_passes(deployment: Deployment) -> None:
    def reported() -> list[str]:
        return sorted(name.split(":")[0] for name in deployment.redis.hkeys("rates:processes"))

    wait_until(lambda: reported() == ["beat", "stream", "web", "web", "worker", "worker"], START, "all report")
    for name in deployment.services:
        if name != "migrate":
            assert deployment.healthy(name), name


def shares(deployment: Deployment) -> list[int]:
    """Return how many sockets each web has, as it reported last."""
    reports = deployment.redis.hgetall("rates:processes").items()
    return [json.loads(facts).get("sockets", 0) for name, facts in reports if name.startswith("web:")]


def test_both_webs_serve_sockets(deployment: Deployment) -> None:
    with ExitStack() as clients:
        for _ in range(PER_ADDRESS):
            clients.enter_context(open_socket(deployment))
        wait_until(lambda: sum(shares(deployment)) == PER_ADDRESS, 20, "both webs have counted their sockets")
        assert min(shares(deployment)) > 0


def test_a_client_cannot_claim_another_address_and_503_passes(deployment: Deployment) -> None:
    """Each web takes `PER_ADDRESS` sockets of one address; a new lie for each socket does not help."""
    wait_until(lambda: sum(shares(deployment)) == 0, 20, "the sockets before are gone")
    with ExitStack() as clients:
        for number in range(2 * PER_ADDRESS):
            clients.enter_context(open_socket(deployment, X_Forwarded_For=f"203.0.113.{number}"))
        with pytest.raises(InvalidStatus) as refused, open_socket(deployment, X_Forwarded_For="203.0.113.250"):
            pass
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Retry-After"]
    assert refused.value.response.body == b"too many connections from this address"


def test_a_client_cannot_claim_to_have_come_without_tls(deployment: Deployment) -> None:
    answer = ask(deployment, "/", X_Forwarded_Proto="http")
    assert answer.status == 200  # believed, it would be sent to https once more
    assert "Strict-Transport-Security" in answer.headers


def test_pages_carry_the_headers_that_keep_browsers_careful(deployment: Deployment) -> None:
    headers = ask(deployment, "/").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "uvicorn" not in headers.get("Server", "")


def test_people_who_come_without_tls_are_sent_to_it(deployment: Deployment) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", deployment.http, timeout=10)
    connection.request("GET", "/coin/BTC?x=1", headers={"Host": HOST})
    answer = connection.getresponse()
    connection.close()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/coin/BTC?x=1")


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x=1", "//metrics", "/%6detrics", "/./metrics", "/metrics/"])
def test_metrics_do_not_pass_the_proxy(deployment: Deployment, path: str) -> None:
    assert ask(deployment, path).status == 404


def test_staff_log_in_through_the_proxy_and_a_foreign_form_is_refused(deployment: Deployment) -> None:
    environment = deployment.environment("web") | {
        "DJANGO_SUPERUSER_USERNAME": "ada", "DJANGO_SUPERUSER_PASSWORD": "engine-1843",
        "DJANGO_SUPERUSER_EMAIL": "ada@example.com",
    }  # fmt: skip
    command = ["python", "manage.py", "createsuperuser", "--noinput"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    form = ask(deployment, "/admin/login/")
    cookie = form.headers["Set-Cookie"]
    assert {"Secure", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[1]  # type: ignore[index]
    body = f"csrfmiddlewaretoken={token}&username=ada&password=engine-1843&next=/admin/"
    headers = {"Cookie": cookie.split(";")[0], "Content_Type": "application/x-www-form-urlencoded"}
    foreign = ask(deployment, "/admin/login/", "POST", body, Origin="https://evil.example.com", **headers)
    assert foreign.status == 403
    own = ask(deployment, "/admin/login/", "POST", body, Origin=f"https://{HOST}:{deployment.https}", **headers)
    assert (own.status, own.headers["Location"]) == (302, "/admin/")


def test_webs_may_die_and_come_and_nobody_who_asks_notices(deployment: Deployment, figure: Figure) -> None:
    second = next(p for p in reversed(deployment.processes) if p.name == "web")
    second.kill()
    assert {ask(deployment, "/healthz").status for _ in range(20)} == {200}
    deployment.names.addresses = ["127.0.0.1"]
    deployment.start_web(3)
    began = time.monotonic()
    wait_until(lambda: _reached(deployment, "127.0.0.3"), 15, "the proxy asks the new web")
    figure("new web asked after", time.monotonic() - began, "s")


def _reached(deployment: Deployment, address: str) -> bool:
    ask(deployment, "/healthz")
    proxy = next(p for p in deployment.processes if p.name == "proxy")
    return bool(proxy.lines(rf"{re.escape(address)}:{deployment.web_port}$"))


def test_to_migrate_once_more_changes_nothing(deployment: Deployment) -> None:
    again = deployment.start("migrate")
    assert again.popen.wait(START) == 0
    assert "No migrations to apply." in again.said
    assert "Coins:" not in again.said


def test_every_service_ends_in_its_time_with_exit_code_0(deployment: Deployment, figure: Figure) -> None:
    """Last: nothing is left afterwards. An open socket is told to come back."""
    with open_socket(deployment) as client:
        for name in ("worker", "beat", "stream", "web", "proxy", "redis"):
            number = signal.SIGQUIT if deployment.services[name].get("stop_signal") == "SIGQUIT" else signal.SIGTERM
            living = [p for p in deployment.processes if p.name == name and p.popen.poll() is None]
            assert living
            began = time.monotonic()
            for process in living:
                process.signal(number)
            codes = [process.popen.wait(deployment.grace(name)) for process in living]
            figure(name, time.monotonic() - began, "s")
            assert codes == [0] * len(living), (name, codes, living[0].said[-2000:])
        assert next_frame(client, "bye")["retry_ms"] > 0
    assert not [line for p in deployment.processes for line in p.lines("Traceback")]
