"""
Ticks in the worker's own process, which saves the 27 MB of a child; a tick that hangs is ended by a new start.

Celery 5.7.0 enforces time limits only with prefork, whose parent ends the child. Here a thread puts a new worker in the
place of the process that hangs, with the same process id, so a supervisor has nothing to do. It needs the interpreter's
lock; what hangs while it holds that is ended with the process.

Tested in `tests/config/test_inline_pool.py`.
"""

import faulthandler
import logging
import os
import sys
from threading import Timer
from typing import Any

from celery import signals
from celery.concurrency.base import apply_target
from celery.concurrency.solo import TaskPool
from celery.worker import state

logger = logging.getLogger(__name__)

# Seconds beyond the time limit for the thread to have done it.
MARGIN = 5.0


class InlinePool(TaskPool):  # type: ignore[misc]
    """Celery's solo pool, with a time limit and a signal at its end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.on_apply = self._apply

    def _apply(self, *args: Any, **options: Any) -> None:
        limit: float = self.options["timeout"]
        timer = Timer(limit, restart, [limit])
        timer.daemon = True
        timer.start()
        faulthandler.dump_traceback_later(limit + MARGIN, exit=True)
        try:
            apply_target(*args, **options)
        finally:
            faulthandler.cancel_dump_traceback_later()
            timer.cancel()

    def on_stop(self) -> None:
        """Let the tasks' module end what it has started, as in a child."""
        signals.worker_process_shutdown.send(sender=None, pid=os.getpid(), exitcode=0)


def restart(limit: float) -> None:
    """Become a new process of the same command; one that was asked to stop waits for the task, and ends instead."""
    if state.should_stop is not None:
        logger.error("a task did not end within %g s; the worker ends without it", limit)
        os._exit(os.EX_SOFTWARE)
    logger.error("a task did not end within %g s; the worker starts again", limit)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
