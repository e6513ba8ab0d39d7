from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from afterframe.config import Settings
from afterframe.errors import NotFound
from afterframe.generators import registry


def test_the_built_in_generators_come_through_the_entry_points(settings: Settings) -> None:
    assert "parallax" in registry.available()
    assert registry.load("parallax", settings).name == "parallax"


def test_auto_is_one_that_can_run_here(settings: Settings) -> None:
    assert registry.resolve("auto", settings) in registry.available()


PLUGIN = """
class Plugin:
    name = "plugin"

    def __init__(self, settings, model="", plan=0):
        self.made_with = settings, model, plan

    @staticmethod
    def find_model(model, settings, *, folders):
        return f"{model} of {settings.home.root.name}"
"""


def test_a_generator_of_another_package_is_made_with_settings_model_and_plan(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "afterframe_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: afterframe-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[afterframe.generators]\nplugin = afterframe_plugin:Plugin\n")
    (tmp_path / "afterframe_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.resolve("plugin:film", settings) == f"plugin:film of {settings.home.root.name}"
    made: Any = registry.load("plugin", settings, 2)
    assert made.made_with == (settings, "", 2)


def test_an_unknown_generator_is_named_with_those_that_are_there(settings: Settings) -> None:
    with pytest.raises(NotFound, match="sora") as caught:
        registry.load("sora", settings)
    assert "parallax" in caught.value.hint


def test_the_commands_begin_without_what_looks_at_pictures() -> None:
    code = "import afterframe.cli.main, sys; print({'cv2', 'numpy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_web_and_commands_do_not_load_torch() -> None:
    code = (
        "import afterframe.cli.main, afterframe.web.app, afterframe.render.worker, sys; print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
