"""
Settings of the garbage collector for processes that run for weeks.

Measured by `benchmarks/tick.py`, which runs ticks as a worker does.
"""

import gc


def freeze_startup_heap() -> None:
    """
    Exempt all present objects from garbage collection, and collect the others rarely.

    Each full collection stops the process: a worker for 40 ms, a web process with ten thousand sockets for 0.4 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)
