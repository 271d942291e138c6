"""Asyncio tasks: ended reliably, and restarted after an error."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

# Seconds; the first is longer than any of our tasks needs to clean up.
RECANCEL_AFTER = 3.0
RESTART_AFTER = 1.0


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
