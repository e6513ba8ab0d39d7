"""What luacheck says of the Lua, by the settings in .luacheckrc."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_luacheck_finds_nothing() -> None:
    if shutil.which("luacheck") is None and os.environ.get("CI") != "true":
        pytest.skip("missing: luacheck")
    done = subprocess.run(["luacheck", "--no-color", "."], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "json.lua" in done.stdout
