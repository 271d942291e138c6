"""Imports point down the layers; `docs/architecture.md` has the picture."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "rates").rglob("*.py"))


def read_layers() -> dict[str, int]:
    """Return package or module -> layer, from the table in the documentation."""
    rows = re.findall(r"^\| (\d) \| (.+?) \|", (ROOT / "docs/architecture.md").read_text(), re.M)
    return {name.strip("/"): int(layer) for layer, names in rows for name in re.findall(r"`([\w/]+)`", names)}


LAYERS = read_layers()
PACKAGES = sorted({path.parent.name for path in MODULES} & {*LAYERS} - {"management"})


def part_of(module: str) -> str:
    """Return the name that the table has for a dotted module of the engine."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that *path* imports; a name taken from a package may be a module of it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize(
    "path", [p for p in MODULES if "migrations" not in p.parts and name_of(p) != "rates.__init__"], ids=name_of
)
def test_imports_point_down(path: Path) -> None:
    here = part_of(name_of(path))
    assert here in LAYERS, f"{here} has no layer in docs/architecture.md"
    for module in imports(path):
        there = part_of(module)
        if module.startswith("rates.") and there not in {here, "__version__"}:
            assert there in LAYERS, f"{there} has no layer in docs/architecture.md"
            assert LAYERS[there] < LAYERS[here] or LAYERS[there] == 0, f"{here} imports {there}, which is not below it"


@pytest.mark.parametrize("package", PACKAGES)
def test_there_is_no_cycle_inside_a_package(package: str) -> None:
    paths = {name_of(path): path for path in MODULES if path.parent.name == package and path.name != "__init__.py"}
    graph = {
        name: {other for other in paths for module in imports(path) if f"{module}.".startswith(f"{other}.")} - {name}
        for name, path in paths.items()
    }
    assert list(TopologicalSorter(graph).static_order())


def test_packages_are_small_and_hand_nothing_on() -> None:
    """The store is the exception: its functions are called by the package's name."""
    for package in set(PACKAGES) - {"store"}:
        here = ROOT / "rates" / package
        assert len(list(here.glob("*.py"))) <= 14
        body = ast.parse((here / "__init__.py").read_text()).body
        assert isinstance(body[0], ast.Expr), f"{package} does not say what it is for"
        assert len(body) == 1 or package == "admin", f"{package} hands on names"


def test_a_package_lists_its_modules() -> None:
    """At the top of its `__init__.py`, for whoever looks for one; a small package needs no list."""
    for package in ["", *PACKAGES]:
        here = ROOT / "rates" / package
        lines = re.findall(
            r"^    (\w+(?:, \w+)*) {2,}\S", ast.get_docstring(ast.parse((here / "__init__.py").read_text())) or "", re.M
        )
        listed = {name for line in lines for name in line.split(", ")}
        there = {path.stem for path in here.glob("*.py")} - {"__init__"}
        if package:
            assert listed == there or (not listed and len(there) <= 5), f"{package}: {listed ^ there}"
        else:
            assert set(PACKAGES) <= listed <= there | set(PACKAGES) | {"management"}


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name != "__init__.py" and "migrations" not in p.parts], ids=name_of
)
def test_every_module_has_a_test_of_its_name_or_says_where_it_is_tested(path: Path) -> None:
    here = path.relative_to(ROOT / "rates")
    told = re.findall(r"`((?:tests|benchmarks)/[\w/]+\.py)`", ast.get_docstring(ast.parse(path.read_text())) or "")
    assert told or (ROOT / "tests" / here.parent / f"test_{path.stem}.py").exists(), "add one, or `Tested in …`"
    assert [name for name in told if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_engine_knows_neither_pages_nor_configuration(path: Path) -> None:
    assert not [module for module in imports(path) if module.split(".")[0] in ("config", "dashboard")]


def test_only_the_store_spells_redis_keys() -> None:
    spelled = {name_of(p) for p in MODULES if re.search(r'"(rates:|\{NAMESPACE\}:)[\w{]', p.read_text())}
    assert spelled == {"rates.store.keys"}


def test_half_of_all_functions_are_short() -> None:
    lengths = sorted(
        len(node.body) and (node.end_lineno or 0) - node.body[bool(ast.get_docstring(node))].lineno + 1
        for path in [*MODULES, *(ROOT / "dashboard").rglob("*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(node.body) > bool(ast.get_docstring(node))
    )
    assert lengths[len(lengths) // 2] < 7
    assert lengths[len(lengths) * 9 // 10] < 30


NAMED_TESTS = [
    (name_of(path), *named)
    for folder in ("rates", "config", "dashboard")
    for path in sorted((ROOT / folder).rglob("*.py"))
    for named in re.findall(r"`(tests/[\w/]+\.py)`(?::\s+`(test_\w+)`)?", path.read_text())
]


@pytest.mark.parametrize(("module", "file", "test"), NAMED_TESTS)
def test_the_tests_that_a_module_names_exist(module: str, file: str, test: str) -> None:
    """A module without a test file of its name says where it is tested."""
    assert (ROOT / file).exists()
    assert f"def {test}" in (ROOT / file).read_text()
