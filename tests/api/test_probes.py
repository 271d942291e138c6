"""Probes may use a process's address; everything else is served for the hosts in `ALLOWED_HOSTS` only."""

import asyncio
import http.client
from collections.abc import Iterator

import pytest
from django.test import AsyncClient

from tests.boards import publish
from tests.servers import Server

HOSTS = ["10.1.2.3:8000", "[fd00::7]", "other.example", "not a host name"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("prepared", tmp_path_factory.mktemp("web") / "log", LOG_LEVEL="INFO") as running:
        yield running


def host_lines(server: Server) -> list[str]:
    """Return what *server* has logged about hosts; other lines, such as those of its start, may come at any time."""
    log = server.log.read_text()
    assert "Traceback" not in log
    return [line for line in log.splitlines() if "HTTP_HOST" in line]


def status(server: Server, path: str, host: str) -> int:
    connection = http.client.HTTPConnection(server.address, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.mark.parametrize("host", HOSTS)
async def test_probes_are_answered_for_any_host(server: Server, host: str) -> None:
    await asyncio.to_thread(publish, BTC="1")
    before = host_lines(server)
    assert await asyncio.to_thread(status, server, "/healthz", host) == 200
    assert await asyncio.to_thread(status, server, "/readyz", host) in (200, 503)
    assert host_lines(server) == before


@pytest.mark.parametrize("path", ["/", "/api/rates", "/metrics", "/admin/login/", "/healthz/", "/nope"])
@pytest.mark.parametrize("host", HOSTS)
async def test_anything_else_is_refused_with_400_and_one_line_of_the_log(server: Server, path: str, host: str) -> None:
    before = host_lines(server)
    assert await asyncio.to_thread(status, server, path, host) == 400
    [line] = host_lines(server)[len(before) :]
    assert "WARNING" in line
    assert host in line


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_need_neither_https_nor_a_name(path: str, settings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, []
    assert (await AsyncClient().get(path)).status_code in (200, 503)
    assert (await AsyncClient().get("/api/rates")).status_code == 400
