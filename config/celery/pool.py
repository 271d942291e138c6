"""
The child processes of a Celery worker, for a parent that could not listen to them for a while.

Celery 5.7.0: `celery.concurrency.asynpool.AsynPool._on_hard_timeout` ends a task by its time limit without reading the
results that wait. A parent that was busy reconnecting to Redis has read none meanwhile, and its timers come before its
results: it would kill a child that has finished its task and is idle.
Remove when Celery reads results before it enforces time limits. Tested in `tests/faults/test_redis_away.py`:
`test_redis_is_killed_in_the_middle_of_a_tick`.
"""

from select import select
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool as CeleryTaskPool


class ResultFirstPool(AsynPool):  # type: ignore[misc]
    """Enforces a time limit only on a task whose result has not come."""

    def _on_hard_timeout(self, job: Any) -> None:
        running = self._cache.get(job)
        pids = running.worker_pids() if running else []
        files = [file for file, child in self._fileno_to_outq.items() if child.pid in pids]
        while job in self._cache and (ready := select(files, [], [], 0)[0]):
            for file in ready:
                files.remove(file)
                self.handle_result_event(file)
        super()._on_hard_timeout(job)


class TaskPool(CeleryTaskPool):  # type: ignore[misc]
    """Prefork with a `ResultFirstPool`."""

    Pool = ResultFirstPool
