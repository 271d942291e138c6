"""The end of a web process, with real processes: uvicorn as we start it, and daphne."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.boards import save
from tests.ports import free_port
from tests.servers import closed_code, next_frame, open_socket

COMMANDS = {
    "uvicorn": ["manage.py", "serve"],
    "two processes": ["manage.py", "serve"],
    "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", "PORT", "config.asgi:application"],
}


@asynccontextmanager
async def running(name: str) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a web server in its own process; yields the process and its address."""
    port = str(free_port())
    workers = "2" if name == "two processes" else "1"
    environment = os.environ | {"PORT": port, "WEB_CONCURRENCY": workers, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [port if word == "PORT" else word for word in COMMANDS[name]]
    process = await asyncio.to_thread(subprocess.Popen, [sys.executable, *command], env=environment)
    try:
        yield process, f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def connected(address: str) -> None:
    """Wait until a socket can be opened."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with open_socket(address) as client:
                    await next_frame(client, "board")
                    return
            except (OSError, InvalidStatus):
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("name", COMMANDS)
async def test_on_sigterm_every_client_gets_bye_and_the_exit_code_is_0(name: str) -> None:
    await asyncio.to_thread(save, BTC="1")
    async with running(name) as (process, address):
        await connected(address)
        typed = [await open_socket(address) for _ in range(20)]
        plain = [await open_socket(address, typed=False) for _ in range(5)]
        for client in typed:
            await next_frame(client, "board")
        process.send_signal(signal.SIGTERM)
        delays = {(await next_frame(client, "bye"))["retry_ms"] for client in typed}
        assert len(delays) > 1
        assert {await closed_code(client) for client in typed + plain} == {1012}
        assert await asyncio.to_thread(process.wait, 30) == 0


@pytest.mark.parametrize("name", ["uvicorn", "daphne"])
async def test_a_draining_process_refuses_new_sockets(name: str) -> None:
    await asyncio.to_thread(save, BTC="1")
    async with running(name) as (process, address):
        await connected(address)
        async with open_socket(address) as client:
            await next_frame(client, "board")
            process.send_signal(signal.SIGTERM)
            await next_frame(client, "bye")
            with pytest.raises((InvalidHandshake, ConnectionClosed, OSError)) as refused:
                async with open_socket(address) as late:
                    await late.recv()
            if isinstance(refused.value, InvalidStatus):
                assert refused.value.response.status_code == 503


def test_a_shutdown_ends_however_busy_the_process_is() -> None:
    """As with ten thousand sockets on a machine that has no time for them."""
    code = "import django; django.setup(); from rates.fanout import drain, hub; drain.end_within(0.1, hub.get_hub())"
    command = [sys.executable, "-c", f"{code}\nwhile True: pass"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.endswith("the shutdown took longer than 0.1 s: 0 sockets are cut\n")


async def test_a_port_in_use_is_reported_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "manage.py", "serve"]
        ended = await asyncio.to_thread(
            subprocess.run, command, env=os.environ | {"PORT": port}, capture_output=True, text=True
        )
    assert ended.returncode != 0
    lines = [line for line in ended.stderr.splitlines() if "ulimit" not in line]
    assert len(lines) == 1
    assert f"port {port}" in lines[0]
    assert lines[0].endswith("; choose another with PORT")


@pytest.mark.parametrize("host", ["192.0.2.1", "256.1.1.1"])
def test_an_address_of_another_machine_is_reported_in_one_line(host: str) -> None:
    environment = os.environ | {"HOST": host, "PORT": str(free_port())}
    ended = subprocess.run(
        [sys.executable, "manage.py", "serve"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert ended.stderr.splitlines()[-1].endswith("; choose another with HOST")
