"""What the documents point to exists."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.markdown import DOCUMENTS, PRESENT, ROOT, anchors, code_spans, links, name_of

# A file of the repository in backticks: `rates/feed.py`. Folders end with a slash.
PATH = re.compile(r"(?:[\w.-]+/)+(?:[\w-]+\.(?:py|md|js|css|yml|yaml|json|conf|c|go|mjs|html|svg|png))?")
# Made by a build, written by people who run the service, or somebody else's.
NOT_OURS = re.compile(r"^(dist/|var/|deploy/tls/|rates-socket\.js|https?:)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    lost = []
    for target in links(document):
        scheme, host, path, _, anchor = urlsplit(target)
        if scheme or host:
            continue
        file = document.parent / unquote(path) if path else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("document", PRESENT, ids=name_of)
def test_every_file_that_is_named_exists(document: Path) -> None:
    """Paths count from the root, from `rates/`, or from the document."""
    named = [span for span in code_spans(document) if PATH.fullmatch(span) and not NOT_OURS.match(span)]
    bases = (ROOT, ROOT / "rates", document.parent)
    assert [span for span in named if not any((base / span).exists() for base in bases)] == []
