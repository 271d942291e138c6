"""The German translation: complete, in step with the code, and compiled."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "dashboard" / "locale" / "de" / "LC_MESSAGES"
needs_gettext = pytest.mark.skipif(not shutil.which("xgettext"), reason="needs gettext (apt install gettext)")


def read_texts(path: Path) -> str:
    return subprocess.run(["msgunfmt", str(path)], check=True, capture_output=True, text=True).stdout


def read_keys(text: str) -> set[str]:
    return set(re.findall(r'^msgid ((?:".*"\s*)+)', text.replace('"\n"', ""), re.M))


def test_every_text_is_translated() -> None:
    entries = (FOLDER / "django.po").read_text().split("\n\n")[1:]
    assert [entry for entry in entries if entry.rstrip().endswith('msgstr ""') or "fuzzy" in entry] == []


@needs_gettext
def test_every_text_of_the_code_is_known_and_no_other(tmp_path: Path) -> None:
    for name in ("config", "rates", "dashboard", "templates", "manage.py"):
        source = Path(settings.BASE_DIR) / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    shutil.rmtree(tmp_path / "dashboard" / "locale" / "de")
    collect = [sys.executable, "-m", "django", "makemessages", "-l", "de", "--no-wrap", "--no-location"]
    subprocess.run(collect, cwd=tmp_path, check=True, capture_output=True)
    found = (tmp_path / "dashboard" / "locale" / "de" / "LC_MESSAGES" / "django.po").read_text()
    assert read_keys(found) == read_keys((FOLDER / "django.po").read_text())


@needs_gettext
def test_the_compiled_texts_are_those_of_the_source(tmp_path: Path) -> None:
    subprocess.run(["msgfmt", "-o", str(tmp_path / "now.mo"), str(FOLDER / "django.po")], check=True)
    assert read_texts(tmp_path / "now.mo") == read_texts(FOLDER / "django.mo")
