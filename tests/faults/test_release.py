"""What `make release` builds is what a user installs: unpacked into an empty folder, it runs."""

import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

import rates
from tests.faults.processes import ROOT, Process, wait_until
from tests.ports import free_port

NOT_INHERITED = ("SECRET_KEY", "DEBUG", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")
# Seconds: packages are fetched and installed.
INSTALLED = 300


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone in which the changelog has a heading for the version."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    changelog = folder / "CHANGELOG.md"
    changelog.write_text(
        re.sub("^## Unreleased$", f"## {rates.__version__} – 2026-11-25", changelog.read_text(), flags=re.M)
    )
    return folder


def run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def commit(folder: Path) -> None:
    done = run(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qam", "Release")
    assert done.returncode == 0, done.stderr


def test_what_is_not_committed_is_not_released(checkout: Path) -> None:
    assert "not committed" in run(checkout, "make", "release").stderr
    assert not (checkout / "dist").exists()


def test_the_archive_of_a_release_runs(checkout: Path, tmp_path: Path, stack: Any) -> None:
    commit(checkout)
    done = run(checkout, "make", "release")
    assert done.returncode == 0, done.stderr
    name = f"rates-{rates.__version__}"
    assert run(checkout / "dist", "sha256sum", "--check", f"{name}.tar.gz.sha256").returncode == 0
    with tarfile.open(checkout / "dist" / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / name
    assert not (folder / ".git").exists()
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
    make = shutil.which("make")
    assert make
    service = Process("demo", [make, "demo"], tmp_path, environment | {"PORT": str(port)}, folder)
    stack.callback(service.end)
    wait_until(lambda: service.lines("Open http") or service.popen.poll() is not None, INSTALLED, "the service is up")
    wait_until(lambda: priced(port), 30, "prices")
    service.terminate(20)
    wait_until(lambda: not service.family(), 20, "nothing is left")
    assert service.lines("Stopping"), service.said


def priced(port: int) -> bool:
    """Return whether every coin has a price."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/rates", timeout=10) as answer:
            return all(coin["price"] for coin in json.load(answer)["rates"])
    except HTTPError:
        return False  # 503 before the first publication
