"""The layers of docs/architecture.md, held against every import in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "architecture.md"
SERVER = ROOT / "server" / "afterframe"
METADATA = ROOT / "metadata" / "photometa"
SQL_MODULES = {"db", "jobs", "catalog", "gallery"}
SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM|INSERT\s|UPDATE\s.+\sSET|DELETE\s+FROM|CREATE\s|DROP\s|ALTER\s|PRAGMA\s)", re.DOTALL
)
HEAVY = {"torch", "diffusers", "transformers"}
POSIX_ONLY = {"fcntl", "grp", "pwd", "resource", "termios", "tty"}
PROBES = {"doctor"}
"""Modules that may ask SQLite about itself (PRAGMA quick_check)."""


@dataclass(frozen=True)
class Import:
    """One import: in which module (its path under the package) and line, of what, inside a function or not."""

    file: Path
    line: int
    target: str
    lazy: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.target}"


def layers() -> dict[str, int]:
    """Module -> layer, as the table says."""
    rows = re.findall(r"^\| (\d) \| ([^|]+) \|", TABLE.read_text("utf-8"), re.MULTILINE)
    return {module.replace("\\", ""): int(layer) for layer, modules in rows for module in modules.split()}


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


@cache
def imports(package: Path) -> list[Import]:
    return list(_imports(package))


def _imports(package: Path) -> Iterator[Import]:
    for file in sorted(package.rglob("*.py")):
        tree = parsed(file)
        inside = {id(node) for function in _functions(tree) for node in ast.walk(function)}
        for node in ast.walk(tree):
            for target in _targets(node, file):
                yield Import(file, node.lineno, target, id(node) in inside)


def _functions(tree: ast.AST) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _targets(node: ast.AST, file: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{file}:{node.lineno}: imports here are absolute"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(file: Path) -> str:
    """The part of afterframe that a file belongs to: its module, or its package."""
    first = file.relative_to(SERVER).parts[0]
    return first.removesuffix(".py")


def own_imports() -> Iterator[tuple[str, str, Import]]:
    """(importing module, imported module, where) inside afterframe."""
    for found in imports(SERVER):
        head, _, rest = found.target.partition(".")
        target = rest.partition(".")[0]
        if head == "afterframe" and target != "__version__":
            yield module_of(found.file), target, found


def test_every_module_has_its_layer() -> None:
    modules = {module_of(file) for file in SERVER.rglob("*.py")} - {"__init__"}
    assert not modules - set(layers()), "name them in docs/architecture.md"


def test_modules_import_only_from_their_layer_or_lower() -> None:
    layer = layers()
    wrong = [str(found) for module, target, found in own_imports() if layer.get(module, 9) < layer.get(target, 0)]
    assert not wrong


def test_siblings_of_the_third_layer_do_not_import_each_other() -> None:
    layer = layers()
    wrong = [
        str(found)
        for module, target, found in own_imports()
        if module != target and layer.get(module) == layer.get(target) == 3
    ]
    assert not wrong


def test_nothing_imports_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, target, found in own_imports():
        if module != target and not found.lazy:
            graph.setdefault(module, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {error.args[1]}")


def test_photometa_stands_alone() -> None:
    assert not [str(found) for found in imports(METADATA) if found.target.split(".")[0] == "afterframe"]


def test_sql_stands_only_where_the_state_is_kept() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted(SERVER.rglob("*.py"))
        if module_of(file) not in SQL_MODULES | PROBES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert not wrong


@pytest.mark.parametrize("package", [SERVER, METADATA])
def test_models_are_loaded_only_by_generators_and_only_when_used(package: Path) -> None:
    heavy = [found for found in imports(package) if found.target.split(".")[0] in HEAVY]
    wrong = [str(f) for f in heavy if not (f.lazy and package == SERVER and module_of(f.file) == "generators")]
    assert not wrong


@pytest.mark.parametrize("package", [SERVER, METADATA])
def test_nothing_that_windows_lacks_is_imported_at_the_top(package: Path) -> None:
    wrong = [str(f) for f in imports(package) if not f.lazy and f.target.split(".")[0] in POSIX_ONLY]
    assert not wrong
