"""
The live streams: one connection for each exchange, their news put on the board at most every `RATES_STREAM_INTERVAL`.

Any number of processes may run this; the one that holds the lock in Redis streams, the others wait. A killed one is
replaced when its lock has run out; one that cannot renew its lock stops.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import ModuleType
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from rates import feed, store
from rates.concurrency import first_of
from rates.exceptions import StoreUnavailable
from rates.models import Coin
from rates.sources import binance_stream, kraken_stream
from rates.store.coin_list import coin_list
from rates.streams.latest import Desk
from rates.streams.link import Link
from rates.telemetry import counts
from rates.telemetry.reports import report_forever
from rates.types import Rate

logger = logging.getLogger(__name__)

STREAMS = {module.NAME: module for module in (binance_stream, kraken_stream)}
# All in seconds. A killed process is replaced within the sum of the first two.
LOCK_SERVES = 6.0
LOCK_RENEWED = 2.0
COIN_LIST_READ = 2.0
# How often rates are confirmed that have not changed; sooner where they would be stale soon.
CONFIRMED = 3.0

T = TypeVar("T")


class Threads:
    """The two threads that talk to database and Redis: a slow publication must not keep the lock from its renewal."""

    def __init__(self) -> None:
        self._board = ThreadPoolExecutor(1, "board")
        self._lock = ThreadPoolExecutor(1, "lock")

    async def on_board(self, function: Callable[[], T]) -> T:
        """Run *function* where the database and the board are used."""
        return await asyncio.get_running_loop().run_in_executor(self._board, _with_fresh_database, function)

    async def on_lock(self, function: Callable[[], T]) -> T:
        """Run *function* where the lock is held."""
        return await asyncio.get_running_loop().run_in_executor(self._lock, function)

    def close(self) -> None:
        """Wait until both are idle."""
        self._board.shutdown(cancel_futures=True)
        self._lock.shutdown()


def _with_fresh_database(function: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return function()
    finally:
        close_old_connections()


async def run(stop: asyncio.Event) -> None:
    """Stream whenever this process holds the lock, until *stop* is set; the lock is free afterwards."""
    token, threads = secrets.token_hex(8), Threads()
    links: list[Link] = []
    counts.begin(counts.stream_breaks, settings.RATES_STREAM, counts.FAILURES)
    try:
        await first_of(
            stop.wait(), _take_turns(token, threads, links), report_forever("stream", lambda: _describe(links))
        )
    finally:
        threads.close()
        try:
            store.release_stream(token)
        except StoreUnavailable as error:
            logger.warning("the lock of the streams runs out by itself: %s", error)


def _describe(links: list[Link]) -> dict[str, int]:
    """Return what this process reports: whether it streams, and which of its streams deliver."""
    delivers = {link.source.NAME: link.delivers for link in links}
    counts.stream_active.set(bool(links))
    for name in settings.RATES_STREAM:
        counts.stream_delivers.labels(name).set(delivers.get(name, False))
    return {"active": int(bool(links)), **{f"{name}_delivers": int(value) for name, value in delivers.items()}}


async def _take_turns(token: str, threads: Threads, links: list[Link]) -> None:
    """Stream while the lock is held; *links* has the streams meanwhile, and nothing while another process has it."""
    while True:
        if serves_until := await _take_lock(token, threads):
            logger.info("this process streams: %s", ", ".join(settings.RATES_STREAM) or "nothing, RATES_STREAM is off")
            desk = Desk()
            links[:] = [Link(STREAMS[name], desk) for name in settings.RATES_STREAM]
            await first_of(_keep_lock(token, threads, serves_until), _stream(desk, links, threads))
            links.clear()
            logger.warning("this process streams no more: it has lost the lock, or Redis")
        await asyncio.sleep(LOCK_RENEWED)


async def _take_lock(token: str, threads: Threads) -> float | None:
    try:
        return await _hold(token, threads)
    except StoreUnavailable:
        return None


async def _keep_lock(token: str, threads: Threads, serves_until: float) -> None:
    """Renew the lock until another process has it, or until it has run out without an answer from Redis."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(serves_until) as limit:
            while True:
                await asyncio.sleep(LOCK_RENEWED)
                try:
                    renewed = await _hold(token, threads)
                except StoreUnavailable:
                    logger.debug("the lock of the streams could not be renewed")
                    continue
                if renewed is None:
                    return
                limit.reschedule(renewed)


async def _hold(token: str, threads: Threads) -> float | None:
    """Take or renew the lock; return until when it surely serves, by the loop's clock; None if another has it."""
    asked_at = asyncio.get_running_loop().time()
    held = await threads.on_lock(lambda: store.hold_stream(token, LOCK_SERVES))
    return asked_at + LOCK_SERVES if held else None


async def _stream(desk: Desk, links: list[Link], threads: Threads) -> None:
    """Keep all *links* open and publish their news; ends only by being cancelled."""
    following, publishing = _follow_coins(desk, links, threads), _publish_news(desk, threads)
    await first_of(following, publishing, *(link.keep_open() for link in links))


async def _follow_coins(desk: Desk, links: list[Link], threads: Threads) -> None:
    """Tell every link which pairs the coin list wants now."""
    while True:
        try:
            desk.coins = coins = await threads.on_board(coin_list.read)
            for link in links:
                source: ModuleType = link.source
                link.want(source.map_pairs(coins))
        except DatabaseError as error:
            logger.warning("the coin list cannot be read, the streams go on as before: %s", type(error).__name__)
        await asyncio.sleep(COIN_LIST_READ)


async def _publish_news(desk: Desk, threads: Threads) -> None:
    """Put news on the board as soon as the interval since the last ones has passed; confirm the rest now and then."""
    confirmed = min(CONFIRMED, settings.RATES_STALE_AFTER / 5)
    due, confirm_due = time.monotonic(), time.monotonic() + confirmed
    published = True
    while True:
        with suppress(TimeoutError):
            # `asyncio.wait_for` of Python 3.11 loses a cancellation that comes together with the news.
            async with asyncio.timeout(max(0.01, confirm_due - time.monotonic())):
                await desk.news.wait()
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        now = time.monotonic()
        due = now + settings.RATES_STREAM_INTERVAL
        if now >= confirm_due:
            confirm_due = now + confirmed
            rates = desk.take_all(now)
        else:
            rates = desk.take_news()
        if rates:
            published = await _publish(rates, desk.coins, threads, log_failure=published)
            if not published:
                desk.put_back(rates)


async def _publish(rates: list[Rate], coins: Sequence[Coin], threads: Threads, *, log_failure: bool) -> bool:
    try:
        await threads.on_board(lambda: feed.take_readings(rates, coins))
        return True
    except (StoreUnavailable, DatabaseError) as error:
        logger.log(logging.WARNING if log_failure else logging.DEBUG, "news of the streams have to wait: %s", error)
        return False
