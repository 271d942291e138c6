"""The units in `deploy/systemd/`, read by systemd's own checker, and their commands by the programs that they start."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.config.test_containers import program

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
PROCESSES = ("beat", "stream", "web", "worker")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units for this tree instead of /opt/rates."""
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(ROOT / "deploy/systemd", folder, dirs_exist_ok=True)
    (folder / "tree").symlink_to(ROOT)
    (folder / "python").symlink_to(Path(sys.prefix))
    for path in filter(Path.is_file, folder.glob("rates-*")):
        text = path.read_text().replace("/opt/rates/.venv", str(folder / "python"))
        path.write_text(text.replace("/opt/rates", str(folder / "tree")))
    return folder


def analyze(folder: Path, *words: str) -> str:
    """Return what systemd-analyze says about all units, with code 0."""
    done = subprocess.run(
        [program("systemd-analyze"), *words, *sorted(folder.glob("*.service"))],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_takes_every_unit_without_a_word(folder: Path) -> None:
    assert [path.stem for path in UNITS] == [f"rates-{name}" for name in PROCESSES]
    assert analyze(folder, "verify", "--man=no") == ""


def test_no_unit_may_do_more_than_it_needs(folder: Path) -> None:
    """By systemd's own measure, from 0 to 10: each is below 2.0."""
    analyze(folder, "security", "--offline=true", "--threshold=20")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_the_command_of_a_unit_takes_its_words(unit: Path) -> None:
    found = re.search(r"^ExecStart=/opt/rates/\.venv/bin/(.*)", unit.read_text(), re.MULTILINE)
    assert found
    name, *words = shlex.split(found[1])
    if name == "python":
        assert words[0] == "manage.py"
        load_command_class(get_commands()[words[1]], words[1]).create_parser("manage.py", words[1]).parse_args(
            words[2:]
        )
    else:
        subprocess.run([Path(sys.prefix) / "bin" / name, *words, "--help"], capture_output=True, check=True)
