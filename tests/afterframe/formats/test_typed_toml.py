from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from afterframe.errors import ConfigError
from afterframe.formats.typed_toml import Range, parse, read_text


@dataclass(frozen=True)
class Lens:
    name: str
    focal_mm: Annotated[float, Range(1, 2000)] = 50.0


@dataclass(frozen=True)
class Camera:
    lens: Lens
    mount: Literal["e", "rf", "z"] = "e"
    shutter: int = 0
    silent: bool = False
    lenses: tuple[Lens, ...] = ()
    cards: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def camera(text: str) -> Camera:
    return parse(Camera, f'lens.name = "prime"\n{text}', "camera.toml", "docs/cameras.md")


def test_every_kind_of_value_is_read() -> None:
    found = camera(
        'mount = "z"\nshutter = 3\nsilent = true\ncards = ["a", "b"]\nlabels = { x = "y" }\nextra = { n = [1, {}] }\n'
        '[[lenses]]\nname = "zoom"\nfocal_mm = 70\n'
    )
    assert found == Camera(Lens("prime"), "z", 3, True, (Lens("zoom", 70.0),), ("a", "b"), {"x": "y"}, {"n": [1, {}]})
    assert isinstance(found.lenses[0].focal_mm, float)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("shuter = 3", "camera.toml: “shuter” is not a setting.", "Did you mean “shutter”? Known here: cards, "),
        ("lens.nam = 3", "camera.toml: “nam” is not a setting in lens.", "Did you mean “name”?"),
        ("[[lenses]]", "camera.toml: lenses #1.name is missing.", "It takes text in quotes; see docs/cameras.md."),
        ("shutter = true", "camera.toml: shutter cannot be true.", "It takes a whole number; see docs/cameras.md."),
        ("shutter = 1.5", "camera.toml: shutter cannot be 1.5.", "It takes a whole number;"),
        ("silent = 1", "camera.toml: silent cannot be 1.", "It takes true or false;"),
        ("cards = ['a', 1]", "camera.toml: cards #2 cannot be 1.", "It takes text in quotes;"),
        ("cards = 'a'", 'camera.toml: cards cannot be "a".', "It takes a list, each entry text in quotes;"),
        ("labels = { x = 1 }", "camera.toml: labels.x cannot be 1.", "It takes text in quotes;"),
        ("extra = 1", "camera.toml: extra cannot be 1.", "It takes a table;"),
        ("mount = 'rff'", 'camera.toml: mount cannot be "rff".', 'Did you mean “rf”? It takes one of "e", "rf", "z";'),
        ("lens.focal_mm = 0", "camera.toml: lens.focal_mm cannot be 0.", "It takes a number from 1 to 2000;"),
        ("lens.focal_mm = nan", "camera.toml: lens.focal_mm cannot be NaN.", "It takes a number from 1 to 2000;"),
        (f"shutter = 0x{'f' * 5000}", "camera.toml: shutter cannot be so large a number.", "It takes a whole number;"),
        ("[lenses]\nname = 'secret'", "camera.toml: lenses cannot be a table.", "It takes a list, each entry a table;"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_remedy(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        camera(text)
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize("text", ["shutter = = 1", f"shutter = {'9' * 5000}", f"cards = {'[' * 5000}"])
def test_what_is_not_toml_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"camera\.toml is not valid TOML"):
        camera(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"name = 'caf\xe9'")
    with pytest.raises(ConfigError, match=r"latin\.toml is not written in UTF-8"):
        read_text(tmp_path / "latin.toml")
    with pytest.raises(ConfigError, match="cannot be a file"):
        read_text(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none.toml")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes("mount = 'e'\r\n".encode("utf-8-sig"))
    assert read_text(tmp_path / "config.toml").startswith("mount")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX's pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    with pytest.raises(ConfigError, match="is not a file"):
        read_text(tmp_path / "config.toml")
