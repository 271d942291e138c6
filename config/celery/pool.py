"""The children of a Celery worker, for a parent that could not listen to them for a while."""

from select import select
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool as CeleryTaskPool


class ResultFirstPool(AsynPool):  # type: ignore[misc]
    """Ends a tick by its time limit only when it has not ended yet."""

    def _on_hard_timeout(self, job: Any) -> None:
        """
        Look for the result first.

        A parent that waits for Redis reads none meanwhile, and its timers come before its results: without this it
        would kill a child that is idle.
        """
        running = self._cache.get(job)
        pids = running.worker_pids() if running else []
        files = [file for file, child in self._fileno_to_outq.items() if child.pid in pids]
        while job in self._cache and (ready := select(files, [], [], 0)[0]):
            for file in ready:
                files.remove(file)
                self.handle_result_event(file)
        super()._on_hard_timeout(job)


class TaskPool(CeleryTaskPool):  # type: ignore[misc]
    """Prefork, with these children."""

    Pool = ResultFirstPool
