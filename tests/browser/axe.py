"""Accessibility as axe-core sees it."""

from pathlib import Path
from typing import Any

SCRIPT = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text()
RUN = """axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"],
})"""


def violations(page: Any) -> list[tuple[str, str]]:
    """Return each rule that the page breaks now, with the element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    return [(each["id"], node["html"][:200]) for each in page.evaluate(RUN)["violations"] for node in each["nodes"]]
