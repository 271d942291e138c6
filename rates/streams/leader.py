"""
The live streams: a connection to each exchange, its changes published at most every `RATES_STREAM_INTERVAL` seconds.

Any number of processes may run this. One of them is the leader, by a lease in Redis, and streams; the others wait. A
killed leader is replaced when its lease has expired; one that cannot renew its lease stops.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from rates import feed, store
from rates.concurrency import first_of
from rates.exceptions import StoreUnavailable
from rates.history.recorder import recorder
from rates.models import Coin
from rates.outage_log import OutageLog
from rates.sources.registry import STREAM_SOURCES
from rates.store.coin_list import coin_list
from rates.streams.latest import LatestRates
from rates.streams.reconnecting import ReconnectingStream
from rates.telemetry import counts
from rates.telemetry.reports import report_forever
from rates.types import Rate

logger = logging.getLogger(__name__)

# All in seconds. A killed leader is replaced within the sum of the first two.
LEASE = 6.0
LEASE_RENEWAL = 2.0
COIN_LIST_INTERVAL = 2.0
# How often events without a change are published, and silent pairs compared with the polls; more often when
# `RATES_STALE_AFTER` is short.
CONFIRM_INTERVAL = 3.0

T = TypeVar("T")


class Threads:
    """The two threads that talk to database and Redis: a slow publication must not delay the renewal of the lease."""

    def __init__(self) -> None:
        self._board = ThreadPoolExecutor(1, "board")
        self._leadership = ThreadPoolExecutor(1, "leadership")

    async def on_board(self, function: Callable[[], T]) -> T:
        """Run *function* in the thread for the database and the board."""
        return await asyncio.get_running_loop().run_in_executor(self._board, _with_fresh_database, function)

    async def on_leadership(self, function: Callable[[], T]) -> T:
        """Run *function* in the thread for the lease."""
        return await asyncio.get_running_loop().run_in_executor(self._leadership, function)

    def close(self) -> None:
        """Wait until both are idle."""
        self._board.shutdown(cancel_futures=True)
        self._leadership.shutdown()


def _with_fresh_database(function: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return function()
    finally:
        close_old_connections()


async def run(stop: asyncio.Event) -> None:
    """Stream whenever this process is the leader, until *stop* is set; then give up the lease."""
    token, threads = secrets.token_hex(8), Threads()
    streams: list[ReconnectingStream] = []
    counts.start_at_zero(counts.stream_breaks, settings.RATES_STREAM, counts.FAILURES)
    counts.start_at_zero(counts.stream_renewals, settings.RATES_STREAM)
    try:
        await first_of(
            stop.wait(),
            _lead_when_elected(token, threads, streams),
            report_forever("stream", lambda: _describe(streams)),
        )
    finally:
        threads.close()
        recorder().flush()
        try:
            store.release_leadership(token)
        except StoreUnavailable as error:
            logger.warning("the lease of the streams cannot be given up, it expires in %.0f s: %s", LEASE, error)


def _describe(streams: list[ReconnectingStream]) -> dict[str, int]:
    """Return what this process reports: whether it streams, and which of its streams deliver."""
    delivers = {stream.source.NAME: stream.delivers for stream in streams}
    lost = {stream.source.NAME: stream.lost for stream in streams}
    counts.stream_active.set(bool(streams))
    for name in settings.RATES_STREAM:
        counts.stream_delivers.labels(name).set(delivers.get(name, False))
        counts.stream_silent_pairs.labels(name).set(len(lost[name].silent) if name in lost else 0)
        counts.stream_lost_pairs.labels(name).set(len(lost[name].lost) if name in lost else 0)
    return {"active": int(bool(streams)), **{f"{name}_delivers": int(value) for name, value in delivers.items()}}


async def _lead_when_elected(token: str, threads: Threads, streams: list[ReconnectingStream]) -> None:
    """Stream while this process is the leader; *streams* is empty while another one is."""
    log = OutageLog(logger)
    while True:
        if leads_until := await _try_to_lead(token, threads, log):
            logger.info("this process streams: %s", ", ".join(settings.RATES_STREAM) or "nothing, RATES_STREAM is off")
            latest = LatestRates()
            streams[:] = [ReconnectingStream(STREAM_SOURCES[name], latest) for name in settings.RATES_STREAM]
            await first_of(_stay_leader(token, threads, leads_until), _stream(latest, streams, threads))
            streams.clear()
            logger.warning("this process streams no more: it has lost the lease, or Redis")
        await asyncio.sleep(LEASE_RENEWAL)


async def _try_to_lead(token: str, threads: Threads, log: OutageLog) -> float | None:
    try:
        held_until = await _acquire(token, threads)
    except StoreUnavailable as error:
        log.failed("no streams, for their lease cannot be acquired: %s", error)
        return None
    log.recovered("the lease of the streams can be acquired again")
    return held_until


async def _stay_leader(token: str, threads: Threads, leads_until: float) -> None:
    """Renew the lease until another process has it, or until it has expired without an answer from Redis."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(leads_until) as limit:
            while True:
                await asyncio.sleep(LEASE_RENEWAL)
                try:
                    renewed = await _acquire(token, threads)
                except StoreUnavailable:
                    logger.debug("the lease of the streams could not be renewed")
                    continue
                if renewed is None:
                    return
                limit.reschedule(renewed)


