"""Tasks that lose a cancellation or fail, as libraries and our own mistakes make them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe, get_context
from threading import Barrier
from typing import Any

import pytest

from rates.concurrency import cancel_and_wait, first_of, restart_on_error, run_in_loop


async def test_a_task_that_loses_its_cancellation_is_ended_all_the_same() -> None:
    lost: list[str] = []

    async def go_on() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost.append("once")
                if len(lost) > 1:
                    raise

    task = asyncio.create_task(go_on())
    await asyncio.sleep(0)
    await cancel_and_wait(task)
    assert task.cancelled()
    assert len(lost) == 2


async def test_the_end_of_a_task_that_failed_or_was_never_there_is_no_error() -> None:
    async def fail() -> None:
        raise ValueError

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    await cancel_and_wait(task)
    await cancel_and_wait(None)


async def test_the_first_that_ends_ends_the_others_and_its_error_counts() -> None:
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        await first_of(wait(), fail())
    assert ended.is_set()


async def test_work_that_fails_is_restarted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    again = asyncio.Event()
    began: list[int] = []

    async def work() -> None:
        began.append(1)
        if len(began) == 1:
            raise ValueError("once")
        again.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(restart_on_error(work, "the work"))
    async with asyncio.timeout(10):
        await again.wait()
    await cancel_and_wait(task)
    assert [(record.getMessage(), bool(record.exc_info)) for record in caplog.records] == [
        ("the work: restarting after an error", True)
    ]


async def tell_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def fail() -> None:
    raise OSError("no answer")


def test_code_that_is_not_async_uses_one_loop_from_all_of_its_threads() -> None:
    """A connection that was opened in it serves them all; what fails there is told to who called."""
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: run_in_loop(tell_loop()), range(2))
    assert first is second is run_in_loop(tell_loop())
    with pytest.raises(OSError, match="no answer"):
        run_in_loop(fail())


def in_a_fork(work: Callable[[], Any]) -> Any:
    """Return what *work* returns in a process that has no loop of its own yet."""
    here, there = Pipe()
    child = get_context("fork").Process(target=lambda: there.send(work()))
    child.start()
    assert here.poll(60)
    child.join(60)
    return here.recv()


def test_a_forked_process_has_a_loop_of_its_own() -> None:
    run_in_loop(tell_loop())
    assert in_a_fork(lambda: run_in_loop(asyncio.sleep(0, "done"))) == "done"


def count_loops(callers: int) -> int:
    together = Barrier(callers)

    def call(_: int) -> int:
        together.wait(60)
        return id(run_in_loop(tell_loop()))

    with ThreadPoolExecutor(callers) as threads:
        return len(set(threads.map(call, range(callers))))


def test_threads_that_are_the_first_together_share_one_loop() -> None:
    """As those of a process's first tick: what one of them opens there serves the others in the next."""
    assert in_a_fork(lambda: count_loops(8)) == 1
