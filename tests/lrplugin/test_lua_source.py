"""The Lua's source: what luacheck says by .luacheckrc, and the length of each module."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from afterframe.imaging.decode import SUFFIXES

ROOT = Path(__file__).parents[2]
LONGEST = 300
"""Lines of a module."""


def test_luacheck_finds_nothing() -> None:
    if shutil.which("luacheck") is None and os.environ.get("CI") != "true":
        pytest.skip("missing: luacheck")
    done = subprocess.run(["luacheck", "--no-color", "."], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "json.lua" in done.stdout


def test_darktables_list_of_suffixes_is_the_daemons() -> None:
    table = (ROOT / "lrplugin/darktable/photos.lua").read_text("utf-8").split("local ANIMATABLE = {")[1].split("}")[0]
    assert {f".{suffix}" for suffix in re.findall(r"(\w+) = true", table)} == SUFFIXES


@pytest.mark.parametrize("file", sorted((ROOT / "lrplugin").rglob("*.lua")), ids=lambda file: file.name)
def test_a_module_owns_one_thing(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= LONGEST
