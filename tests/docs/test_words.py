"""Odd words that once stood everywhere: a reader who searches for the usual one would not find them."""

import re

from tests.docs.markdown import ROOT

USUAL = {
    r"anew": "again",
    r"of ours": "our",
    r"time-outs?": "timeout",
    r"reckon\w*": "compute",
    r"mend(s|ed|ing)?": "fix, correct",
    r"haste": "backoff",
    r"(is|are|was|were|stays) away": "down",
}
ODD = re.compile(rf"\b({'|'.join(USUAL)})\b", re.IGNORECASE)
FOLDERS = ("config", "rates", "dashboard", "templates", "docs", "benchmarks", "deploy", "findings", ".ci")
KINDS = {".md", ".py", ".js", ".mjs", ".go", ".c", ".html", ".css", ".yml", ".yaml", ".conf", ""}
FILES = [
    path
    for path in [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    if path.is_file() and path.suffix in KINDS and not {"vendor", "migrations", "__pycache__", "fonts"} & {*path.parts}
]


def test_texts_use_the_usual_words() -> None:
    hits = [f"{path.relative_to(ROOT)}: {hit[0]}" for path in FILES for hit in ODD.finditer(path.read_text())]
    assert hits == [], USUAL


def test_an_odd_word_is_found() -> None:
    assert ODD.search("Begin anew after a Time-out")
    assert not ODD.search("recommended; ours; a timeout; away from the last price")
