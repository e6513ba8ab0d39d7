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

from environment import use_venv

use_venv()  # everything from here on is installed there

import numpy as np
from PIL import Image, ImageDraw, ImageOps

import photometa
from afterframe.domain import Recipe, Scene
from afterframe.recipe import compose
from afterframe.vision import analyse

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
class Golden:
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
    shared = Path(__file__).resolve().parents[1].parent / "shared" / "photos"
    parser.add_argument("folder", nargs="?", type=Path, default=shared)
    parser.add_argument("--out", type=Path, default=Path("recipe_sheet.html"))
    options = parser.parse_args(args)
    found = read_folder(options.folder)
    options.out.write_text(golden_page(found), "utf-8")
    labelled = [golden for golden in found if golden.label]
    right = sum(golden.accepted for golden in labelled)
    print(f"{options.out}: {len(found)} recipes; photo type acceptable on {right} of {len(labelled)}")
    for kind in sorted({golden.label["type"].split("|")[0] for golden in labelled}):
        of_kind = [golden for golden in labelled if golden.label["type"].split("|")[0] == kind]
        exact = sum(str(golden.recipe.photo_type) == kind for golden in of_kind)
        print(f"  {kind}: {exact} of {len(of_kind)} exactly, {sum(g.accepted for g in of_kind)} acceptable")
    denied = {golden.path.name: golden.denied for golden in labelled if golden.denied}
    print(f"  time and light: {len(denied)} of {len(labelled)} claim what the label denies")
    for name, claims in denied.items():
        print(f"    {name}: {', '.join(claims)}")
    return 0 if right >= 0.85 * len(labelled) and not denied else 1


def read_folder(folder: Path) -> list[Golden]:
    """Every JPEG of ``folder`` with its recipe."""
    labels: dict[str, Mapping[str, str]] = {}
    if (folder / "labels.csv").exists():
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as rows:
            labels = {row["file"]: row for row in csv.DictReader(rows)}
    return [_golden(path, labels.get(path.name, {})) for path in sorted(folder.glob("*.jp*g"))]


def _golden(path: Path, label: Mapping[str, str]) -> Golden:
    with Image.open(path) as image:
        size = image.size
        image.draft("RGB", (2400, 2400))
        picture = ImageOps.exif_transpose(image).convert("RGB")
    scene = analyse(np.asarray(picture))
    facts = photometa.read(path)
    upright = size if (size[0] > size[1]) == (picture.width > picture.height) else size[::-1]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Golden(path, picture, scene, compose(facts, scene, upright, photo_sha256=digest), facts, label)


def golden_page(found: Sequence[Golden]) -> str:
    """The page, self-contained: thumbnails with faces (red) and subject (green) drawn in."""
    articles = "\n".join(_article(golden) for golden in found)
    title = "Golden recipes"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{title}</h1>{articles}</body></html>'


def _article(golden: Golden) -> str:
    recipe = golden.recipe
    seen = ", ".join(f"{name} {value:g}" for name, value in golden.scene.measures.items() if value)
    rows = "".join(
        f"<dt>{name}</dt><dd>{html.escape(str(getattr(recipe, name)))}<br>"
        f"<small>{html.escape('; '.join(recipe.because.get(name, ())))}</small></dd>"
        for name in ("photo_type", *SHOWN)
    )
    label = f" (a person says: {golden.label['type']}, {golden.label['light']})" if golden.label else ""
    light = f"{golden.facts.time_of_day} ({golden.facts.time_of_day_source}), {golden.facts.light}"
    mark = "" if golden.accepted else ' class="wrong"'
    return (
        f'<article{mark}><div><img src="{_thumbnail(golden)}" alt=""><small>{html.escape(seen)}</small></div>'
        f"<div><h2>{html.escape(golden.path.name)}{html.escape(label)}</h2>"
        f"<p><small>{html.escape(light)}</small></p><dl>{rows}</dl></div></article>"
    )


def _thumbnail(golden: Golden) -> str:
    small = golden.picture.copy()
    small.thumbnail((720, 720))
    pen = ImageDraw.Draw(small)
    boxes = [(face, "red") for face in golden.scene.faces]
    if golden.scene.subject:
        boxes.append((golden.scene.subject, "lime"))
    for box, colour in boxes:
        corners = (box.x, box.y, box.x + box.width, box.y + box.height)
        scaled = [share * side for share, side in zip(corners, small.size * 2, strict=True)]
        pen.rectangle(scaled, outline=colour, width=3)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    sys.exit(main())
