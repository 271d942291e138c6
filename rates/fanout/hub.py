"""
One hub per web process: hears publications, holds the newest board, feeds the sockets.

    channel layer ─► hub ─► text per (dialect, selection), encoded once ─► every socket of that group

The hub is the group's only member in its process, so a publication costs Redis the same however many sockets there
are. A socket that has seen the previous publication gets the change; any other gets the whole board. Nothing is queued:
a socket that is still busy with a frame skips publications, and gets the newest board when it is free.

The store is the second opinion on silence: a link that hears nothing is checked against it, read and renewed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from rates import publication, store
from rates.concurrency import cancel_and_wait, restart_on_error
from rates.exceptions import StoreUnavailable
from rates.fanout.close_codes import CloseCode
from rates.fanout.sockets import Frame, Group, Socket
from rates.telemetry import counts
from rates.telemetry.reports import report_forever
from rates.types import Snapshot

logger = logging.getLogger(__name__)

# Seconds.
SILENCE_BEFORE_CHECK = 2.0
GRACE = 0.5
RENEW_MEMBERSHIP = 10.0
RETRY_DELAY = 1.0
CHECK_INTERVAL = 1.0
SUBSCRIBE_DEADLINE = 5.0

# Answers that wait for a client which is still taking another frame.
MAX_QUEUED_ANSWERS = 8

FAILURES = (RedisError, OSError, TimeoutError, StoreUnavailable)


class Hub:
    """Holds the newest board of this process and sends it on; everything but `snapshot` belongs to one event loop."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.sockets: dict[Group, set[Socket]] = {}
        self.heard_at = 0.0
        self.draining = False
        self.listening = False
        self._boards: dict[Group, str] = {}
        self._sent_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()
        self._failing = False

    @property
    def started(self) -> bool:
        """Whether it listens."""
        return bool(self._tasks)

    def start(self) -> None:
        """Begin to listen in the running loop; does nothing when it listens already."""
        if not self.started:
            self._tasks = [
                asyncio.create_task(restart_on_error(self._run, "hub: listening")),
                asyncio.create_task(restart_on_error(self._send_heartbeats, "hub: heartbeats")),
                asyncio.create_task(restart_on_error(self._check_sockets, "hub: checking sockets")),
                asyncio.create_task(restart_on_error(partial(report_forever, "web", self._report), "hub: reports")),
            ]

    async def stop(self) -> None:
        """Stop listening."""
        await asyncio.gather(*map(cancel_and_wait, self._tasks))
        self._tasks = []

    def _report(self) -> dict[str, int]:
        """Return what this process reports."""
        counts.sockets.set(self.count())
        counts.sockets_limit.set(settings.RATES_MAX_CONNECTIONS)
        counts.listening.set(self.listening)
        return {"sockets": self.count()}

    async def wait_ready(self, seconds: float) -> None:
        """Wait until the store was read once, but no longer than *seconds*."""
        if not self._ready.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._ready.wait()
            except TimeoutError:
                logger.info("the first board is not there yet")

    # Sockets

    def add(self, socket: Socket) -> None:
        """Greet *socket* with what the process holds, and keep it fresh from now on."""
        socket.link.on_writable = lambda: self._catch_up(socket)
        self.sockets.setdefault(socket.group, set()).add(socket)
        greeting = [publication.hello_text(self.snapshot.epoch if self.snapshot else "")] if socket.typed else []
        self._send(socket, *greeting, *self._board_texts(socket.group))

    def remove(self, socket: Socket) -> None:
        """Forget *socket*."""
        members = self.sockets.get(socket.group, set())
        members.discard(socket)
        if not members:
            self.sockets.pop(socket.group, None)
            self._boards.pop(socket.group, None)

    def disconnect(self, socket: Socket, code: int) -> None:
        """Forget *socket* and close it with *code*."""
        self.remove(socket)
        socket.link.close(code)

    def select(self, socket: Socket, symbols: frozenset[str] | None) -> None:
        """Send *socket* only *symbols* from now on, beginning with their board."""
        self.remove(socket)
        socket.symbols = symbols
        self.sockets.setdefault(socket.group, set()).add(socket)
        self._send(socket, *self._board_texts(socket.group))

    def answer(self, socket: Socket, text: str) -> None:
        """Send *text* to *socket* alone, as soon as it takes frames; one that asks on and on loses answers."""
        if not socket.link.write(Frame(text)):
            socket.answers = (*socket.answers, text)[:MAX_QUEUED_ANSWERS]

    def heartbeat(self, socket: Socket) -> None:
        """Tell *socket* where the board stands."""
        if self.snapshot:
            self.answer(socket, publication.heartbeat_text(self.snapshot))

    def count(self) -> int:
        """Return how many sockets are open."""
        return sum(map(len, self.sockets.values()))

    def all_sockets(self) -> list[Socket]:
        """Return all open sockets."""
        return [socket for members in self.sockets.values() for socket in members]

    def _send(self, socket: Socket, *texts: str) -> None:
        if texts and not socket.link.write(Frame(*texts)):
            socket.behind = True

    def _catch_up(self, socket: Socket) -> None:
        texts = [*(self._board_texts(socket.group) if socket.behind else ()), *socket.answers]
        socket.behind, socket.answers = False, ()
        self._send(socket, *texts)

    def _board_texts(self, group: Group) -> list[str]:
        return [self._board(group)] if self.snapshot else []

    def _board(self, group: Group) -> str:
        """Return the board as *group* gets it, written once however many sockets come at once."""
        assert self.snapshot is not None
        if group not in self._boards:
            typed, symbols = group
            self._boards[group] = (publication.board_text if typed else publication.plain_text)(self.snapshot, symbols)
        return self._boards[group]

    def _set_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._boards.clear()

    def _send_all(self, text: Callable[[Group], str]) -> None:
        self._sent_at = time.monotonic()
        behind = 0
        for group, members in self.sockets.items():
            frame = Frame(text(group))
            for socket in members:
                if socket.behind or not socket.link.write(frame):
                    socket.behind = True
                    behind += 1
        counts.observe_fan_out(self.count(), behind, time.monotonic() - self._sent_at)

    # Publications

    def take(self, message: dict[str, Any]) -> bool:
        """
        Put the publication *message* on the board and send it on.

        Returns False when it does not follow the board that is held: the store has to be read.
        """
        old = self.snapshot
        if old is None or message.get("v") != publication.MESSAGE_VERSION:
            return False
        if (message["epoch"], message["seq"]) != (old.epoch, old.seq + 1):
            return bool(message["epoch"] == old.epoch and message["seq"] <= old.seq and message["as_of"] <= old.as_of)
        try:
            new = publication.apply(old, message)
        except KeyError:
            return False
        self._set_snapshot(new)
        counts.heard.inc()
        self._send_change(old, new, [row[0] for row in message["rows"]], message["removed"])
        return True

    def _send_change(self, old: Snapshot, new: Snapshot, changed: Iterable[str], removed: list[str]) -> None:
        symbols_changed = frozenset(changed)
        reordered = list(old.fragments) != list(new.fragments)

        def text(group: Group) -> str:
            typed, symbols = group
            if typed:
                return publication.update_text(new, symbols_changed, removed, symbols, reordered)
            return self._board(group)

        self._send_all(text)

    def replace(self, snapshot: Snapshot | None) -> None:
        """Take *snapshot* from the store as the board, and send it to all, unless what is held is as new."""
        self._ready.set()
        if snapshot is None or self._is_at_least(snapshot.epoch, snapshot.seq, snapshot.as_of):
            return
        self._set_snapshot(snapshot)
        counts.reloaded.inc()
        self._send_all(self._board)

    def _is_at_least(self, epoch: str, seq: int, as_of: str) -> bool:
        """
        Return whether the board that is held is at least as new.

        Number and time must both say so: a Redis failover sets the number back, a clock that is corrected the time.
        """
        mine = self.snapshot
        return mine is not None and mine.epoch == epoch and mine.seq >= seq and mine.as_of >= as_of

    async def _read_store(self) -> None:
        self.replace(await asyncio.to_thread(store.load_snapshot))

    # Listening

    async def _run(self) -> None:
        while True:
            try:
                await self._listen_until_gap()
            except FAILURES as error:
                if not self._failing:
                    logger.warning("hub: no publications, sockets keep the last board: %s", error)
                self._failing = True
            except Exception:
                logger.exception("hub: listening anew after an error")
            self._ready.set()
            await self._close_connections()
            await asyncio.sleep(RETRY_DELAY)

    async def _listen_until_gap(self) -> None:
        layer = get_channel_layer()
        assert layer is not None
        async with asyncio.timeout(SUBSCRIBE_DEADLINE):
            channel = await layer.new_channel()
            await layer.group_add(publication.GROUP, channel)
        self.listening = True
        listener = asyncio.create_task(self._listen(layer, channel))
        try:
            await self._read_store()
            if self._failing:
                logger.info("hub: publications are back")
            self._failing = False
            await self._watch(layer, channel, listener)
        finally:
            self.listening = False
            listener.cancel()
            # It gives its channel up by a command to Redis, which is not waited for without end: one that hangs may
            # have a successor by now. `_close_connections` ends it then.
            listener.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.wait({listener}, timeout=SUBSCRIBE_DEADLINE)

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            self.heard_at = time.monotonic()
            if not self.take(message):
                await self._read_store()

    async def _watch(self, layer: Any, channel: str, listener: "asyncio.Task[None]") -> None:
        """Return when the listener has missed what the store knows; raise what it raised."""
        renewed_at = time.monotonic()
        while not (await asyncio.wait({listener}, timeout=SILENCE_BEFORE_CHECK))[0]:
            if time.monotonic() - renewed_at > RENEW_MEMBERSHIP:
                async with asyncio.timeout(SUBSCRIBE_DEADLINE):
                    await layer.group_add(publication.GROUP, channel)
                renewed_at = time.monotonic()
            if time.monotonic() - self.heard_at > SILENCE_BEFORE_CHECK and await self._missed_publication():
                logger.warning("hub: missed a publication; listening anew")
                await self._read_store()
                return
        listener.result()

    async def _close_connections(self) -> None:
        """
        Close the layer's connections; it opens others when it is used again. In this loop the hub alone uses it.

        It would never notice by itself that nothing comes any more: a master that hangs while Sentinel made another one
        keeps the connection open for as long as it hangs.
        """
        layer: Any = get_channel_layer()
        # The core layer's `flush` would forget the groups of all processes.
        close = getattr(layer, "close_pools", layer.flush)
        try:
            async with asyncio.timeout(SUBSCRIBE_DEADLINE):
                await close()
        except FAILURES as error:
            logger.debug("hub: the connections could not be closed: %s", error)

    async def _missed_publication(self) -> bool:
        if await self._is_current():
            return False
        await asyncio.sleep(GRACE)  # the publication may be on its way
        return not await self._is_current()

    async def _is_current(self) -> bool:
        header = await asyncio.to_thread(store.load_header)
        return header is None or self._is_at_least(header.epoch, header.seq, header.as_of)

    async def _send_heartbeats(self) -> None:
        """Send heartbeats while there is nothing else to send: an old `as_of` tells that nobody publishes."""
        while True:
            await asyncio.sleep(max(0.1, self._sent_at + settings.RATES_HEARTBEAT - 1 - time.monotonic()))
            if self.snapshot and time.monotonic() - self._sent_at >= settings.RATES_HEARTBEAT - 1:
                frame = Frame(publication.heartbeat_text(self.snapshot))
                self._sent_at = time.monotonic()
                for socket in self.all_sockets():
                    if socket.typed:
                        socket.link.write(frame)

    async def _check_sockets(self) -> None:
        """Look after all sockets: one timer instead of some for each of them."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            now = time.time()
            for socket in self.all_sockets():
                socket.link.check_client()
                if socket.expires_at is not None and socket.expires_at <= now:
                    counts.closed.labels("token_expired").inc()
                    self.disconnect(socket, CloseCode.TOKEN_REFUSED)


@cache
def get_hub() -> Hub:
    """Return this process's hub."""
    return Hub()
