"""The pages say what is so: links, settings, commands, error codes, and the shell commands that they show."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import click
import pytest

from afterframe.cli.main import main as commands
from afterframe.config import Config
from afterframe.recipe.settings import SETTINGS, ValueKind
from factories import make_photo_file

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")])
NOT_RUN = {
    "python3 scripts/start.py": "installs packages and stays",
    "python3 scripts/test.py": "runs this very suite",
    ".venv/bin/python -m pip": "installs packages",
    "afterframe serve": "stays until it is stopped",
    "exiftool": "another program",
}
"""Beginnings of commands that are shown but not run here, and why."""


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


# -- links -----------------------------------------------------------------------------------


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
            if "://" not in target:
                yield page, target


@pytest.mark.parametrize(("page", "target"), list(links()), ids=lambda value: getattr(value, "name", value))
def test_links_lead_somewhere(page: Path, target: str) -> None:
    file, _, heading = target.partition("#")
    linked = (page.parent / file) if file else page
    assert linked.exists()
    if heading:
        assert heading in anchors(linked)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index() -> None:
    missing = [
        page.name for page in DOCS.glob("*.md") if page.name != "README.md" and page.name not in text_of("README.md")
    ]
    assert not missing


# -- settings --------------------------------------------------------------------------------


def settings() -> Iterator[tuple[str, str, object]]:
    for section, kind in get_type_hints(Config).items():
        if is_dataclass(kind):
            defaults = kind()
            for setting in fields(kind):
                yield section, setting.name, getattr(defaults, setting.name)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return "[]" if value == () else str(value)


def section_of(page: str, heading: str) -> str:
    _, _, after = text_of(page).partition(f"\n## {heading}\n")
    return after.partition("\n## ")[0]


@pytest.mark.parametrize(("section", "name", "default"), list(settings()))
def test_setting_is_documented_with_its_default(section: str, name: str, default: object) -> None:
    assert f"| `{name}` | `{toml(default)}` |" in section_of("settings.md", f"[{section}]")


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {(section, name) for section, name, _ in settings()}
    documented = {
        (section, name)
        for section in get_type_hints(Config)
        if section != "recipe"
        for name in re.findall(r"^\| `(\w+)` \|", section_of("settings.md", f"[{section}]"), re.MULTILINE)
    }
    assert documented == known


def test_every_recipe_setting_is_documented() -> None:
    rows = re.findall(r"^\| (.+?) \|", section_of("settings.md", "[recipe]"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_recipe_page_has_each_setting_with_its_range(name: str) -> None:
    row = re.search(rf"^\| `{name}` \| (.+?) \| (.+?) \|$", section_of("recipe.md", "Settings"), re.MULTILINE)
    assert row, f"docs/recipe.md has no row for {name}"
    setting = SETTINGS[name]
    if setting.kind is ValueKind.CHOICE:
        assert re.findall(r"\w+(?=,|$)", re.sub(r" \([^)]*\)", "", row[1])) == list(setting.names)
    elif setting.kind is ValueKind.TEXT:
        assert f"{setting.high} characters" in row[1]
    elif setting.kind is not ValueKind.SWITCH:
        assert re.search(rf"\b{setting.low:.15g}(-| to ){setting.high:.15g}\b", row[1])


# -- commands --------------------------------------------------------------------------------


def parts_of(name: str) -> dict[str, click.Command]:
    """A command, and its sub-commands by their names."""
    command = commands.commands[name]
    return {"": command, **(command.commands if isinstance(command, click.Group) else {})}


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_command_is_documented_with_its_options(name: str) -> None:
    section = section_of("commands.md", name)
    assert section, f"docs/commands.md has no section on {name}"
    options = {
        option
        for command in parts_of(name).values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    documented = set(re.findall(r"--[a-z][a-z-]*", section))
    assert documented == options


@pytest.mark.parametrize(
    ("name", "action"), [(name, action) for name in sorted(commands.commands) for action in parts_of(name) if action]
)
def test_sub_command_is_documented(name: str, action: str) -> None:
    assert f"`afterframe {name} {action}" in section_of("commands.md", name)


def test_no_command_is_documented_that_does_not_exist() -> None:
    assert set(re.findall(r"^## (.+)$", text_of("commands.md"), re.MULTILINE)) == set(commands.commands)


# -- errors ----------------------------------------------------------------------------------


def error_codes() -> set[str]:
    """Every code that a user or a program can meet."""
    files = (ROOT / "server" / "afterframe").rglob("*.py")
    return {code for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))) for code in codes_in(node)}


def codes_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
        yield str(node.value.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Failure" and node.args:
        if isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)
    elif isinstance(node, ast.ClassDef):
        for line in node.body:
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                yield str(ast.literal_eval(line.value))


def test_every_error_code_has_its_remedy() -> None:
    internal = {"lease_lost"}
    first_cells = re.findall(r"^\| (`[^|]+) \|", text_of("troubleshooting.md"), re.MULTILINE)
    documented = {code for cell in first_cells for code in re.findall(r"`(\w+)`", cell)}
    assert error_codes() - internal - documented == set()


# -- the commands shown ----------------------------------------------------------------------


def shown() -> Iterator[tuple[str, str]]:
    """(page, command) for every line of a fenced block that runs one of our programs."""
    for page in PAGES:
        for block in re.findall(
            r"^```(?:sh|console|bash)?\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
        ):
            for line in block.splitlines():
                if re.match(r"(python3|\.venv/bin/|afterframe |exiftool )", line):
                    yield page.name, line


def runnable() -> list[tuple[str, str]]:
    return [(page, line) for page, line in shown() if not line.startswith(tuple(NOT_RUN))]


def test_pages_show_commands_that_are_run_here() -> None:
    assert len(runnable()) >= 1


@pytest.mark.slow
@pytest.mark.parametrize(("page", "line"), runnable())
def test_shown_command_works(page: str, line: str, tmp_path: Path) -> None:
    make_photo_file(tmp_path / "DSC_0042.jpg")
    words = shlex.split(line, comments=True)
    if words[0].endswith("afterframe"):
        words[:1] = [sys.executable, "-m", "afterframe"]
    else:
        words[:2] = [sys.executable, str(ROOT / words[1])]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_named_in_the_pages_exist(page: Path) -> None:
    missing = [name for name in re.findall(r"scripts/\w+\.py", page.read_text("utf-8")) if not (ROOT / name).is_file()]
    assert not missing
