from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from afterframe.imaging.frames import Frames, PixelFormat, Pixels
from afterframe.render.previews import LivePreview
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
    with LivePreview(target, clock) as preview:
        for _ in preview.of_frames(frames_of(form, clock)).frames:
            if target.exists():
                with Image.open(target) as image:
                    sizes.append(image.size)
    assert sizes == [(96, 64)] * 4
    assert list(target.parent.iterdir()) == []


def test_between_steps_a_render_shows_what_its_model_has_and_at_most_once_a_second(tmp_path: Path) -> None:
    clock, target = Clock(), tmp_path / "previews" / ".job.jpg"
    asked, told = [], []

    def made() -> Pixels | None:
        asked.append(clock.now)
        return None if len(asked) == 1 else np.full((600, 900, 3), 200, np.uint8)

    with LivePreview(target, clock) as preview:
        preview.before_frames(replace(frames_of("rgb24", clock), preview=made))
        progress = preview.progress(lambda *report: told.append(report))
        for _ in range(6):
            progress(0.1, 3.0)
            clock.forward(0.4)
        with Image.open(target) as image:
            assert image.size == (320, 213)
        assert target.stat().st_size < 20_000
    assert told == [(0.1, 3.0)] * 6
    assert len(asked) == 3  # nothing yet, the first, and the next after a second
    assert not target.exists()


def test_a_render_that_fails_takes_its_preview_away(tmp_path: Path) -> None:
    clock, target = Clock(), tmp_path / ".job.jpg"
    with pytest.raises(ZeroDivisionError), LivePreview(target, clock) as preview:
        target.write_bytes(b"shown")
        preview.progress(lambda *_: 1 / 0)(0.5)
    assert not target.exists()


def test_a_preview_that_cannot_be_written_stops_no_render(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    clock = Clock()
    with LivePreview(tmp_path / "file" / ".job.jpg", clock) as preview:
        assert len(list(preview.of_frames(frames_of("rgb24", clock)).frames)) == 5
