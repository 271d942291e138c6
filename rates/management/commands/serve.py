"""
`manage.py serve`: uvicorn as this service needs it, in `WEB_CONCURRENCY` processes on one port.

Tested in `tests/fanout/test_drain.py`, and whatever starts a server in `tests/servers.py`.
"""

import asyncio
import logging
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from errno import EACCES, EADDRINUSE
from functools import partial
from ipaddress import ip_address
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from uvicorn.supervisors import Multiprocess

from rates.checks import refuse_bad_start
from rates.fanout.server import RatesWebSocketProtocol
from rates.fanout.sockets import MAX_MESSAGE_BYTES
from rates.inbound.upgrade import Front
from rates.start_notes import note_preparation, note_proxies

logger = logging.getLogger(__name__)

# Files that a process has open beside its sockets: Redis, database, logs, static files, HTTP requests.
OTHER_FILES = 200
# Connections that the kernel queues until they are accepted.
BACKLOG = 4096
# Seconds between two updates of the `Date` of answers.
TICK = 1.0
# Seconds for HTTP requests to finish; the sockets have been drained before.
GRACE_PERIOD = 3


class Command(BaseCommand):
    """Serve until SIGTERM or SIGINT."""

    help = "Serve pages, API and sockets, in WEB_CONCURRENCY processes on one port."
    # `handle` runs them, after our own, which need one line for what takes Django five.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until a signal."""
        refuse_bad_start()
        self.check()
        raise_file_limit()
        listener = listen(settings.HOST, settings.PORT)
        config = configuration()
        note_proxies()
        note_preparation()
        if settings.DEBUG and not is_loopback(settings.HOST):
            logger.warning("DEBUG=True on %s: error pages show the code to everybody who gets here", settings.HOST)
        logger.info("serving on %s port %d, processes: %d", settings.HOST, settings.PORT, settings.WEB_CONCURRENCY)
        if settings.WEB_CONCURRENCY > 1:
            # Only here: uvicorn's parent process logs the death and replacement of a child at INFO.
            logging.getLogger("uvicorn.error").setLevel(logging.INFO)
            Multiprocess(config, sockets=[listener]).run()
        else:
            QuietServer(config).run(sockets=[listener])


class QuietServer(uvicorn.Server):
    """Wakes up when it has to stop, and once a second for the `Date`; uvicorn's looks ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._stopping = False
        self._wake_up: Callable[[], object] = bool
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        """Whether somebody has asked it to stop: a signal, or `rates.fanout.drain`."""
        return self._stopping

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        self._stopping = value
        self._wake_up()

    async def main_loop(self) -> None:
        """Serve until it has to stop."""
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        # A signal may come while the loop sleeps, and nothing else would wake it.
        self._wake_up = partial(loop.call_soon_threadsafe, asked.set)
        while not await self.on_tick(0):
            tick = loop.call_later(TICK, asked.set)
            await asked.wait()
            tick.cancel()
            asked.clear()
        self._wake_up = bool


def configuration() -> uvicorn.Config:
    """
    Return uvicorn's configuration.

    Pings and compression are off: `rates.fanout.server` pings the clients, and frames are encoded and compressed once
    for all. Headers that a proxy adds are read by the application (`TRUSTED_PROXY`), not by uvicorn.
    """
    return uvicorn.Config(
        "config.asgi:application",
        loop="rates.inbound.listener:ServerLoop",
        http=Front,
        ws=RatesWebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        proxy_headers=False,
        server_header=False,
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_PERIOD,
        workers=settings.WEB_CONCURRENCY,
    )


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches *host*."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def raise_file_limit() -> None:
    """Raise the limit of open files to what `RATES_MAX_CONNECTIONS` needs, or warn that it is too low."""
    needed = settings.RATES_MAX_CONNECTIONS + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        logger.warning(
            "RATES_MAX_CONNECTIONS=%d needs %d open files, but only %d are allowed (ulimit -n)",
            settings.RATES_MAX_CONNECTIONS,
            needed,
            allowed,
        )


def listen(host: str, port: int) -> socket.socket:
    """
    Return a socket that listens on *host* and *port*; with `::` for IPv4 too.

    Raises:
        CommandError: when the address is in use or not ours.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        both = place[0] == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server(place[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
        # asyncio sets this for connections of its own listeners only. Without it the body of an answer, which is sent
        # behind its head, waits up to 40 ms for the client's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        # What Python appends in parentheses is the address, once more.
        reason = (error.strerror or str(error)).partition(" (")[0]
        setting = "PORT" if error.errno in (EADDRINUSE, EACCES) else "HOST"
        raise CommandError(f"Cannot listen on {host} port {port}: {reason}; choose another with {setting}") from None
