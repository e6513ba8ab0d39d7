from __future__ import annotations

import os
from pathlib import Path

import pytest

from afterframe.system import cli_hints

NAME = "afterframe.exe" if os.name == "nt" else "afterframe"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Afterframe's own program, in a virtual environment that no terminal looks into."""
    script = tmp_path / "my photos" / ".venv" / "bin" / NAME
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setattr(cli_hints.sys, "executable", str(script.with_name("python")))
    monkeypatch.setenv("PATH", str(tmp_path))
    return script


def test_a_program_that_the_terminal_finds_goes_by_its_name(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(installed.parent))
    assert cli_hints.program() == "afterframe"


def test_another_installation_of_that_name_is_not_ours(installed: Path, tmp_path: Path) -> None:
    other = tmp_path / NAME
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert str(installed) in cli_hints.program()


def test_a_program_below_the_terminals_folder_is_named_from_there(installed: Path) -> None:
    below = installed.relative_to(installed.parents[2])
    assert cli_hints.program(installed.parents[2]) == str(below)


def test_a_way_with_spaces_can_be_typed_as_it_stands(installed: Path) -> None:
    assert cli_hints.program()[0] in "'\""


def test_hints_name_the_command_that_works_here(installed: Path) -> None:
    hint = cli_hints.spelled("`afterframe doctor` tells more about afterframe.", installed.parents[2])
    assert hint == f"`{installed.relative_to(installed.parents[2])} doctor` tells more about afterframe."
