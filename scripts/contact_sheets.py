"""Contact sheets of a folder of photos: ``python3 scripts/contact_sheets.py [FOLDER] --out OUT``.

For each photo one PNG: the first, quarter, half, three-quarter and last frame of its clip, and what changed from the
first to the last (grey: nothing). With ``--against``, below them the same moments of ffmpeg's zoompan at four times
the size and of a plain Ken Burns move, in grey.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from environment import SHARED, use_venv

use_venv()  # everything from here on is installed there

import cv2
import numpy as np
from PIL import Image, ImageDraw

from afterframe.domain import Recipe
from afterframe.generators.parallax.clip_renderer import ClipRenderer
from afterframe.imaging.frames import Pixels, PreparedPhoto
from bench_quality import composed, ken_burns, prepared, to_rgb, zoompan

MOMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
CELL = 400
"""Width of a frame on the sheet, pixels."""
TITLE = 22


def main(args: Sequence[str] | None = None) -> int:
    """Write the sheets; prints each path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=SHARED / "photos", help="photos (default: ../shared/photos)"
    )
    parser.add_argument("--out", type=Path, default=Path("contact-sheets"))
    parser.add_argument("--long-side", type=int, default=960)
    parser.add_argument("--only", default="", help="a part of the file names")
    parser.add_argument("--against", action="store_true", help="above zoompan and Ken Burns, all pushing in")
    options = parser.parse_args(args)
    options.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.folder.glob("*.jp*g")):
        if options.only in path.name:
            print(sheet(path, options.out, options.long_side, against=options.against), flush=True)
    return 0


def sheet(path: Path, out: Path, long_side: int, *, against: bool) -> Path:
    """Write one photo's sheet; where it is."""
    wishes = {"camera_movement": "push_in", "duration_s": 3} if against else {}
    pixels, scene, recipe = composed(path, long_side, **wishes)
    photo = prepared(pixels, scene, recipe)
    title = f"{path.name}: {recipe.photo_type}, {recipe.camera_movement}, {recipe.duration_s:g} s"
    rows = [_row(title, [to_rgb(frame) for frame in _ours(photo, recipe)])]
    if against:
        rows.append(_row("ffmpeg zoompan, from four times the size", _at_moments(zoompan(photo, recipe), recipe)))
        rows.append(_row("plain Ken Burns, sub-pixel", _at_moments(ken_burns(photo, recipe), recipe)))
    made = out / f"{path.stem}.png"
    Image.fromarray(np.concatenate(rows)).quantize(256).save(made)
    return made


def _ours(photo: PreparedPhoto, recipe: Recipe) -> Iterable[Pixels]:
    """Only the frames that are shown are made."""
    stage = ClipRenderer(photo, recipe)
    return [stage.frame(moment).copy() for moment in MOMENTS]


def _at_moments(frames: Iterable[Pixels], recipe: Recipe) -> list[Pixels]:
    wanted = [round(moment * (recipe.frame_count - 1)) for moment in MOMENTS]
    return [frame.copy() for number, frame in enumerate(frames) if number in wanted]


def _row(title: str, frames: Sequence[Pixels]) -> Pixels:
    """The frames side by side, then the difference of the last from the first; the title above."""
    cells = [_cell(frame) for frame in [*frames, _difference(frames[0], frames[-1])]]
    band = Image.new("RGB", (CELL * len(cells), TITLE), "white")
    ImageDraw.Draw(band).text((6, 5), title, "black")
    return np.concatenate([np.asarray(band, np.uint8), np.concatenate(cells, axis=1)])


def _cell(frame: Pixels) -> Pixels:
    rgb = frame if frame.ndim == 3 else np.dstack([frame] * 3)
    size = CELL, round(frame.shape[0] * CELL / frame.shape[1])
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _difference(one: Pixels, other: Pixels) -> Pixels:
    changed = other.astype(np.int16) - one.astype(np.int16)
    return np.asarray(np.clip(128 + 2 * changed, 0, 255), np.uint8)


if __name__ == "__main__":
    sys.exit(main())
