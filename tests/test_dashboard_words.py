"""The German texts: complete, and compiled."""

import subprocess
from pathlib import Path

import pytest
from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "dashboard" / "locale" / "de" / "LC_MESSAGES"


def read_texts(path: Path) -> str:
    return subprocess.run(["msgunfmt", str(path)], check=True, capture_output=True, text=True).stdout


def test_every_text_is_translated() -> None:
    entries = (FOLDER / "django.po").read_text().split("\n\n")[1:]
    assert [entry for entry in entries if entry.rstrip().endswith('msgstr ""') or "fuzzy" in entry] == []


def test_the_compiled_texts_are_those_of_the_source(tmp_path: Path) -> None:
    try:
        subprocess.run(["msgfmt", "-o", str(tmp_path / "now.mo"), str(FOLDER / "django.po")], check=True)
    except FileNotFoundError:
        pytest.skip("comparing the compiled texts needs gettext (apt install gettext)")
    assert read_texts(tmp_path / "now.mo") == read_texts(FOLDER / "django.mo")
