"""Listening on every address, and the health check that asks there."""

import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from config.probe import answers, reachable
from rates.management.commands.serve import listen
from tests.nginx import ROOT

needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@needs_ipv6
def test_two_colons_listen_for_both_families_and_the_health_check_asks_there() -> None:
    server = HTTPServer(("", 0), Healthy, bind_and_activate=False)
    server.socket.close()
    server.socket = listen("::", 0)
    port = server.socket.getsockname()[1]
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert [answers(host, port) for host in ("127.0.0.1", "::1", "0.0.0.0", "[::]", "localhost")] == [200] * 5
        command = [sys.executable, "-m", "config.probe"]
        assert subprocess.run(command, cwd=ROOT, env={"HOST": "::", "PORT": str(port)}, check=False).returncode == 0
    finally:
        server.shutdown()
        server.server_close()
    assert subprocess.run(command, cwd=ROOT, env={"HOST": "::", "PORT": str(port)}, check=False).returncode == 1


@pytest.mark.parametrize(("host", "address"), [("0.0.0.0", "127.0.0.1"), ("0::0", "::1"), ("192.0.2.1", "192.0.2.1")])
def test_every_address_is_asked_by_this_machines_own(host: str, address: str) -> None:
    assert reachable(host) == address


def test_the_image_asks_by_it() -> None:
    assert '"python", "-m", "config.probe"]' in (ROOT / "Dockerfile").read_text()


def test_what_is_written_leaves_at_once() -> None:
    """The body of an answer must not wait for the acknowledgement of its head."""
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
