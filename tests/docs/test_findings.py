"""The findings are complete: each says what it is about, pins what it runs, and has its row in the table."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, links, name_of

FOLDER = ROOT / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
INSTALLS = re.compile(r"(?:pip|npm) install (.*)")
PINNED = re.compile(r"-\S+|'?(@?[\w./-]+(\[\w+\])?)(==|@)[\d.]+[\w.]*'?")


def test_every_finding_has_one_row() -> None:
    rows = [target for target in links(FOLDER / "README.md") if target.endswith(".sh")]
    assert sorted(rows) == [script.name for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_a_finding_says_what_it_is_about(script: Path) -> None:
    head = script.read_text().split("set -euo pipefail", 1)[0]
    for part in (r"# Versions: ", r"# Surprise: ", r"# Matters: ", r"# Seen \(\d{4}-\d\d-\d\d\)", r"#   \| "):
        assert re.search("^" + part, head, re.MULTILINE), part


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_a_finding_can_be_run_and_leaves_nothing_behind(script: Path) -> None:
    text = script.read_text()
    assert script.stat().st_mode & 0o111
    assert 'dir=$(mktemp -d)\ntrap \'rm -rf "$dir"\' EXIT\ncd "$dir"\n' in text
    assert text.splitlines()[-1].startswith("diff ")
    for packages in INSTALLS.findall(text):
        assert [word for word in packages.split() if not PINNED.fullmatch(word)] == []
