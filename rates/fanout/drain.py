"""
The end of a web process: on SIGTERM its clients are told when to reconnect, then the server shuts down as usual.

The signal is caught before the server sees it, because a server that shuts down closes its sockets without a `bye`.
"""

import asyncio
import logging
import os
import random
import signal
import threading
import time
from typing import Any

from rates.fanout.close_codes import CloseCode
from rates.fanout.hub import Hub
from rates.fanout.sockets import Frame, Socket
from rates.publication import bye_text
from rates.telemetry import counts

logger = logging.getLogger(__name__)

# Milliseconds: clients reconnect spread over this time, to whichever process serves then.
RETRY_FROM, RETRY_TO = 500, 5000
# Sockets closed before other tasks get a turn.
BATCH = 200
# Seconds until the hub has to have no sockets left, and then for the clients to answer the close.
DRAIN_TIMEOUT = 4.0
CLOSE_LINGER = 1.0
# Seconds from SIGTERM until the process ends at the latest: all of the above waits for a turn on the processor, and ten
# thousand sockets need more than a second of it. `TimeoutStopSec` and `stop_grace_period` are longer.
LONGEST_SHUTDOWN = 25.0


def install(hub: Hub) -> None:
    """Drain *hub* on SIGTERM from now on; call it in the server's event loop."""
    if threading.current_thread() is not threading.main_thread():
        return  # A server in a thread receives no signals.
    loop = asyncio.get_running_loop()
    server_handler = signal.getsignal(signal.SIGTERM)
    running: set[asyncio.Task[None]] = set()

    def begin() -> None:
        if not running:
            running.add(loop.create_task(_drain_and_stop(hub, server_handler)))

    def handle(number: int, frame: Any) -> None:
        if loop.is_closed():
            stop(server_handler)
        else:
            # Here, because a busy loop may come to `begin` many seconds later. A second signal changes nothing.
            end_within(LONGEST_SHUTDOWN, hub)
            loop.call_soon_threadsafe(begin)

    signal.signal(signal.SIGTERM, handle)


def end_within(seconds: float, hub: Hub) -> None:
    """End this process after so many *seconds*, whatever it does then; its clients reconnect as after a crash."""
    timer = threading.Timer(seconds, _cut, (seconds, hub))
    timer.daemon = True
    timer.start()


def _cut(seconds: float, hub: Hub) -> None:
    logger.warning("the shutdown took longer than %g s: %d sockets are cut", seconds, hub.count())
    os._exit(1)


async def _drain_and_stop(hub: Hub, server_handler: Any) -> None:
    try:
        await drain(hub)
    finally:
        stop(server_handler)


async def drain(hub: Hub) -> None:
    """Refuse new sockets, send `bye` to the open ones, and close them with 1012."""
    hub.draining = True
    sockets = hub.all_sockets()
    for number, socket in enumerate(sockets):
        send_bye(socket)
        if number % BATCH == 0:
            await asyncio.sleep(0)
    if sockets:
        logger.info("draining: %d sockets told to reconnect", len(sockets))
        until = time.monotonic() + DRAIN_TIMEOUT
        while hub.count() and time.monotonic() < until:  # noqa: ASYNC110 - happens once, nothing else waits for it
            await asyncio.sleep(0.05)
        await asyncio.sleep(CLOSE_LINGER)


def send_bye(socket: Socket) -> None:
    """Tell one client when to reconnect, and close its socket."""
    if socket.typed:
        socket.link.write(Frame(bye_text(random.randint(RETRY_FROM, RETRY_TO))))
    counts.closed.labels("draining").inc()
    socket.link.close(CloseCode.SERVICE_RESTART)


def stop(server_handler: Any) -> None:
    """
    Hand SIGTERM on to the server's own handler.

    uvicorn's would end the process by the signal instead of with exit code 0; so its flag is set instead.
    """
    owner: Any = getattr(server_handler, "__self__", None)
    if hasattr(owner, "should_exit"):
        owner.should_exit = True
    elif callable(server_handler):
        server_handler(signal.SIGTERM, None)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
