"""Lenses as lensfun names them, from the database that the lensfunpy wheel carries.

Only its XML files are read (lensfun.github.io, database versions 1 and 2); the library is not loaded, and
so neither is numpy. Without the wheel, no lens has a name.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_RANGE = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?mm")
_BARE = re.compile(r"[\d.-]+mm(f?[\d.-]+)?")
_TOLERANCE = 0.05
"""Cameras round the focal length, and report it at the distance focused on."""


@dataclass(frozen=True, slots=True)
class Lens:
    """One lens of the database."""

    name: str
    mounts: frozenset[str]


@dataclass(frozen=True, slots=True)
class LensDatabase:
    """The lenses and cameras by name."""

    lenses: dict[str, list[Lens]] = field(default_factory=dict)
    """By the letters and digits of their names, see _key; with and without their maker's."""
    mounts: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Camera, by maker and model in small letters -> its mounts and those that fit it."""

    def name_of(self, make: str | None, model: str | None, lens: str, focal_mm: float | None) -> str | None:
        """The one lens of this name that fits the camera and the focal length; None if in doubt."""
        wanted = _key(lens, make)
        if _BARE.fullmatch(wanted):  # a name shared by many lenses
            return None
        mounts = self.mounts.get(((make or "").lower(), (model or "").lower()))
        found = {
            candidate.name
            for candidate in self.lenses.get(wanted, [])
            if (mounts is None or mounts & candidate.mounts) and _reaches(candidate.name, focal_mm)
        }
        return found.pop() if len(found) == 1 else None


@functools.lru_cache(maxsize=1024)
def lens_name(make: str | None, model: str | None, lens: str, focal_mm: float | None) -> str | None:
    """lensfun's name of a lens.

    Args:
        make: the camera's maker, as the file has it.
        model: the camera.
        lens: the lens, as the file names it.
        focal_mm: the focal length used, millimetres.

    Returns:
        None if the database does not know it, or knows several; it is never guessed.
    """
    return _installed().name_of(make, model, lens, focal_mm)


@functools.cache
def _installed() -> LensDatabase:
    found = importlib.util.find_spec("lensfunpy")
    folders = found.submodule_search_locations if found is not None else None
    return read_database(Path(next(iter(folders))) / "db_files") if folders else LensDatabase()


def read_database(folder: Path) -> LensDatabase:
    """The XML files of a folder; unreadable ones are skipped."""
    from lxml import etree

    database = LensDatabase()
    fitting: dict[str, set[str]] = {}
    cameras: list[tuple[tuple[str, str], str]] = []
    for path in sorted(folder.glob("*.xml")):
        try:
            root = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
        except (OSError, etree.XMLSyntaxError):
            continue
        for entry in root.iterchildren("mount"):
            fitting.setdefault(_text(entry, "name"), set()).update(_texts(entry, "compat"))
        for entry in root.iterchildren("camera"):
            camera = _text(entry, "maker").lower(), _text(entry, "model").lower()
            cameras += [(camera, mount) for mount in _texts(entry, "mount")]
        for entry in root.iterchildren("lens"):
            lens = Lens(_text(entry, "model"), frozenset(_texts(entry, "mount")))
            for key in {_key(lens.name, None), _key(lens.name, _text(entry, "maker"))}:
                database.lenses.setdefault(key, []).append(lens)
    for camera, mount in cameras:
        database.mounts.setdefault(camera, set()).update({mount}, fitting.get(mount, set()))
    return database


def _key(name: str, maker: str | None) -> str:
    """A name without its maker, spaces, marks and needless zeros: "ef70-200mmf2.8lisusm"."""
    small = name.lower()
    for word in (maker or "").lower().split()[:1]:
        small = small.removeprefix(word)
    return re.sub(r"\.0(?!\d)", "", re.sub(r"[^\w.+-]", "", small)).replace("ef-s", "efs")


def _reaches(name: str, focal_mm: float | None) -> bool:
    match = _RANGE.search(name.replace(" ", ""))
    if focal_mm is None or match is None:
        return True
    shortest, longest = float(match[1]), float(match[2] or match[1])
    return shortest * (1 - _TOLERANCE) <= focal_mm <= longest * (1 + _TOLERANCE)


def _text(element: Any, tag: str) -> str:
    """A child's text, the one without a language."""
    return next(iter(_texts(element, tag)), "")


def _texts(element: Any, tag: str) -> list[str]:
    return [(child.text or "").strip() for child in element.iterchildren(tag) if "lang" not in child.attrib]
