from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from afterframe.imaging.frames import Frames, PixelFormat
from afterframe.render.previews import with_live_preview
from factories import Clock


def frames_of(form: PixelFormat, clock: Clock) -> Frames:
    shape = (64, 96, 3) if form == "rgb24" else (96, 96)

    def made() -> object:
        for number in range(5):
            clock.forward(1)
            yield np.full(shape, 40 * number + 40, np.uint8)

    return Frames(form, (96, 64), 8, 5, made())  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["rgb24", "yuv420p"])
def test_a_running_render_shows_its_latest_frame_and_takes_it_away(form: PixelFormat, tmp_path: Path) -> None:
    clock, target = Clock(), tmp_path / "previews" / ".job.jpg"
    sizes = []
    for _ in with_live_preview(frames_of(form, clock), target, clock).frames:
        if target.exists():
            with Image.open(target) as image:
                sizes.append(image.size)
    assert sizes == [(96, 64)] * 4
    assert list(target.parent.iterdir()) == []


def test_a_preview_that_cannot_be_written_stops_no_render(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    clock = Clock()
    assert len(list(with_live_preview(frames_of("rgb24", clock), tmp_path / "file" / ".job.jpg", clock).frames)) == 5
