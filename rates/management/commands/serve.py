"""Serve pages, API and sockets: uvicorn as this service needs it, in `WEB_CONCURRENCY` processes on one port."""

import logging
import resource
import socket
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from uvicorn.supervisors import Multiprocess

from rates.checks import refuse_bad_start
from rates.fanout.consumers import MAX_MESSAGE_BYTES
from rates.fanout.server import RatesWebSocketProtocol

logger = logging.getLogger(__name__)

# Files that a process has open besides its sockets: Redis, database, logs, static files, HTTP requests.
OTHER_FILES = 200
# Connections that the kernel keeps while we are busy accepting.
BACKLOG = 4096
# Seconds for HTTP requests to end; the sockets have been drained before.
GRACE = 3


class Command(BaseCommand):
    """`manage.py serve`."""

    help = __doc__
    # They run after ours, which say in one line what Django would say in five.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until a signal."""
        refuse_bad_start()
        self.check()
        raise_file_limit()
        listener = listen(settings.HOST, settings.PORT)
        config = configuration()
        logger.info("serving on %s port %d, processes: %d", settings.HOST, settings.PORT, settings.WEB_CONCURRENCY)
        if settings.WEB_CONCURRENCY > 1:
            # The parent has a line when one of them dies and is replaced; the others stay at warnings.
            logging.getLogger("uvicorn.error").setLevel(logging.INFO)
            Multiprocess(config, sockets=[listener]).run()
        else:
            uvicorn.Server(config).run(sockets=[listener])


def configuration() -> uvicorn.Config:
    """
    Return uvicorn's configuration.

    Its pings and its compression are off: `rates.fanout.server` checks the sockets, and frames are prepared once for
    all.
    What a proxy forwards is read by the application (`TRUSTED_PROXY`), not by uvicorn.
    """
    return uvicorn.Config(
        "config.asgi:application",
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
        timeout_graceful_shutdown=GRACE,
        workers=settings.WEB_CONCURRENCY,
    )


def raise_file_limit() -> None:
    """Open as many files as sockets are allowed, or say that it cannot be."""
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
    Return a socket that listens there.

    Raises:
        CommandError: when that is not possible.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"Cannot listen on {host} port {port}: {reason}; choose another with PORT") from None
