"""What clips and crops do to faces: how far they are bent, and whether they are whole.

The judge is the face net at the photo's full resolution, on the uncropped photo; each photo is looked at once with the
detectors and once without. Bent: what is left of the motion inside a face (a head that looks away, the middle of an
animal) after the best shift, turn and scale, as a share of its size, over the clip. Whole: a crop of the given shape
holds a face if it can hold it at all beside the larger ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

import photometa
from afterframe.coco import ANIMALS
from afterframe.generators.parallax.clip_renderer import ClipRenderer
from afterframe.generators.parallax.generator import Parallax
from afterframe.imaging.decode import decode
from afterframe.imaging.frames import Pixels, PreparedPhoto
from afterframe.imaging.framing import frame
from afterframe.intake.photo_reader import ANALYSIS_SIDE
from afterframe.recipe import compose
from afterframe.scene import Detection, Scene
from afterframe.vision import Detectors, analyse, load_detectors
from afterframe.vision.people import believed
from bench_quality import SETTINGS
from displacement import bent
from environment import SHARED

SHAPES = {"1:1": (1, 1), "4:5": (4, 5), "9:16": (9, 16), "16:9": (16, 9), "21:9": (21, 9)}
MOMENTS = (0.25, 0.5, 0.75, 1.0)
EYES = {True: "with_detectors", False: "without_detectors"}
CELL = 200
"""Height of a crop on the contact sheet, pixels."""


@dataclass(frozen=True)
class Seen:
    """A photo with people or animals, and what is in it."""

    path: Path
    pixels: Pixels
    facts: photometa.Facts
    faces: tuple[Detection, ...]
    """By the judge."""
    scenes: Mapping[bool, Scene]
    """By whether the detectors looked."""


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure; prints each photo's worst."""
    parser = argparse.ArgumentParser(prog="bench.py faces", description=__doc__)
    default = [SHARED / "photos", SHARED / "photos" / "more"]
    parser.add_argument("folders", nargs="*", type=Path, default=default, help="of photos")
    parser.add_argument("--detectors", type=Path, default=SHARED / "models", help="folder of the two nets")
    parser.add_argument("--long-side", type=int, default=960)
    parser.add_argument("--only", default="", help="a part of the file names")
    parser.add_argument("--sheet", type=Path, help="PNG of all crops to write, faces marked")
    options = parser.parse_args(argv)
    nets = load_detectors(options.detectors)
    paths = [p for folder in options.folders for p in sorted(folder.glob("*.jp*g")) if options.only in p.name]
    bends: dict[bool, dict[str, list[float]]] = {eyes: {} for eyes in EYES}
    crops: dict[bool, list[Crop]] = {eyes: [] for eyes in EYES}
    rows = []
    for seen in (seen for path in paths if (seen := _seen(path, nets)) is not None):
        for eyes, name in EYES.items():
            for kind, values in _bends(seen, seen.scenes[eyes], options.long_side).items():
                bends[eyes].setdefault(kind, []).extend(values)
                if values and max(values) > 0.02:
                    print(f"{seen.path.name}: {kind} {max(values):.1%} bent, {name}", file=sys.stderr, flush=True)
            made = _crops(seen, seen.scenes[eyes]) if seen.faces else []
            crops[eyes] += made
            if made and eyes and options.sheet:
                rows.append(_row(made))
    if rows and options.sheet:
        _write_sheet(rows, options.sheet)
    return {
        EYES[eyes]: {
            "bent": {kind: _spread(values) for kind, values in bends[eyes].items()},
            "crops": _told(crops[eyes]),
        }
        for eyes in EYES
    }


def _seen(path: Path, nets: Detectors) -> Seen | None:
    """None without anybody."""
    pixels, _ = decode(path, at_least=(10**5, 10**5))
    small, _ = decode(path, at_least=(ANALYSIS_SIDE, ANALYSIS_SIDE))
    facts = photometa.read(path)
    scenes = {True: analyse(small, nets, facts), False: analyse(small, Detectors(), facts)}
    things = scenes[True].things
    faces = believed(judged(pixels, nets), things)
    if not faces and not any(thing.label in ("person", "head", *ANIMALS) for thing in things):
        return None
    return Seen(path, pixels, facts, faces, scenes)


def judged(pixels: Pixels, nets: Detectors) -> tuple[Detection, ...]:
    """Faces at full resolution, largest first."""
    if nets.faces is None:
        raise SystemExit("bench faces needs the face net: --detectors FOLDER")
    return nets.faces.find(pixels, (max(pixels.shape[:2]), 1024)) or ()


def _bends(seen: Seen, scene: Scene, long_side: int) -> dict[str, list[float]]:
    size = seen.pixels.shape[1], seen.pixels.shape[0]
    recipe = compose(seen.facts, scene, size, photo_sha256="0" * 64, overrides=[("bench", {"long_side": long_side})])
    things = [thing for thing in seen.scenes[True].things if thing.confidence >= 0.4]
    marks = {
        "faces": seen.faces,
        "heads": [thing for thing in things if thing.label == "head"],
        "animals": [_middle(thing) for thing in things if thing.label in ANIMALS],
    }
    overscan = Parallax(SETTINGS).overscan(recipe)
    photo = frame(seen.pixels, scene, recipe.size, overscan)
    stage = ClipRenderer(photo, recipe)
    found: dict[str, list[float]] = {}
    for kind, boxes in marks.items():
        # Framed once more with the boxes in place of the scene's, which decide where the crop lies.
        there = _framed(seen, scene, boxes, (recipe.size, overscan))
        measured = (bent(stage, photo, box, MOMENTS) for box in there)
        found[kind] = [value for value in measured if value is not None]
    return found


