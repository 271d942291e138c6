"""The documents that people read, as parts: links, headings, code."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "findings/README.md",
]
# The changelog also tells of what is gone.
PRESENT = [document for document in DOCUMENTS if document.name != "CHANGELOG.md"]
PARSER = MarkdownIt("commonmark").enable("table")


def name_of(value: object) -> str:
    """Return the id of a parameter: a document by its path from the root, anything else as it is."""
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def tokens(document: Path) -> Iterator[Token]:
    """Yield every part of *document*, the inline ones too."""
    for token in PARSER.parse(document.read_text()):
        yield token
        yield from token.children or ()


def links(document: Path) -> list[str]:
    """Return the targets of links and pictures."""
    found = (token.attrGet("href") or token.attrGet("src") for token in tokens(document))
    return [str(target) for target in found if target]


def anchors(document: Path) -> set[str]:
    """Return what `#…` may name in *document*: its headings as GitHub spells them, repeated ones with a number."""
    parts, times, found = list(tokens(document)), Counter[str](), set()
    for heading in (parts[place + 1] for place, token in enumerate(parts) if token.type == "heading_open"):
        text = "".join(child.content for child in heading.children or ())
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        found.add(f"{slug}-{times[slug]}" if times[slug] else slug)
        times[slug] += 1
    return found


def code_spans(document: Path) -> list[str]:
    """Return what stands between backticks inside a sentence or a table."""
    return [token.content for token in tokens(document) if token.type == "code_inline"]


def code_blocks(document: Path, *languages: str) -> list[str]:
    """Return the code blocks that name one of *languages*; an indented one names none, which is the empty text."""
    return [t.content for t in tokens(document) if t.type in ("fence", "code_block") and t.info in languages]
