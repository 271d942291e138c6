"""
One hub per web process: it listens for publications, holds the newest board, and feeds the sockets.

    channel layer ─► hub ─► text per (dialect, selection, currency), encoded once ─► every socket of that group

The hub is its process's only member of the channel layer's group, so a publication costs Redis the same however many
sockets there are. A socket that has seen the previous publication gets the change; any other gets the whole board.
Nothing is queued: a socket that has not taken a frame yet skips publications, and gets the newest board when it has.

Prices in another currency than the base are derived here, once for each publication and for each currency that a socket
wants, and for no other.

Publications reach the hub by `subscription`; its texts reach the clients by `links` and `server`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from math import ceil
from typing import Any

from django.conf import settings

from rates import publication
from rates.concurrency import cancel_and_wait, restart_on_error
from rates.currencies import in_currency
from rates.fanout.check_times import CheckTimes
from rates.fanout.close_codes import CloseCode
from rates.fanout.sockets import Frame, Greeting, Group, Socket, event_id
from rates.fanout.subscription import Subscription
from rates.telemetry import counts
from rates.telemetry.reports import report_forever
from rates.types import Snapshot

logger = logging.getLogger(__name__)

# Seconds between two checks of a client.
CHECK_INTERVAL = 1.0
# Answers that wait for a client that has not taken the frame before yet.
MAX_QUEUED_ANSWERS = 8


class Hub:
    """Holds the newest board and sends it to all sockets; other threads may read `snapshot` and nothing else."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.late = False
        self.sockets: dict[Group, set[Socket]] = {}
        self.draining = False
        self.subscription = Subscription(self)
        self._check_times = CheckTimes()
        self._boards: dict[Group, str] = {}
        self._greetings: dict[Group, Greeting] = {}
        # The board in each currency that was asked for since the publication, with the marks of a late one.
        self._views: dict[str, Snapshot] = {}
        self._sent_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def started(self) -> bool:
        """Whether its tasks run."""
        return bool(self._tasks)

    def start(self) -> None:
        """Start to listen in the running event loop, unless it does already."""
        if not self.started:
            self._tasks = [
                asyncio.create_task(restart_on_error(self.subscription.run, "hub: listening")),
                asyncio.create_task(restart_on_error(self._send_heartbeats, "hub: heartbeats")),
                asyncio.create_task(restart_on_error(self._check_sockets, "hub: checking sockets")),
                asyncio.create_task(restart_on_error(partial(report_forever, "web", self._report), "hub: reports")),
            ]

    async def stop(self) -> None:
        """Stop listening."""
        await asyncio.gather(*map(cancel_and_wait, self._tasks))
        self._tasks = []

    def _report(self) -> dict[str, int]:
        """Update the gauges, and return what else this process reports."""
        counts.sockets.set(self.count())
        counts.sockets_limit.set(settings.RATES_MAX_CONNECTIONS)
        counts.listening.set(self.subscription.listening)
        return {"sockets": self.count()}

    async def wait_ready(self, seconds: float) -> None:
        """Wait until the store has been read once, at most *seconds*."""
        if not self.subscription.attempted.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self.subscription.attempted.wait()
            except TimeoutError:
                logger.info("hub: no board yet after %g s", seconds)

    # Sockets

    def add(self, socket: Socket, held: str = "") -> None:
        """
        Greet *socket* with the board that this process holds, and send it every change from now on.

        The board is left out for a client that *held* it, by the id of its last event, when its connection ended.
        """
        socket.link.on_writable = partial(self._catch_up, socket)
        socket.link.on_blocked = partial(self._check_soon, socket)
        self._join(socket)
        self._send(socket, Frame(self._hello(socket.group)) if self._is_current(held) else self._greet(socket.group))

    def _join(self, socket: Socket) -> None:
        self.sockets.setdefault(socket.group, set()).add(socket)
        self._check_soon(socket)

    def remove(self, socket: Socket) -> None:
        """Forget *socket*."""
        self._check_times.remove(socket)
        members = self.sockets.get(socket.group, set())
        members.discard(socket)
        if not members:
            self.sockets.pop(socket.group, None)
            self._boards.pop(socket.group, None)
            self._greetings.pop(socket.group, None)

    def disconnect(self, socket: Socket, code: int) -> None:
        """Forget *socket* and close it with *code*."""
        self.remove(socket)
        socket.link.close(code)

    def select(self, socket: Socket, symbols: frozenset[str] | None, currency: str) -> None:
        """Send *socket* only *symbols* from now on, in *currency*, starting with their board."""
        self.remove(socket)
        socket.group = socket.group._replace(symbols=symbols, currency=currency)
        self._join(socket)
        self._send(socket, Frame(*self._board_texts(socket.group)))

    def answer(self, socket: Socket, text: str) -> None:
        """Send *text* to *socket* alone, now or later; one that asks without reading loses answers."""
        if not socket.link.write(Frame(text)):
            socket.answers = (*socket.answers, text)[:MAX_QUEUED_ANSWERS]

    def heartbeat(self, socket: Socket) -> None:
        """Send a heartbeat to *socket* alone."""
        if self.snapshot:
            self.answer(socket, publication.heartbeat_text(self.snapshot))

    def count(self) -> int:
        """Return how many sockets are open."""
        return sum(map(len, self.sockets.values()))

    def all_sockets(self) -> list[Socket]:
        """Return all open sockets."""
        return [socket for members in self.sockets.values() for socket in members]

    def _is_current(self, held: str) -> bool:
        # A late board has the same number as before, and other marks.
        return self.snapshot is not None and not self.late and held == event_id(self.snapshot.epoch, self.snapshot.seq)

    def _send(self, socket: Socket, frame: Frame) -> None:
        if frame.texts and not socket.link.write(frame):
            socket.behind = True

    def _catch_up(self, socket: Socket) -> None:
        texts = [*(self._board_texts(socket.group) if socket.behind else ()), *socket.answers]
        socket.behind, socket.answers = False, ()
        self._send(socket, Frame(*texts))

    def _greet(self, group: Group) -> Greeting:
        """Return what a new socket of *group* gets first, encoded once however many come between two publications."""
        if group not in self._greetings:
            hello = [self._hello(group)] if group.typed else []
            self._greetings[group] = Greeting(*hello, *self._board_texts(group))
        return self._greetings[group]

    def _hello(self, group: Group) -> str:
        epoch = self.snapshot.epoch if self.snapshot else ""
        return publication.hello_text(epoch, group.currency or settings.QUOTE_CURRENCY)

    def _board_texts(self, group: Group) -> list[str]:
        return [self._board(group)] if self.snapshot else []

    def _board(self, group: Group) -> str:
        """Return the board as text for *group*, written once however many sockets need it."""
        if group not in self._boards:
            shown = self._view(group.currency)
            self._boards[group] = (
                publication.board_text(shown, group.symbols, group.currency)
                if group.typed
                else publication.plain_text(shown, group.symbols, sure=group.sure)
            )
        return self._boards[group]

    def _view(self, currency: str, before: tuple[Snapshot, Snapshot] | None = None) -> Snapshot:
        """Return the board in *currency*, derived once however many groups need it; *before* saves work."""
        if currency not in self._views:
            assert self.snapshot is not None
            shown = publication.mark_stale(self.snapshot) if self.late else self.snapshot
            self._views[currency] = in_currency(shown, currency or settings.QUOTE_CURRENCY, before)
        return self._views[currency]

    def _set_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot, self.late = snapshot, publication.is_late(snapshot)
        self._forget_texts()

    def _forget_texts(self) -> None:
        self._boards.clear()
        self._greetings.clear()
        self._views = {}

    def check_lateness(self) -> None:
        """Mark every price as stale, and send the board, when nobody has published for `RATES_STALE_AFTER`."""
        if self.snapshot is not None and not self.late and publication.is_late(self.snapshot):
            self.late = True
            self._forget_texts()
            self._send_all(self._board)

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

    def handle_publication(self, message: dict[str, Any]) -> bool:
        """
        Apply the publication *message* to the board and send it to all sockets.

        Returns False when it does not follow the current board: the store has to be read.
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
        was_late, views = self.late, self._views
        self._set_snapshot(new)
        counts.heard.inc()
        if was_late:
            # Everybody was sent other rows than those that have not changed.
            self._send_all(self._board)
        else:
            self._send_change(old, views, [row[0] for row in message["rows"]], message["removed"])
        return True

    def _send_change(
        self, old: Snapshot, views: Mapping[str, Snapshot], changed: Iterable[str], removed: list[str]
    ) -> None:
        """Send what has changed since *old*, of which *views* are in other currencies."""
        assert self.snapshot is not None
        reordered = list(old.fragments) != list(self.snapshot.fragments)
        rows = {"": frozenset(changed)}
        for currency in {group.currency for group in self.sockets} - {""}:
            before = views.get(currency) or in_currency(old, currency)
            rows[currency] = _find_changed(before, self._view(currency, (old, before)))

        def text(group: Group) -> str:
            if not group.typed:
                return self._board(group)
            view = self._view(group.currency)
            return publication.update_text(view, rows[group.currency], removed, group.symbols, reordered)

        self._send_all(text)

    def replace(self, snapshot: Snapshot | None) -> None:
        """Replace the board by *snapshot* from the store and send it to all sockets, unless the board is as new."""
        if snapshot is None or self.is_at_least(snapshot.epoch, snapshot.seq, snapshot.as_of):
            return
        self._set_snapshot(snapshot)
        counts.reloaded.inc()
        self._send_all(self._board)

    def is_at_least(self, epoch: str, seq: int, as_of: str) -> bool:
        """
        Return whether the current board is at least as new.

        Both number and time must be: a Redis failover sets the number back, a corrected clock the time.
        """
        held = self.snapshot
        return held is not None and held.epoch == epoch and held.seq >= seq and held.as_of >= as_of

    async def _send_heartbeats(self) -> None:
        """Send heartbeats while nothing else is sent; an old `as_of` in them shows that nobody publishes."""
        while True:
            await asyncio.sleep(max(0.1, self._sent_at + settings.RATES_HEARTBEAT - 1 - time.monotonic()))
            if self.snapshot and time.monotonic() - self._sent_at >= settings.RATES_HEARTBEAT - 1:
                frame = Frame(publication.heartbeat_text(self.snapshot))
                self._sent_at = time.monotonic()
                for group, members in list(self.sockets.items()):
                    for socket in list(members) if group.typed else ():
                        socket.link.write_heartbeat(frame)

    async def _check_sockets(self) -> None:
        """Check all clients: one timer instead of several for each."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            self.check_lateness()
            self.check_sockets()

    def _check_soon(self, socket: Socket) -> None:
        self._check_times.put(socket, int(time.monotonic()) + 1)

    def check_sockets(self) -> None:
        """Check the clients for whom it is time."""
        for socket in self._check_times.take(int(time.monotonic())):
            # At first, so that a socket which the check closes is forgotten.
            self._check_soon(socket)
            again = socket.link.check_client()
            if socket.expires_at is None:
                self._check_times.postpone(socket, ceil(again))
            elif socket.expires_at <= time.time():
                counts.closed.labels("token_expired").inc()
                self.disconnect(socket, CloseCode.TOKEN_REFUSED)


def _find_changed(before: Snapshot, after: Snapshot) -> frozenset[str]:
    """Return the symbols whose rows look different, or are new."""
    old = before.fragments
    return frozenset(symbol for symbol, row in after.fragments.items() if old.get(symbol) != row)


@cache
def get_hub() -> Hub:
    """Return this process's hub."""
    return Hub()
