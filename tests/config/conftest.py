"""A copy of what runs, in a folder of its own."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder like a fresh clone, without tests and documentation."""
    for part in ("config", "rates", "dashboard", "templates"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "Procfile", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path
