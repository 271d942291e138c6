"""
The pub/sub channel layer, waiting for messages instead of looking for one ten times a second.

channels_redis reads with a timeout of 0.1 s, over and over: that was half of what a quiet web process cost. A message,
or a lost connection, ends a read at once; nothing depends on how often a read is begun.

Tested in `tests/config/test_channel_layer.py`.
"""

from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from redis.asyncio.client import PubSub

# Seconds that one read waits.
PATIENCE = 5.0


class PatientPubSub(PubSub):
    """A subscription whose reads wait for long."""

    async def get_message(
        self,
        ignore_subscribe_messages: bool = False,
        timeout: float | None = 0.0,  # noqa: ASYNC109 - redis-py's
    ) -> Any:
        """Return the next message; None when none comes in time."""
        return await super().get_message(ignore_subscribe_messages, timeout and max(timeout, PATIENCE))


class PatientConnection(RedisSingleShardConnection):  # type: ignore[misc] # Channels has no hints
    """The layer's connection to one Redis."""

    def _ensure_redis(self) -> None:
        if self._redis is None:
            super()._ensure_redis()
            client: Any = self._redis
            self._pubsub = PatientPubSub(client.connection_pool)


class PatientLayer(RedisPubSubChannelLayer):  # type: ignore[misc] # Channels has no hints
    """The layer, with such connections."""

    def _get_layer(self) -> RedisPubSubLoopLayer:
        layer = super()._get_layer()
        if not isinstance(layer._shards[0], PatientConnection):
            layer._shards = [PatientConnection(shard.host, layer) for shard in layer._shards]
        return layer
