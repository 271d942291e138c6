"""A copy of what runs, in a folder of its own."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def clone(folder: Path) -> Path:
    """Make *folder* a fresh clone, without tests and documentation, where the packages are installed."""
    for part in ("config", "rates", "dashboard", "templates"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "Procfile", "Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return clone(tmp_path)
