"""
One stream, kept open: connect, listen, follow the coin list, renew, and reconnect with backoff.

    30 s without an event                    the connection is dead, even if it answers pings
    a pair is lost (`lost_pairs`)            its subscription is renewed; if that does not help, so is the connection
    more pairs are lost than speak           the connection is dead, even if it has heartbeats
    announced shutdown, or nearly 24 hours   a new connection delivers before the old one is closed
    failure                                  a pause that `pacing` chooses, and that every process keeps
"""

import asyncio
import logging
import random
import socket
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.conf import settings
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from rates.concurrency import cancel_and_wait, first_of
from rates.exceptions import SourceError, SourceGarbled, SourceUnreachable
from rates.judgement.rules import read_rules
from rates.outbound.dialing import open_socket
from rates.outbound.errors import describe
from rates.outbound.proxies import SECURE, Endpoint, parse_endpoint
from rates.outbound.tls import tls_context
from rates.outbound.websocket import LONGEST_MESSAGE
from rates.sources.protocols import StreamEvent, StreamSource
from rates.sources.websocket import handshake_error
from rates.streams.health import SharedHealth
from rates.streams.latest import LatestRates
from rates.streams.lost_pairs import LostPairs
from rates.streams.reading_pauses import ReadingPauses
from rates.telemetry import counts
from rates.types import CoinState, Target

logger = logging.getLogger(__name__)

# All in seconds.
DIALING = 5
OPENING = 10
CLOSING = 1
MAX_SILENCE = 30.0
MAX_LIFETIME = 23 * 3600.0
# Another process can extend a pause, so it is read again after this.
PAUSE_INTERVAL = 5.0
# How often it is shared that the stream delivers.
HEALTH_INTERVAL = 10.0
# A connection that lasted this long was a success; after it, failures are counted from one again.
STABLE_AFTER = 60.0
# Between two of our messages; Binance allows five a second, including answers to pings.
MESSAGE_SPACING = 0.5
# An address with more pairs would be too long for some servers; the rest is subscribed to afterwards.
OPENING_PAIRS = 100
PAIRS_PER_MESSAGE = 200
# Lost coins that a line names.
MOST_NAMES = 5
# The same failure is logged again after this.
LOG_SPACING = 600.0


