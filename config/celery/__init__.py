"""
Celery as this service needs it: the application, and five subclasses for what Celery 5.7 has no setting for.

    module      subclass of             because in Celery 5.7                                  set as
    schedule    schedules.schedule      an interval is not aligned to the wall clock           (in `application`)
    beat        beat.Scheduler          a clock that is set back stops beat for as long        CELERY_BEAT_SCHEDULER
    consumer    worker.Consumer         a Redis that refuses to write is asked in a loop;      CELERY_WORKER_CONSUMER
                                        gossip has no setting
    pool        prefork.TaskPool        a time limit ends a child whose task has finished      CELERY_WORKER_POOL
    inline_pool solo.TaskPool           a task without a child has no time limit               (in `__main__`)

`__main__` is the worker of `make run`. `reconnect` is what beat and consumer share. Each module says where Celery does
it, which version that was, when the subclass can be removed, and which test fails without it: after an upgrade of
Celery, remove it and run that test.
"""

from config.celery.application import app

__all__ = ["app"]