async def _acquire(token: str, threads: Threads) -> float | None:
    """Acquire or renew the lease; return until when it is certain, by the loop's clock; None if another has it."""
    asked_at = asyncio.get_running_loop().time()
    held = await threads.on_leadership(lambda: store.acquire_leadership(token, LEASE))
    return asked_at + LEASE if held else None


async def _stream(latest: LatestRates, streams: list[ReconnectingStream], threads: Threads) -> None:
    """Keep all *streams* open and publish their changes, until cancelled."""
    await first_of(
        _follow_coins(latest, streams, threads),
        _publish_changes(latest, threads),
        _find_lost_pairs(streams, threads),
        *(stream.keep_open() for stream in streams),
    )


async def _follow_coins(latest: LatestRates, streams: list[ReconnectingStream], threads: Threads) -> None:
    """Tell every stream which pairs the coin list has now."""
    log = OutageLog(logger)
    while True:
        try:
            latest.coins = coins = await threads.on_board(coin_list.read)
            log.recovered("the streams have the coin list")
            for stream in streams:
                stream.set_pairs(stream.source.map_pairs(coins))
        except DatabaseError as error:
            log.failed("the coin list cannot be read, the streams continue as before: %s", error)
        await asyncio.sleep(COIN_LIST_INTERVAL)


def _confirm_interval() -> float:
    return min(CONFIRM_INTERVAL, settings.RATES_STALE_AFTER / 5)


async def _publish_changes(latest: LatestRates, threads: Threads) -> None:
    """Publish changes as soon as the interval since the last ones has passed, and unchanged rates with them or soon."""
    due, log = time.monotonic(), OutageLog(logger)
    while True:
        with suppress(TimeoutError):
            # Not `asyncio.wait_for`: in Python 3.11 it loses a cancellation that arrives together with the event.
            async with asyncio.timeout(_confirm_interval()):
                await latest.changed.wait()
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due = time.monotonic() + settings.RATES_STREAM_INTERVAL
        if (rates := latest.drain()) and not await _publish(rates, latest.coins, threads, log):
            latest.requeue(rates)


async def _find_lost_pairs(streams: list[ReconnectingStream], threads: Threads) -> None:
    """Tell every stream what the polls said, which ticks ask for where a coin is silent."""
    while True:
        await asyncio.sleep(_confirm_interval())
        try:
            states = await threads.on_board(store.load_states)
        except StoreUnavailable as error:
            logger.debug("silent pairs are not compared: %s", error)
            continue
        for stream in streams:
            stream.compare(states)


async def _publish(rates: list[Rate], coins: Sequence[Coin], threads: Threads, log: OutageLog) -> bool:
    try:
        await threads.on_board(lambda: feed.publish_streamed(rates, coins))
    except (StoreUnavailable, DatabaseError) as error:
        log.failed("changes of the streams have to wait: %s", error)
        return False
    log.recovered("changes of the streams are published again")
    return True
