"""HTTP calls against servers that misbehave in every way that could hold a tick up or fill its memory."""

import gzip
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rates.outbound import http
from rates.outbound.errors import describe
from rates.outbound.http import Answer, http_get
from tests.nginx import make_certificate
from tests.outbound.scripted import Behaviour, answer, drip, head, keep_answering, pour, read_request, scripted

LIMIT = 100_000
# Seconds. The second is generous to a busy machine; what is cut off at the first would take minutes.
DEADLINE, LATEST = 0.4, 4.0
SECRET = "CG-secret-0123456789"
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
# Calls the addresses of its command line, one after the other, in a process of its own.
CALL = """
import sys, time
from rates.outbound.errors import describe
from rates.outbound.http import http_get
from rates.outbound.tls import tls_context
tls_context()
seconds, latest, *urls = sys.argv[1:]
for url in urls:
    began = time.monotonic()
    try:
        print(http_get(url, {}, began + float(seconds), 1000).body.decode())
    except OSError as error:
        took = time.monotonic() - began
        print(type(error).__name__, describe(error), "late" if took > float(latest) else "in time")
"""


def get(url: str, seconds: float = 5) -> Answer:
    return http_get(url, {"X-Key": SECRET}, time.monotonic() + seconds, LIMIT)


def endless_body(connection: socket.socket, *headers: str) -> None:
    connection.sendall(head(*headers))
    pour(connection, b" " * 1000, 10**9)


SLOW: dict[str, Callable[[socket.socket], None]] = {
    "silence": lambda connection: time.sleep(30),
    "a header that drips": lambda connection: drip(connection, head("X-Slow: " + "s" * 10_000)),
    "a body that drips": lambda connection: drip(connection, head("Content-Length: 90000") + b" " * 10_000),
    "a body without a length that drips": lambda connection: drip(connection, head() + b" " * 10_000),
    "chunks that drip": lambda connection: drip(connection, head("Transfer-Encoding: chunked") + b"1\r\n \r\n" * 5_000),
    "headers without an end": lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000),
    "a compressed body of nothing that drips": lambda connection: drip(
        connection, head("Content-Encoding: gzip") + gzip.compress(b"") * 1000
    ),
}


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW.keys())
def test_deadline_holds_whatever_drips(slow: Callable[[socket.socket], None]) -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        slow(connection)

    with scripted(behave) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            get(server.url, DEADLINE)
        assert time.monotonic() - began < LATEST


@needs_openssl
@pytest.mark.parametrize("in_handshake", [True, False])
def test_deadline_holds_under_tls(tmp_path: Path, in_handshake: bool) -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        drip(connection, head("Content-Length: 90000") + b" " * 10_000)

    chain = make_certificate(tmp_path)
    with scripted(lambda *_: time.sleep(30)) as silent, scripted(behave, chain) as slow:
        said = call_in_process(
            f"https://127.0.0.1:{silent.port}/" if in_handshake else slow.url, SSL_CERT_FILE=str(chain)
        )
    assert said == ["TimeoutError no answer in time in time"]


@pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], check=False).returncode > 0,
    reason="a process cannot have its own name server here (needs root)",
)
def test_deadline_holds_while_a_name_server_hangs(tmp_path: Path) -> None:
    address = f"127.0.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
    (tmp_path / "resolv.conf").write_text(f"nameserver {address}\n")
    within = ["unshare", "-m", "sh", "-c", f'mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && exec "$@"', "sh"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        # Otherwise the system's own 5 s for each attempt.
        assert call_in_process("http://vendor.test/", within=within, RES_OPTIONS="timeout:5 attempts:2") == [
            "TimeoutError no answer in time in time"
        ]


def call_in_process(
    *urls: str, seconds: float = DEADLINE, within: list[str] | None = None, **environment: str
) -> list[str]:
    """Return what each call told; `SSL_CERT_FILE` and the like are read once in a process."""
    run = subprocess.run(
        [*(within or []), sys.executable, "-c", CALL, str(seconds), str(LATEST), *urls],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout.splitlines()


@pytest.mark.parametrize(
    "headers",
    [("Content-Length: 1000000000",), (), ("Content-Encoding: gzip",), ("Content-Encoding: deflate, gzip",)],
    ids=["length", "no length", "not even compressed", "twice compressed"],
)
def test_body_of_any_size_takes_no_more_memory_than_the_limit(headers: tuple[str, ...]) -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        endless_body(connection, *headers)

    assert_small(behave)


@pytest.mark.parametrize(
    "chunk",
    [b"400\r\n" + b" " * 1024 + b"\r\n", b"1\r\n \r\n" * 200, b"-1\r\n" * 300],
    ids=["many", "many small ones", "below zero"],
)
def test_chunks_of_any_size_take_no_more_memory_than_the_limit(chunk: bytes) -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(head("Transfer-Encoding: chunked"))
        pour(connection, chunk, 10**7)

    assert_small(behave)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_bomb_takes_no_more_memory_than_the_limit(coding: str) -> None:
    bomb = {"gzip": gzip.compress, "deflate": zlib.compress}[coding](b" " * 50_000_000)

    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        answer(connection, bomb, f"Content-Encoding: {coding}")

    assert len(bomb) < LIMIT
    assert_small(behave)


def assert_small(behave: Behaviour) -> None:
    with scripted(lambda connection, _: answer(connection)) as server:
        get(server.url)
    with scripted(behave) as server:
        tracemalloc.start()
        try:
            size = len(get(server.url).body)
            peak = tracemalloc.get_traced_memory()[1]
        except OSError:
            size, peak = 0, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert size in {0, LIMIT + 1}
    assert peak < 10 * LIMIT


def test_redirect_is_an_answer_and_its_body_is_not_read_to_the_end() -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        endless_body(connection, "Location: http://localhost/", "Content-Length: 1000000000")

    def redirect(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(head(f"Location: {elsewhere.url}", status="302 Found"))
        pour(connection, b" " * 1000, 10**9)

    with scripted(behave) as elsewhere, scripted(redirect) as server:
        told = get(server.url)
        assert (told.status, len(told.body), len(server.connections)) == (302, LIMIT + 1, 1)
        assert not elsewhere.connections


def test_compressed_body_is_read() -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        answer(connection, gzip.compress(b'{"bitcoin": 1}'), "Content-Encoding: gzip")

    with scripted(behave) as server:
        assert get(server.url).body == b'{"bitcoin": 1}'


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", id="another protocol"),
        pytest.param(head("Content-Length: 10") + b"12345", id="half a body"),
        pytest.param(head("Transfer-Encoding: chunked") + b"5\r\n123", id="half a chunk"),
        pytest.param(head("Transfer-Encoding: chunked") + b"?\r\n123", id="no chunk"),
        pytest.param(head("Content-Length: 5", "Content-Length: 6") + b"12345", id="two lengths"),
        pytest.param(head("Content-Length: 5", "Content-Encoding: gzip") + b"12345", id="not compressed"),
        pytest.param(head(*(f"X-{number}: y" for number in range(200))), id="too many headers"),
        pytest.param(head("X: " + "y" * 70_000), id="too long a header"),
    ],
)
def test_broken_answer_is_an_error_in_words_that_tell_no_secret(sent: bytes) -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(sent)

    with scripted(behave) as server:
        with pytest.raises(ConnectionResetError) as caught:
            get(f"{server.url}?key={SECRET}")
        assert len(server.connections) == 1
    assert SECRET not in str(caught.value) + describe(caught.value)


def test_connection_serves_the_next_call_too() -> None:
    with scripted(keep_answering) as server:
        assert [get(server.url).body for _ in range(3)] == [b"{}"] * 3
        assert len(server.connections) == 1


@pytest.mark.parametrize("reads_on", [False, True], ids=["between two calls", "at the moment of the second call"])
def test_connection_that_its_server_has_closed_costs_no_call(reads_on: bool) -> None:
    def behave(connection: socket.socket, number: int) -> None:
        read_request(connection)
        answer(connection)
        if number > 1:
            keep_answering(connection)
        elif reads_on:
            read_request(connection)

    with scripted(behave) as server:
        assert [get(server.url).body for _ in range(3)] == [b"{}"] * 3
        assert len(server.connections) == 2


def test_call_that_meets_a_closed_connection_does_not_try_another_kept_one() -> None:
    both = threading.Barrier(2)

    def behave(connection: socket.socket, number: int) -> None:
        read_request(connection)
        if number < 3:
            # Only two calls at a time make two connections.
            both.wait(10)
        answer(connection)
        if read_request(connection) and number > 2:
            answer(connection)

    with scripted(behave) as server:
        with ThreadPoolExecutor(2) as threads:
            assert [told.body for told in threads.map(get, [server.url] * 2)] == [b"{}"] * 2
        assert get(server.url).body == b"{}"
        assert len(server.connections) == 3


def test_call_is_repeated_once_and_not_after_its_answer_has_begun() -> None:
    def behave(connection: socket.socket, number: int) -> None:
        read_request(connection)
        answer(connection)
        read_request(connection)
        connection.sendall(head("Content-Length: 10") + b"12345")

    def close(connection: socket.socket, number: int) -> None:
        if read_request(connection) and number == 1:
            answer(connection)
            read_request(connection)

    for script, connections in ((behave, 1), (close, 2)):
        with scripted(script) as server:
            get(server.url)
            with pytest.raises(ConnectionResetError):
                get(server.url)
            assert len(server.connections) == connections


def test_deadline_holds_on_a_kept_connection() -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        answer(connection)
        read_request(connection)
        drip(connection, head("Content-Length: 90000") + b" " * 10_000)

    with scripted(behave) as server:
        get(server.url)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            get(server.url, DEADLINE)
        assert time.monotonic() - began < LATEST


def test_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_IDLE", 0.0)
    with scripted(keep_answering) as server:
        get(server.url)
        get(server.url)
        assert len(server.connections) == 2


def test_deadline_of_a_call_does_not_end_the_next_one() -> None:
    with scripted(keep_answering) as server:
        get(server.url, 2)
        time.sleep(2.2)
        get(server.url)
        assert len(server.connections) == 1


def test_no_cookie_and_no_password_of_the_home_folder_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password of-somebody\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    heads: list[str] = []

    def behave(connection: socket.socket, _: int) -> None:
        while request := read_request(connection):
            heads.append(request)
            answer(connection, b"{}", "Set-Cookie: session=1; Path=/")

    with scripted(behave) as server:
        get(server.url)
        get(server.url)
    assert len(heads) == 2
    assert f"X-Key: {SECRET}" in heads[1]
    assert not {"cookie", "authorization"} & {line.partition(":")[0].lower() for line in heads[1].splitlines()}


@needs_openssl
def test_certificate_is_checked_and_that_of_another_host_refused(tmp_path: Path) -> None:
    chain = make_certificate(tmp_path)
    with scripted(keep_answering, chain) as server:
        other_host = f"https://localhost:{server.port}/"
        said = call_in_process(server.url, other_host, seconds=30, SSL_CERT_FILE=str(chain))
        assert said[0] == "{}"
        assert "SSLCertVerificationError" in said[1]
        assert "SSLCertVerificationError" in call_in_process(server.url, seconds=30)[0]
