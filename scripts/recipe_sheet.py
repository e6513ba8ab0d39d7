"""The recipes of a folder of photos, side by side with the pictures, as one HTML page to read and argue with.

``python3 scripts/recipe_sheet.py [FOLDER] [--out PAGE.html]``. With a labels.csv in the folder, the page and the
last line say how many photo types a person would accept.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import html
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environment import SHARED, use_venv

use_venv()  # everything from here on is installed there

import numpy as np
from PIL import Image, ImageDraw, ImageOps

import photometa
from afterframe.config import Home, Settings
from afterframe.domain import Recipe
from afterframe.recipe import compose, sighting
from afterframe.scene import BoundingBox, Scene
from afterframe.vision import Detectors, analyse, load_detectors

SHOWN = ("prompt", "camera_movement", "motion_intensity", "duration_s", "style_consistency", "size")
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
article { display: grid; grid-template-columns: 360px 1fr; gap: 1.5rem; padding: 1rem 0; border-top: 1px solid #ccc; }
img { width: 360px; } h2 { font-size: 1.05rem; margin: 0 0 .4rem; } dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
small { color: #666; } .wrong h2 { color: #b00020; }
"""
DENIES = {
    "day": ("night", "blue hour"),
    "hard sun": ("night", "blue hour", "overcast", "overcast light", "low light"),
    "overcast": ("night", "blue hour", "hard sun", "clear, direct sunlight"),
    "sunset": ("night", "midday", "morning", "overcast", "overcast light", "clear, direct sunlight"),
    "low sun": ("night", "midday", "overcast", "overcast light"),
    "golden hour": ("midday", "overcast", "overcast light", "clear, direct sunlight"),
    "night": ("hard sun", "clear, direct sunlight", "overcast", "overcast light", "midday", "morning", "afternoon"),
    "indoor": ("hard sun", "clear, direct sunlight", "overcast", "overcast light"),
    "flash": ("hard sun", "clear, direct sunlight"),
    "underwater": ("hard sun", "clear, direct sunlight", "overcast", "overcast light", "night"),
}
"""For words of a label: the times, lights and words of a prompt that it denies."""


@dataclass(frozen=True)
class SheetEntry:
    """A photo and what was decided about it."""

    path: Path
    picture: Image.Image
    scene: Scene
    recipe: Recipe
    facts: photometa.Facts
    label: Mapping[str, str]
    """The row of labels.csv; empty without one."""

    @property
    def denied(self) -> list[str]:
        """What is claimed about time and light that a person's label denies."""
        claims = {self.facts.light or ""}
        if self.facts.time_of_day_source == "sun":
            claims.add(self.facts.time_of_day or "")
        look = self.recipe.prompt.rpartition("The look stays")[2]
        claims |= {word for words in DENIES.values() for word in words if word in look}
        label = self.label.get("light", "")
        return sorted({claim for seen, words in DENIES.items() if seen in label for claim in claims & set(words)})

    @property
    def accepted(self) -> bool:
        """A person would accept the photo type, or nobody said."""
        return not self.label or str(self.recipe.photo_type) in self.label["type"].split("|")


