"""What the documents say about the code, `file.py:function`, is in the code."""

import importlib
import re
from functools import reduce
from pathlib import Path

import pytest

from tests.docs.markdown import PRESENT, ROOT, code_spans, name_of

PLACE = re.compile(r"([\w/.-]+\.(?:py|js)):([A-Za-z_]\w*(?:\.\w+)*)")


def has_name(file: str, name: str) -> bool:
    """Return whether *name* (of a function, a class, or `Class.method`) is defined in *file*, a path from the root."""
    if file.endswith(".js"):
        return re.search(rf"\b(function |const |let ){name}\b|^ +{name}\(", (ROOT / file).read_text(), re.M) is not None
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    try:
        reduce(getattr, name.split("."), module)
    except AttributeError:
        return False
    return True


@pytest.mark.parametrize("document", PRESENT, ids=name_of)
def test_every_name_of_the_code_exists(document: Path) -> None:
    places = [match for span in code_spans(document) if (match := PLACE.fullmatch(span))]
    assert [match[0] for match in places if not has_name(match[1], match[2])] == []


def test_a_name_that_is_gone_is_found_out() -> None:
    assert has_name("tests/docs/test_names.py", "has_name")
    assert has_name("dashboard/static/dashboard/js/status.js", "createStatus")
    assert not has_name("tests/docs/test_names.py", "had_name")
    assert not has_name("dashboard/static/dashboard/js/status.js", "createStats")