def _framed(
    seen: Seen, scene: Scene, boxes: Iterable[Detection], how: tuple[tuple[int, int], float]
) -> tuple[Detection, ...]:
    """Boxes of the photo in shares of the surround: as things of no kind that framing knows, they move no crop."""
    marked = replace(scene, things=(*scene.things, *(replace(box, label="mark") for box in boxes)))
    tiny = cv2.resize(seen.pixels, (seen.pixels.shape[1] // 4, seen.pixels.shape[0] // 4), interpolation=cv2.INTER_AREA)
    return tuple(box for box in frame(np.asarray(tiny, np.uint8), marked, *how).scene.things if box.label == "mark")


def _middle(thing: Detection) -> Detection:
    """Without the corners of the box, which are background."""
    x, y = thing.centre
    wide, high = 0.6 * thing.width, 0.6 * thing.height
    return replace(thing, x=x - wide / 2, y=y - high / 2, width=wide, height=high)


@dataclass(frozen=True)
class Crop:
    """A photo cropped to a shape."""

    name: str
    shape: str
    photo: PreparedPhoto
    marks: tuple[Detection, ...]
    """The judge's faces in it, cut ones clipped."""
    whole: int
    """Faces that it holds whole, of those that it can hold."""
    cut: tuple[int, ...]
    """Numbers of the others, the largest face 0."""


def _crops(seen: Seen, scene: Scene) -> list[Crop]:
    return [_crop(seen, scene, shape) for shape in SHAPES]


def _crop(seen: Seen, scene: Scene, shape: str) -> Crop:
    wide, high = SHAPES[shape]
    height, width = seen.pixels.shape[:2]
    crop = min(1.0, height * wide / high / width), min(1.0, width * high / wide / height)
    size = 2 * round(CELL * wide / high / 2), CELL
    small = cv2.resize(
        seen.pixels, (max(2, width * 800 // max(width, height)), max(2, height * 800 // max(width, height)))
    )
    marked = replace(scene, things=(*scene.things, *(replace(face, label="mark") for face in seen.faces)))
    photo = frame(np.asarray(small, np.uint8), marked, size, 0.0)
    marks = tuple(box for box in photo.scene.things if box.label == "mark")
    holdable = _holdable(seen.faces, crop)
    whole = [number for number in holdable if _is_whole(seen.faces[number], marks, crop)]
    return Crop(seen.path.name, shape, photo, marks, len(whole), tuple(n for n in holdable if n not in whole))


def _holdable(faces: Sequence[Detection], crop: tuple[float, float]) -> list[int]:
    """Which faces a crop (width and height, shares of the photo) can hold: the largest first, each that fits beside
    those before it."""
    kept: list[int] = []
    for number, face in enumerate(faces):
        group = [*(faces[n] for n in kept), face]
        wide = max(f.x + f.width for f in group) - min(f.x for f in group)
        high = max(f.y + f.height for f in group) - min(f.y for f in group)
        if wide <= crop[0] and high <= crop[1]:
            kept.append(number)
    return kept


def _is_whole(face: Detection, marks: Sequence[Detection], crop: tuple[float, float]) -> bool:
    """One of the marks has the face's size still."""
    return any(
        mark.confidence == face.confidence
        and abs(mark.width * crop[0] - face.width) < 0.03 * face.width
        and abs(mark.height * crop[1] - face.height) < 0.03 * face.height
        for mark in marks
    )


def _spread(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"count": 0}
    over = sum(value > 0.02 for value in values)
    return {"count": len(values), "median": float(np.median(values)), "highest": max(values), "over_0.02": over}


def _told(crops: Sequence[Crop]) -> dict[str, Any]:
    faces = {shape: [crop for crop in crops if crop.shape == shape] for shape in SHAPES}
    return {
        shape: f"{sum(crop.whole for crop in of)} of {sum(crop.whole + len(crop.cut) for crop in of)} whole"
        for shape, of in faces.items()
    } | {"cut": [f"{crop.name} {crop.shape}: {len(crop.cut)}" for crop in crops if crop.cut]}


def _row(crops: Sequence[Crop]) -> Pixels:
    cells = [_cell(crop) for crop in crops]
    width = sum(round(CELL * wide / high) + 8 for wide, high in SHAPES.values())
    row = np.full((CELL + 22, width, 3), 255, np.uint8)
    left = 0
    for cell in cells:
        row[22 : 22 + CELL, left : left + cell.shape[1]] = cell
        left += cell.shape[1] + 8
    picture = Image.fromarray(row)
    cut = ", ".join(f"{crop.shape} cuts {len(crop.cut)}" for crop in crops if crop.cut)
    ImageDraw.Draw(picture).text((4, 5), f"{crops[0].name}  {cut}", "red" if cut else "black")
    return np.asarray(picture, np.uint8)


def _cell(crop: Crop) -> Pixels:
    picture = Image.fromarray(crop.photo.pixels)
    pen = ImageDraw.Draw(picture)
    for mark in crop.marks:
        corners = (mark.x, mark.y, mark.x + mark.width, mark.y + mark.height)
        pen.rectangle([share * side for share, side in zip(corners, picture.size * 2, strict=True)], outline="lime")
    return np.asarray(picture, np.uint8)


def _write_sheet(rows: Sequence[Pixels], path: Path) -> None:
    Image.fromarray(np.concatenate(rows)).save(path)
