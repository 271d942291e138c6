"""
How publications reach a web process: its membership in the channel layer's group, and what happens when it fails.

    1. subscribe, read the store, then apply each publication to the board
    2. a publication that does not follow the board: read the store
    3. nothing arrives although the store has changed: read the store and subscribe again
    4. Redis is down: keep the board, and try again every second

Tested in `tests/fanout/test_consumers.py`, and with a Redis that fails in `tests/faults/test_redis_away.py`.
"""

import asyncio
import logging
import time
from typing import Any, Protocol

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from rates import publication, store
from rates.deployment import find_difference
from rates.exceptions import ForeignBoard, StoreUnavailable
from rates.outage_log import OutageLog
from rates.store.redis_client import explain
from rates.types import Snapshot

logger = logging.getLogger(__name__)
# Where the channel layer logs what its task that receives has met; it tells nobody else.
layer_logger = logging.getLogger("channels_redis.pubsub")

# Seconds.
SILENCE_BEFORE_CHECK = 2.0
# For a publication that is on its way while the store is compared.
GRACE_PERIOD = 0.5
RENEW_MEMBERSHIP = 10.0
RETRY_DELAY = 1.0
SUBSCRIBE_TIMEOUT = 5.0

FAILURES = (RedisError, OSError, TimeoutError, StoreUnavailable)


class _LayerFaults(logging.Filter):
    """Takes what the channel layer would log with a traceback each second: a refused SUBSCRIBE, a lost connection."""

    def __init__(self) -> None:
        super().__init__()
        self._error: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether *record* is to be logged: any other is."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, FAILURES):
            self._error = error
            return False
        return True

    def forget(self) -> None:
        """Forget what has been taken."""
        self._error = None

    def check(self) -> None:
        """Raise what has been taken."""
        if self._error:
            raise self._error


class Receiver(Protocol):
    """What the hub does with what it is told."""

    def handle_publication(self, message: dict[str, Any]) -> bool:
        """Apply *message*; False when the store has to be read."""

    def replace(self, snapshot: Snapshot | None) -> None:
        """Replace the board by *snapshot* from the store."""

    def is_at_least(self, epoch: str, seq: int, as_of: str) -> bool:
        """Return whether the board is at least as new."""


class Subscription:
    """
    The subscription of this process to publications.

    Attributes:
        listening: whether it is subscribed at present.
        heard_at: when the last publication arrived, by the monotonic clock.
        fault: why it was not subscribed the last time; empty as soon as it works again.
        attempted: set when the store has been read for the first time, or could not be read.
    """

    def __init__(self, receiver: Receiver) -> None:
        self.listening = False
        self.heard_at = 0.0
        self.attempted = asyncio.Event()
        self._receiver = receiver
        self._foreign_log = OutageLog(logger)
        self._log = OutageLog(logger)
        self._faults = _LayerFaults()
        self.fault = ""

    async def run(self) -> None:
        """Subscribe again and again, until cancelled."""
        layer_logger.addFilter(self._faults)
        try:
            await self._subscribe_forever()
        finally:
            layer_logger.removeFilter(self._faults)

    async def _subscribe_forever(self) -> None:
        while True:
            try:
                await self._listen_until_gap()
            except StoreUnavailable as error:
                self._fail(error)
            except FAILURES as error:
                self._fail(await asyncio.to_thread(explain, error))
            except Exception:
                logger.exception("hub: unexpected error; subscribing again")
            self.attempted.set()
            await self._close_connections()
            await asyncio.sleep(RETRY_DELAY)

    def _fail(self, error: StoreUnavailable) -> None:
        self.fault = str(error)
        self._log.failed("hub: no publications, sockets keep the last board: %s", error)

    def _recover(self) -> None:
        self._faults.forget()
        self.fault = ""
        self._log.recovered("hub: publications are back")

    async def _listen_until_gap(self) -> None:
        layer = get_channel_layer()
        assert layer is not None
        self._faults.forget()
        async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
            channel = await layer.new_channel()
            await layer.group_add(publication.GROUP, channel)
        self.listening = True
        listener = asyncio.create_task(self._listen(layer, channel))
        try:
            await self._read_store()
            await self._watch(layer, channel, listener)
        finally:
            self.listening = False
            listener.cancel()
            # It unsubscribes by a command to Redis, which is not waited for forever: a server that hangs may have been
            # replaced by now. `_close_connections` ends it then.
            listener.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.wait({listener}, timeout=SUBSCRIBE_TIMEOUT)

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            if difference := find_difference(message.get("deployment")):
                self._foreign_log.failed(
                    "hub: ignoring publications of another deployment, set RATES_NAMESPACE: %s",
                    ForeignBoard(difference),
                )
                continue
            self.heard_at = time.monotonic()
            self._recover()
            if not self._receiver.handle_publication(message):
                await self._read_store()

    async def _watch(self, layer: Any, channel: str, listener: "asyncio.Task[None]") -> None:
        """Return when the listener has missed a publication that the store has; raise what it raised."""
        renewed_at = time.monotonic()
        while not (await asyncio.wait({listener}, timeout=SILENCE_BEFORE_CHECK))[0]:
            # The layer returns before the server has answered to its SUBSCRIBE.
            self._faults.check()
            self._recover()
            if time.monotonic() - renewed_at > RENEW_MEMBERSHIP:
                async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                    await layer.group_add(publication.GROUP, channel)
                renewed_at = time.monotonic()
            if time.monotonic() - self.heard_at > SILENCE_BEFORE_CHECK and await self._missed_publication():
                logger.warning("hub: missed a publication; subscribing again")
                await self._read_store()
                return
        listener.result()

    async def _close_connections(self) -> None:
        """
        Close the channel layer's connections; it opens new ones on its next use. Only the hub uses it in this loop.

        By itself it would not notice that nothing arrives any more: a master that hangs while Sentinel has promoted
        another one keeps its connections open for as long as it hangs.
        """
        layer: Any = get_channel_layer()
        # `flush` of channels_redis' core layer would delete the groups of all processes.
        close = getattr(layer, "close_pools", layer.flush)
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                await close()
        except FAILURES as error:
            logger.debug("hub: closing the connections failed: %s", error)

    async def _missed_publication(self) -> bool:
        if await self._is_current():
            return False
        await asyncio.sleep(GRACE_PERIOD)  # the publication may be on its way
        return not await self._is_current()

    async def _is_current(self) -> bool:
        header = await asyncio.to_thread(store.load_header)
        return header is None or self._receiver.is_at_least(header.epoch, header.seq, header.as_of)

    async def _read_store(self) -> None:
        self._receiver.replace(await asyncio.to_thread(store.load_snapshot))
        self.attempted.set()
