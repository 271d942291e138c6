"""
`python -m config.celery`: worker and beat in one process, as `make run` starts them.

`celery -A config worker -B` does the same with 64 MB more: its command line loads prompt_toolkit and Pygments, and it
forks a process for beat and one for the ticks.

Tested in `tests/config/test_run.py`.
"""

import sys
from typing import Any

from celery.beat import EmbeddedService
from celery.bootsteps import StartStopStep

from config.celery import app
from config.celery.inline_pool import InlinePool


class BeatThread(StartStopStep):  # type: ignore[misc]
    """Beat in a thread."""

    def create(self, worker: Any) -> Any:
        """Return the thread."""
        return EmbeddedService(worker.app, thread=True, scheduler_cls=worker.app.conf.beat_scheduler)

    def stop(self, worker: Any) -> None:
        """Ask beat to end, without waiting: it may be waiting for a Redis that is down."""
        self.obj.service.stop()


def main() -> int | None:
    """Work until a signal; return the exit code."""
    app.steps["worker"].add(BeatThread)
    worker = app.Worker(pool_cls=InlinePool, quiet=True)
    worker.start()
    return worker.exitcode  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())
