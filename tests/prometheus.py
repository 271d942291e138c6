"""Prometheus' own tool, as a judge."""

import shutil
import subprocess

import pytest


def promtool(*arguments: str, text: str = "") -> str:
    """Run `promtool` on *text*, and return what it says; a complaint is a failure."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
