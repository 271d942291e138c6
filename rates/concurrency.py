"""Asyncio tasks: ended reliably, restarted after an error, and run from code that is not async."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Thread
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds; the first is longer than any of our tasks needs to clean up.
RECANCEL_AFTER = 3.0
RESTART_AFTER = 1.0
# More than there are sources; a second tick in the same process, of a test or a command, waits for its turn.
MOST_THREADS = 16


async def first_of(*coroutines: Coroutine[Any, Any, Any]) -> None:
    """Run *coroutines* until the first of them ends, raise what it raised, and cancel the others."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            await cancel_and_wait(task)


async def cancel_and_wait(task: asyncio.Task[Any] | None) -> None:
    """
    Cancel *task* and wait until it has ended, ignoring its own failure.

    Libraries sometimes lose a cancellation (`asyncio.wait_for` of Python 3.11, the channel layer's `flush`), so a task
    that continues is cancelled again.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=RECANCEL_AFTER)
    if task is not None and not task.cancelled():
        task.exception()


async def restart_on_error(work: Callable[[], Awaitable[None]], name: str) -> None:
    """Run *work*, which should never end, and run it again after an error, which is logged."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("%s: restarting after an error", name)
        await asyncio.sleep(RESTART_AFTER)


def run_in_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    Run *coroutine* in the loop that this process keeps for such calls, and return its result.

    The loop lives on, so that connections that were opened in it can be used again. Never call this from a coroutine.
    """
    return asyncio.run_coroutine_threadsafe(coroutine, _kept_loop()).result()


# By process, for the thread of a loop stays behind in the parent.
_loops: dict[int, asyncio.AbstractEventLoop] = {}


def _kept_loop() -> asyncio.AbstractEventLoop:
    """Return this process's loop, whichever of several threads is the first to ask; `cache` would make one for each."""
    if kept := _loops.get(os.getpid()):
        return kept
    loop = asyncio.new_event_loop()
    kept = _loops.setdefault(os.getpid(), loop)
    if kept is loop:
        Thread(target=loop.run_forever, name="kept loop", daemon=True).start()
    else:
        loop.close()
    return kept


@cache
def kept_threads(most: int = MOST_THREADS, name: str = "kept") -> ThreadPoolExecutor:
    """
    Return the threads that this process keeps for what a tick does at the same time; not for tasks that wait.

    What runs in one of them and waits for others needs threads with a *name* of their own: these may all be waiting.
    """
    return ThreadPoolExecutor(most, name)


# Threads stay behind in the parent.
os.register_at_fork(after_in_child=kept_threads.cache_clear)