def main(args: Sequence[str] | None = None) -> int:
    """Write the page; 0 when at least 85 % of the labelled types are acceptable and no label denies time or light."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=SHARED / "photos")
    parser.add_argument("--out", type=Path, default=Path("recipe_sheet.html"))
    parser.add_argument(
        "--detectors", type=Path, default=Settings(Home.find()).detectors, help="folder of the two nets"
    )
    options = parser.parse_args(args)
    found = read_folder(options.folder, options.detectors)
    options.out.write_text(sheet_page(found), "utf-8")
    labelled = [entry for entry in found if entry.label]
    right = sum(entry.accepted for entry in labelled)
    print(f"{options.out}: {len(found)} recipes; photo type acceptable on {right} of {len(labelled)}")
    for kind in sorted({entry.label["type"].split("|")[0] for entry in labelled}):
        of_kind = [entry for entry in labelled if entry.label["type"].split("|")[0] == kind]
        exact = sum(str(entry.recipe.photo_type) == kind for entry in of_kind)
        print(f"  {kind}: {exact} of {len(of_kind)} exactly, {sum(g.accepted for g in of_kind)} acceptable")
    denied = {entry.path.name: entry.denied for entry in labelled if entry.denied}
    print(f"  time and light: {len(denied)} of {len(labelled)} claim what the label denies")
    for name, claims in denied.items():
        print(f"    {name}: {', '.join(claims)}")
    return 0 if right >= 0.85 * len(labelled) and not denied else 1


def read_folder(folder: Path, detectors: Path) -> list[SheetEntry]:
    """Every JPEG of ``folder`` with its recipe; ``detectors``: the folder of the two nets."""
    labels: dict[str, Mapping[str, str]] = {}
    if (folder / "labels.csv").exists():
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as rows:
            labels = {row["file"]: row for row in csv.DictReader(rows)}
    return [_read(path, labels.get(path.name, {}), load_detectors(detectors)) for path in sorted(folder.glob("*.jp*g"))]


def _read(path: Path, label: Mapping[str, str], nets: Detectors) -> SheetEntry:
    with Image.open(path) as image:
        size = image.size
        image.draft("RGB", (2400, 2400))
        picture = ImageOps.exif_transpose(image).convert("RGB")
    facts = photometa.read(path)
    scene = analyse(np.asarray(picture), nets, facts)
    upright = size if (size[0] > size[1]) == (picture.width > picture.height) else size[::-1]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return SheetEntry(path, picture, scene, compose(facts, scene, upright, photo_sha256=digest), facts, label)


def sheet_page(found: Sequence[SheetEntry]) -> str:
    """The page, self-contained: faces are red, heads orange, things blue, the subject green, the horizon white."""
    articles = "\n".join(_article(entry) for entry in found)
    title = "Recipes"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{title}</h1>{articles}</body></html>'


def _article(entry: SheetEntry) -> str:
    recipe = entry.recipe
    told = sighting.seen(entry.scene)
    things = [told["words"] or "Nothing that could be named."]
    things += [f"{thing['label']} {thing['confidence']:.0%}" for thing in (*told["faces"], *told["things"])]
    things += [f"{name} {sure:.0%} sure" for name, sure in entry.scene.claims.items()]
    seen = ", ".join([*things, *(f"{name} {value:g}" for name, value in entry.scene.measures.items() if value)])
    rows = "".join(
        f"<dt>{name}</dt><dd>{html.escape(str(getattr(recipe, name)))}<br>"
        f"<small>{html.escape('; '.join(recipe.because.get(name, ())))}</small></dd>"
        for name in ("photo_type", *SHOWN)
    )
    label = f" (a person says: {entry.label['type']}, {entry.label.get('light', '?')})" if entry.label else ""
    light = f"{entry.facts.time_of_day} ({entry.facts.time_of_day_source}), {entry.facts.light}"
    mark = "" if entry.accepted else ' class="wrong"'
    return (
        f'<article{mark}><div><img src="{_thumbnail(entry)}" alt=""><small>{html.escape(seen)}</small></div>'
        f"<div><h2>{html.escape(entry.path.name)}{html.escape(label)}</h2>"
        f"<p><small>{html.escape(light)}</small></p><dl>{rows}</dl></div></article>"
    )


def _thumbnail(entry: SheetEntry) -> str:
    small = entry.picture.copy()
    small.thumbnail((720, 720))
    pen = ImageDraw.Draw(small)
    boxes: list[tuple[BoundingBox, str]] = [(face, "red") for face in entry.scene.faces]
    boxes += [(thing, "orange" if thing.label == "head" else "deepskyblue") for thing in entry.scene.things]
    if entry.scene.subject:
        boxes.append((entry.scene.subject, "lime"))
    if (height := sighting.horizon(entry.scene)) is not None:
        pen.line((0, height * small.height, small.width, height * small.height), fill="white", width=2)
    for box, colour in boxes:
        corners = (box.x, box.y, box.x + box.width, box.y + box.height)
        scaled = [share * side for share, side in zip(corners, small.size * 2, strict=True)]
        pen.rectangle(scaled, outline=colour, width=3)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    sys.exit(main())
