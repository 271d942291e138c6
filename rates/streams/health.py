"""
The health of a stream, shared through the store: the next leader keeps the pauses that this one was told to make.

What this process has experienced itself counts even while Redis is down.
"""

import asyncio
import logging
import time
from functools import partial

from msgspec.structs import replace

from rates import store
from rates.exceptions import SourceError, StoreUnavailable
from rates.sources.pacing import (
    Health,
    after_break,
    after_connecting,
    merge_health,
    pause_left,
    read_health,
    stream_name,
)
from rates.sources.protocols import StreamSource

logger = logging.getLogger(__name__)


class SharedHealth:
    """The health of a source's stream, whichever process had the connection."""

    def __init__(self, source: StreamSource) -> None:
        self._name = stream_name(source.NAME)
        self._setup = source.setup_fingerprint()
        self._health = Health(setup=self._setup)

    async def read_pause(self) -> tuple[float, str]:
        """Return the seconds until the stream may connect again, and the reason."""
        await self._load()
        return pause_left(self._health, time.time()), self._health.error

    async def _load(self) -> None:
        try:
            shared = read_health(await asyncio.to_thread(store.load_healths), self._name, self._setup)
        except StoreUnavailable as error:
            logger.debug("%s: its pauses cannot be read: %s", self._name, error)
            return
        if shared.asked_at >= self._health.asked_at:
            self._health = shared
        elif shared.paused_until > self._health.paused_until:
            why = self._health.error or shared.error
            self._health = replace(self._health, paused_until=shared.paused_until, error=why)

    async def delivers(self, silent: float) -> None:
        """Share that it delivers; its last event came *silent* seconds ago."""
        await self._save(after_connecting(self._health, time.time() - silent))

    async def broke(self, error: SourceError, *, lasted: bool) -> None:
        """Share that its connection ended with *error*."""
        await self._save(after_break(self._health, error, time.time(), lasted=lasted))

    async def _save(self, health: Health) -> None:
        self._health = health
        try:
            await asyncio.to_thread(store.update_healths, partial(merge_health, {self._name: health}))
        except StoreUnavailable as error:
            logger.debug("%s: its health cannot be shared: %s", self._name, error)