class StreamConnection:
    """
    One connection of a stream.

    Attributes:
        delivering: set by the first event.
        ending: set when a new connection is needed.
        heard_at: when the last event came, by the monotonic clock.
    """

    def __init__(self, stream: "ReconnectingStream") -> None:
        self.delivering = asyncio.Event()
        self.ending = asyncio.Event()
        self.heard_at = time.monotonic()
        self._stream = stream
        self._pairs = set(sorted(stream.pairs)[:OPENING_PAIRS])
        # Pairs that were subscribed to before: another snapshot of them may be as old as the first.
        self._ended_pairs: set[str] = set()
        self._number = 1

    async def run(self) -> None:
        """
        Listen until the connection ends, or no pair is wanted any more.

        Raises:
            SourceError: the reason why it ended.
        """
        source = self._stream.source
        address = source.open_address(sorted(self._pairs))
        endpoint = parse_endpoint(address)
        try:
            async with connect(
                address,
                sock=await _dial(endpoint),
                ssl=tls_context() if endpoint.scheme in SECURE else None,
                # The socket is that of the tunnel, if there is a proxy.
                proxy=None,
                compression=None,
                open_timeout=OPENING,
                close_timeout=CLOSING,
                ping_interval=None,
                max_size=LONGEST_MESSAGE,
            ) as connection:
                await self._run_connected(connection)
        except InvalidStatus as error:
            raise handshake_error(source.NAME, error) from error
        # A certificate that cannot be verified is an `OSError` and a `ValueError`.
        except (WebSocketException, OSError) as error:
            raise SourceUnreachable(source.NAME, f"the stream broke: {describe(error)}") from error
        except ValueError as error:
            raise handshake_error(source.NAME, error) from error

    async def _run_connected(self, connection: ClientConnection) -> None:
        for text in self._stream.source.first_messages(sorted(self._pairs)):
            await connection.send(text)
        self.heard_at = time.monotonic()
        self._await_events(self._pairs)
        await first_of(self._listen(connection), self._keep_subscribed(connection), self._watch())

    async def _listen(self, connection: ClientConnection) -> None:
        pauses = ReadingPauses(connection.transport)
        async for frame in connection:
            with suppress(ValueError):
                self._handle(frame, pauses)
        raise SourceUnreachable(self._stream.source.NAME, "the stream was closed by the other side")

    def _handle(self, frame: str | bytes, pauses: ReadingPauses) -> None:
        stream = self._stream
        event = stream.source.read_event(frame, stream.pairs, datetime.now(UTC))
        if event is None:
            return
        if event.is_ending:
            self.ending.set()
            return
        self.heard_at = time.monotonic()
        self.delivering.set()
        stream.latest.put(stream.source.NAME, self._drop_old_news(event))
        # The answers to a subscription come all at once.
        if stream.latest.changed.is_set() and not event.is_snapshot:
            pauses.begin()

    def _drop_old_news(self, event: StreamEvent) -> StreamEvent:
        """
        Return *event* without what proves nothing about now: what happened long ago, and repeated snapshots.

        The first snapshot on a connection is like the answer to a poll; one after another subscription to the same pair
        may be the same as the first.
        """
        repeated = self._stream.symbols_of(self._ended_pairs) if event.is_snapshot else frozenset()
        limit = timedelta(seconds=settings.RATES_STALE_AFTER)
        news = [r for r in event.rates if r.symbol not in repeated and r.received_at - r.observed_at <= limit]
        return event if len(news) == len(event.rates) else replace(event, rates=tuple(news))

    async def _keep_subscribed(self, connection: ClientConnection) -> None:
        """Keep the subscriptions in line with the coin list, and renew those that are lost."""
        while self._stream.pairs:
            await asyncio.sleep(MESSAGE_SPACING)
            wanted, lost = set(self._stream.pairs), self._stream.lost_pairs()
            if missing := sorted(wanted - self._pairs):
                await self._change(connection, missing[:PAIRS_PER_MESSAGE], True)
            elif surplus := sorted(self._pairs - wanted):
                await self._change(connection, surplus[:PAIRS_PER_MESSAGE], False)
            elif unrenewed := sorted(lost - self._ended_pairs):
                # They are missing then, and subscribed to again.
                await self._change(connection, unrenewed[:PAIRS_PER_MESSAGE], False)
                counts.stream_renewals.labels(self._stream.source.NAME).inc(len(unrenewed[:PAIRS_PER_MESSAGE]))
            elif lost:
                self.ending.set()

    async def _change(self, connection: ClientConnection, pairs: list[str], wanted: bool) -> None:
        self._number += 1
        await connection.send(self._stream.source.change_message(pairs, wanted, self._number))
        self._pairs = self._pairs | set(pairs) if wanted else self._pairs - set(pairs)
        self._ended_pairs |= set() if wanted else set(pairs)
        self._await_events(pairs)

    def _await_events(self, pairs: Collection[str]) -> None:
        symbols = self._stream.symbols_of(pairs)
        self._stream.latest.await_events(self._stream.source.NAME, symbols, datetime.now(UTC))
        self._stream.lost.forgive(symbols)

    async def _watch(self) -> None:
        name, silence = self._stream.source.NAME, self._stream.silence
        ends_at = time.monotonic() + self._stream.max_lifetime * random.uniform(0.95, 1)
        while time.monotonic() - self.heard_at < silence:
            await asyncio.sleep(min(1.0, silence / 4))
            if time.monotonic() > ends_at:
                self.ending.set()
            if self._stream.has_lost_most():
                lost = ", ".join(sorted(self._stream.lost.lost)[:MOST_NAMES])
                raise SourceUnreachable(name, f"the stream was silent while prices moved: {lost}")
        raise SourceUnreachable(name, f"the stream was silent for {silence:.0f} s")


async def _dial(endpoint: Endpoint) -> socket.socket:
    """Return a connected socket; a name server that hangs, which asyncio would wait for, costs `DIALING` seconds."""
    dialing = asyncio.get_running_loop().run_in_executor(None, open_socket, endpoint, time.monotonic() + DIALING)
    try:
        sock = await asyncio.shield(dialing)
    except asyncio.CancelledError:
        dialing.add_done_callback(_close)
        raise
    sock.setblocking(False)
    return sock


def _close(dialing: "asyncio.Future[socket.socket]") -> None:
    if dialing.exception() is None:
        dialing.result().close()


