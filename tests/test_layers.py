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
SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM|INSERT\s|UPDATE\s.+\sSET|DELETE\s+FROM|CREATE\s|DROP\s|ALTER\s|PRAGMA\s)", re.DOTALL
)
HEAVY = {"torch", "diffusers", "transformers"}
POSIX_ONLY = {"fcntl", "grp", "pwd", "resource", "termios", "tty"}
FFMPEG = {"ffmpeg", "imageio_ffmpeg"}

ENTRY_POINTS = {"render/worker.py": "main", "generators/ray_cluster/actor.py": "_generator"}
"""Outside of cli and app, the functions in which a process of its own begins: the worker's, and Ray's actor's."""


@dataclass(frozen=True)
class Import:
    """One import: in which module (its path under the package) and line, of what, inside a function or not."""

    file: Path
    line: int
    target: str
    lazy: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.target}"


TABLES = {SERVER: "## Packages\n", METADATA: "## Packages of photometa\n"}
"""Package -> the heading of its table."""


def layers(package: Path) -> dict[str, int]:
    """Package (or module of the last row) -> its row, counted from the top, as the table says."""
    section = TABLE.read_text("utf-8").partition(TABLES[package])[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`\w+/?`[ ,]*)+) \|", section, re.MULTILINE)
    return {name: row for row, names in enumerate(rows) for name in re.findall(r"`(\w+)/?`", names)}


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


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _targets(node: ast.AST, file: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{file}:{node.lineno}: imports here are absolute"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package_of(file: Path, root: Path = SERVER) -> str:
    """The package inside ``root`` that a file belongs to; a module beside the packages stands for itself."""
    return file.relative_to(root).parts[0].removesuffix(".py")


def dotted(file: Path) -> str:
    """A file's module, as imports name it."""
    parts = file.relative_to(SERVER.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def own_imports(root: Path) -> Iterator[tuple[str, str, Import]]:
    """(importing package, imported package, where) inside ``root``."""
    for found in imports(root):
        head, _, rest = found.target.partition(".")
        target = rest.partition(".")[0]
        if head == root.name and target != "__version__":
            yield package_of(found.file, root), target, found


@pytest.mark.parametrize("root", [SERVER, METADATA], ids=lambda root: root.name)
def test_every_package_has_its_row(root: Path) -> None:
    packages = {package_of(file, root) for file in root.rglob("*.py")} - {"__init__", "__main__"}
    assert packages == set(layers(root)), "docs/architecture.md has a row for each package"


@pytest.mark.parametrize("root", [SERVER, METADATA], ids=lambda root: root.name)
def test_packages_import_only_from_rows_below(root: Path) -> None:
    row = layers(root) | {"__init__": -1, "__main__": -1}
    last = max(row.values())
    wrong = [
        str(found)
        for package, target, found in own_imports(root)
        if package != target and not (row[package] < row[target] or row[package] == row[target] == last)
    ]
    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {dotted(file) for file in SERVER.rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for found in imports(SERVER):
        target = found.target if found.target in modules else found.target.rpartition(".")[0]
        if not found.lazy and target in modules and target != dotted(found.file):
            graph.setdefault(dotted(found.file), set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {error.args[1]}")


def test_nothing_is_implemented_in_an_init_file() -> None:
    """An ``__init__.py`` re-exports at most: nothing is implemented where nobody would look for it."""
    wrong = [
        str(file.relative_to(ROOT))
        for package in (SERVER, METADATA / "containers", METADATA / "exif", METADATA / "xmp", METADATA / "facts")
        for file in package.rglob("__init__.py")
        if any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(parsed(file)))
    ]
    assert not wrong


def test_photometa_stands_alone() -> None:
    assert not [str(found) for found in imports(METADATA) if found.target.split(".")[0] == "afterframe"]


def test_sql_stands_only_where_the_state_is_kept() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted(SERVER.rglob("*.py"))
        if package_of(file) != "state"
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert not wrong


def test_home_and_settings_are_looked_up_only_where_a_process_begins() -> None:
    """Everything else is given a ``Settings``."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted(SERVER.rglob("*.py"))
        if package_of(file) not in ("cli", "app", "config")
        for node in _nodes_but(parsed(file), ENTRY_POINTS.get(file.relative_to(SERVER).as_posix()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Home.find", "read_config")
    ]
    assert not wrong


def _nodes_but(tree: ast.Module, function: str | None) -> Iterator[ast.AST]:
    """Every node outside of the function of that name."""
    inside = {id(node) for f in _functions(tree) if f.name == function for node in ast.walk(f)}
    return (node for node in ast.walk(tree) if id(node) not in inside)


def test_ffmpeg_is_run_only_where_clips_are_encoded() -> None:
    callers = {package_of(found.file) for found in imports(SERVER) if found.target.split(".")[0] in FFMPEG}
    assert callers == {"encode"}
    assert not [str(found) for found in imports(METADATA) if found.target.split(".")[0] in FFMPEG]


@pytest.mark.parametrize("package", [SERVER, METADATA])
def test_models_are_loaded_only_by_generators_and_only_when_used(package: Path) -> None:
    heavy = [found for found in imports(package) if found.target.split(".")[0] in HEAVY]
    wrong = [str(f) for f in heavy if not (f.lazy and package == SERVER and package_of(f.file) == "generators")]
    assert not wrong


@pytest.mark.parametrize("package", [SERVER, METADATA])
def test_nothing_that_windows_lacks_is_imported_at_the_top(package: Path) -> None:
    wrong = [str(f) for f in imports(package) if not f.lazy and f.target.split(".")[0] in POSIX_ONLY]
    assert not wrong
