from __future__ import annotations

import subprocess
import sys

import pytest

from afterframe.config import Settings
from afterframe.errors import NotFound
from afterframe.generators import registry


def test_the_built_in_generators_come_through_the_entry_points(settings: Settings) -> None:
    assert "parallax" in registry.available()
    assert registry.load("parallax", settings).name == "parallax"


def test_auto_is_one_that_can_run_here(settings: Settings) -> None:
    assert registry.resolve("auto", settings) in registry.available()


def test_an_unknown_generator_is_named_with_those_that_are_there(settings: Settings) -> None:
    with pytest.raises(NotFound, match="sora") as caught:
        registry.load("sora", settings)
    assert "parallax" in caught.value.hint


def test_web_and_commands_do_not_load_torch() -> None:
    code = (
        "import afterframe.cli.main, afterframe.web.app, afterframe.render.worker, sys; print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