class ReconnectingStream:
    """
    A source's stream, across all of its connections.

    Attributes:
        source: the vendor's stream module.
        latest: where its events go.
        pairs: the coins that each wanted pair prices; `set_pairs` replaces it.
        lost: which of them are silent, and which are lost.
        delivers: whether its newest connection has delivered and not failed since.
        silence: seconds without an event after which a connection counts as dead.
        max_lifetime: seconds after which a connection is replaced.
    """

    def __init__(
        self,
        source: StreamSource,
        latest: LatestRates,
        silence: float = MAX_SILENCE,
        max_lifetime: float = MAX_LIFETIME,
    ) -> None:
        self.source = source
        self.latest = latest
        self.silence = silence
        self.max_lifetime = max_lifetime
        self.pairs: Mapping[str, tuple[Target, ...]] = {}
        self.lost = LostPairs(source.NAME, latest)
        self.delivers = False
        self._wanted = asyncio.Event()
        self._health = SharedHealth(source)
        self._logged: tuple[str, float] = ("", float("-inf"))

    def set_pairs(self, pairs: Mapping[str, tuple[Target, ...]]) -> None:
        """Deliver *pairs* from now on; rates from changed or removed pairs are forgotten."""
        kept = {(pair, target) for pair, targets in pairs.items() for target in targets}
        gone = {t.symbol for pair, targets in self.pairs.items() for t in targets if (pair, t) not in kept}
        self.pairs = dict(pairs)
        if gone:
            self.latest.forget(self.source.NAME, gone)
        if pairs:
            self._wanted.set()
        else:
            self._wanted.clear()

    def symbols_of(self, pairs: Collection[str]) -> frozenset[str]:
        """Return the coins that *pairs* price."""
        return frozenset(target.symbol for pair in pairs for target in self.pairs.get(pair, ()))

    def compare(self, states: Mapping[str, CoinState]) -> None:
        """Find what is lost, by what polls have left in *states*."""
        self.lost.compare(states, datetime.now(UTC), read_rules())

    def lost_pairs(self) -> set[str]:
        """Return the pairs that are silent while their prices move."""
        return {pair for pair, targets in self.pairs.items() if any(t.symbol in self.lost.lost for t in targets)}

    def has_lost_most(self) -> bool:
        """Return whether more coins are lost than speak; quiet ones do not count."""
        speaking = len(self.symbols_of(self.pairs) - self.lost.silent)
        return len(self.lost.lost) > speaking

    async def keep_open(self) -> None:
        """Keep a connection open for ever; when one is about to end, the next one is opened beside it."""
        older: asyncio.Task[None] | None = None
        newer: asyncio.Task[None] | None = None
        try:
            while True:
                await self._wanted.wait()
                await self._wait_out_pause()
                if older is None or older.done():
                    self.latest.forget(self.source.NAME)
                connection, began = StreamConnection(self), time.monotonic()
                newer = asyncio.create_task(connection.run())
                await first_of(connection.delivering.wait(), asyncio.wait([newer]))
                if connection.delivering.is_set():
                    await self._replace(older)
                    await first_of(connection.ending.wait(), asyncio.wait([newer]), self._share_health(connection))
                if newer.done():
                    await self._handle_break(newer, time.monotonic() - began)
                else:
                    older = newer
                    await self._back_off_after_early_end(time.monotonic() - began)
        finally:
            await cancel_and_wait(older)
            await cancel_and_wait(newer)

    async def _replace(self, older: asyncio.Task[None] | None) -> None:
        self.delivers = True
        counts.stream_connections.labels(self.source.NAME).inc()
        if self._logged[0]:
            logger.info("%s: the stream delivers again", self.source.NAME)
            self._logged = ("", float("-inf"))
        await cancel_and_wait(older)

    async def _share_health(self, connection: StreamConnection) -> None:
        while True:
            await self._health.delivers(time.monotonic() - connection.heard_at)
            await asyncio.sleep(HEALTH_INTERVAL)

    async def _handle_break(self, ended: asyncio.Task[None], lived: float) -> None:
        self.delivers = False
        error = ended.exception()
        if error is None:
            return
        if not isinstance(error, SourceError):
            # It costs this stream a pause, but not the other streams or the process.
            logger.error("%s: the stream ended with an internal error", self.source.NAME, exc_info=error)
            error = SourceGarbled(self.source.NAME, f"the stream ended with an internal error: {type(error).__name__}")
        counts.stream_breaks.labels(self.source.NAME, error.kind).inc()
        await self._health.broke(error, lasted=lived > STABLE_AFTER)

    async def _back_off_after_early_end(self, lived: float) -> None:
        """Back off when the server announces shutdown right after we connect."""
        if lived <= STABLE_AFTER:
            error = SourceUnreachable(self.source.NAME, "the stream announced its shutdown")
            await self._health.broke(error, lasted=False)

    async def _wait_out_pause(self) -> None:
        """Wait while this stream is paused, or its vendor limits us, whichever process learned of it."""
        while True:
            pause, words = await self._health.read_pause()
            if not pause:
                return
            self._report(words, pause)
            await asyncio.sleep(min(pause, PAUSE_INTERVAL))

    def _report(self, words: str, pause: float) -> None:
        now = time.monotonic()
        if words != self._logged[0] or now - self._logged[1] > LOG_SPACING:
            logger.warning("%s; next attempt in %.0f s", words, pause)
            self._logged = (words, now)
