#!/usr/bin/env python3
"""Make the README's picture: a demo photo beside its clip, as an animated WebP.

`python3 scripts/demo_picture.py [TARGET]`; the default is docs/images/demo.webp.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from environment import ROOT, use_venv

if TYPE_CHECKING:
    from PIL import Image

PHOTO = "astronaut.jpg"
HEIGHT = 300
"""Of the picture, pixels."""
EVERY = 2
"""Every second frame is shown: 12 a second."""
GAP = 8
"""Between photo and clip, pixels."""


def main(argv: list[str]) -> None:
    """Animate the photo, put photo and clip side by side, save."""
    use_venv()
    target = Path(argv[0]) if argv else ROOT / "docs" / "images" / "demo.webp"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clip = animate(Path(folder))
        save(clip.with_name(PHOTO), clip, target)
    print(f"{target}: {target.stat().st_size // 1024} KiB")


def animate(folder: Path) -> Path:
    """Write the demo photos and animate one of them, to and fro."""
    from demo_photos import write_photos

    write_photos(folder)
    command = [sys.executable, "-m", "afterframe", "animate", str(folder / PHOTO)]
    command += ["--loop", "--camera", "orbit_right", "--motion", "0.9", "--duration", "3"]
    subprocess.run(command, check=True, env={**os.environ, "AFTERFRAME_HOME": str(folder / "home")})
    return folder / f"{Path(PHOTO).stem}_motion.mp4"


def save(photo: Path, clip: Path, target: Path) -> None:
    """Photo and clip side by side, as an endless WebP."""
    from PIL import Image

    frames = list(clip_frames(clip))[::EVERY]
    size = frames[0].size
    with Image.open(photo) as opened:
        still = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    pictures = []
    for frame in frames:
        both = Image.new("RGB", (2 * size[0] + GAP, size[1]), "white")
        both.paste(still, (0, 0))
        both.paste(frame, (size[0] + GAP, 0))
        pictures.append(both)
    pictures[0].save(
        target, save_all=True, append_images=pictures[1:], duration=1000 * EVERY // 24, loop=0, quality=70, method=6
    )


def clip_frames(clip: Path) -> Iterator[Image.Image]:
    """A clip's frames, as small as the picture needs them."""
    import cv2
    from PIL import Image

    video = cv2.VideoCapture(str(clip))
    while True:
        there, pixels = video.read()
        if not there:
            break
        frame = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
        yield frame.resize((round(frame.width * HEIGHT / frame.height), HEIGHT), Image.Resampling.LANCZOS)
    video.release()


if __name__ == "__main__":
    main(sys.argv[1:])
