"""Imports point down the floors; `docs/architecture.md` has the picture."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "rates").rglob("*.py"))


def read_floors() -> dict[str, int]:
    """Return module -> floor, from the table in the documentation."""
    rows = re.findall(r"^\| (\d) \| (.+?) \|", (ROOT / "docs/architecture.md").read_text(), re.M)
    return {name.strip("/"): int(floor) for floor, names in rows for name in re.findall(r"`([\w/]+)`", names)}


FLOORS = read_floors()


def station(path: str) -> str:
    """Return the name that the table has for a dotted module of the engine."""
    parts = path.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ([f"{node.module}.{n.name}" for n in node.names] if node.module == "rates" else [node.module])
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize(
    "path", [p for p in MODULES if "migrations" not in p.parts and p.stem != "__init__"], ids=name_of
)
def test_imports_point_down(path: Path) -> None:
    here = station(name_of(path))
    assert here in FLOORS, f"{here} has no floor in docs/architecture.md"
    for module in imports(path):
        if module.startswith("rates."):
            there = station(module)
            assert there in FLOORS, f"{there} has no floor in docs/architecture.md"
            assert FLOORS[there] <= FLOORS[here], f"{here} imports {there}, which is above it"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_engine_knows_neither_pages_nor_configuration(path: Path) -> None:
    assert not [module for module in imports(path) if module.split(".")[0] in ("config", "dashboard")]


def test_only_the_store_spells_redis_keys() -> None:
    spelled = {p.parent.name for p in MODULES if re.search(r'f?"rates:[\w{]', p.read_text())}
    assert spelled == {"store"}


def test_half_of_all_functions_are_short() -> None:
    lengths = sorted(
        len(node.body) and (node.end_lineno or 0) - node.body[bool(ast.get_docstring(node))].lineno + 1
        for path in [*MODULES, *(ROOT / "dashboard").rglob("*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(node.body) > bool(ast.get_docstring(node))
    )
    assert lengths[len(lengths) // 2] < 7
    assert lengths[len(lengths) * 9 // 10] < 30
