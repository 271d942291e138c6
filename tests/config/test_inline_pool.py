"""The worker of `make run`, which runs the ticks itself."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The first process hangs in a task; the one that takes its place ends, with the same process id.
HANGS_ONCE = """
import os, sys, threading
from pathlib import Path
from celery import signals
from config.celery.inline_pool import InlinePool

@signals.worker_process_shutdown.connect
def told(**_):
    print("shut down", flush=True)

before = Path(sys.argv[1])
pool = InlinePool(1, timeout=60 if before.exists() else 0.2)
if before.exists():
    done = []
    pool.apply_async(done.append, ("a task",), callback=print, accept_callback=lambda *_: None)
    pool.stop()
    print(done, before.read_text() == str(os.getpid()), flush=True)
else:
    before.write_text(str(os.getpid()))
    pool.apply_async(threading.Event().wait)
"""

# As after SIGTERM.
HANGS_WHILE_IT_STOPS = """
import threading
from celery.worker import state
from config.celery.inline_pool import InlinePool

state.should_stop = 0
InlinePool(1, timeout=0.2).apply_async(threading.Event().wait)
"""


def test_a_worker_that_was_asked_to_stop_does_not_start_again() -> None:
    command = [sys.executable, "-c", HANGS_WHILE_IT_STOPS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == os.EX_SOFTWARE
    assert "a task did not end within 0.2 s; the worker ends without it" in done.stderr


def test_a_task_that_hangs_is_ended_by_a_new_start_of_the_same_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS_ONCE, tmp_path / "before"], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert "a task did not end within 0.2 s; the worker starts again" in done.stderr
    assert done.stdout.split("\n") == ["None", "shut down", "['a task'] True", ""]
