"""A copy of what runs, in a folder of its own."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def clone(folder: Path) -> Path:
    """
    Make *folder* a fresh clone, without tests and documentation, where the packages are installed.

    What is compiled already comes along, or the first command in each clone would compile it again.
    """
    for part in ("config", "rates", "dashboard", "templates"):
        # Not what a neighbour is writing just now.
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc.*"))
    for name in ("manage.py", "Procfile", "Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return clone(tmp_path)
