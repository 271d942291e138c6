"""The garbage collector, as processes want it that run for weeks."""

import gc


def freeze_startup_heap() -> None:
    """
    Leave alone what this process has by now, and look through the rest seldom.

    Each full collection would stop it: a worker for 40 ms, a web process with ten thousand sockets for 0.4 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)
