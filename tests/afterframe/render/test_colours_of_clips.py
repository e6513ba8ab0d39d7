"""The same patches in many codings: the clip's first frame, the page's picture and the draft show the same colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from render_fixtures import Studio, make_studio  # noqa: F401 - a fixture

from afterframe.domain import CameraMovement
from afterframe.generators.parallax.generator import Parallax
from afterframe.render.pictures import _draw_picture
from afterframe.state.queue import NewJob
from clip_frames import read_frames
from colour_patches import CODINGS, COLOURS, SIDE, middles, write_coding
from factories import make_recipe, make_settings

SIZE = (4 * SIDE, 2 * SIDE)
RECIPE = make_recipe(size=SIZE, camera_movement=CameraMovement.STATIC)


@pytest.mark.slow
@pytest.mark.parametrize("name", CODINGS)
def test_a_clip_begins_with_the_photos_colours_and_the_page_shows_them(studio: Studio, name: str) -> None:
    studio.photo = write_coding(name, studio.folder)
    studio.generator = Parallax(make_settings())  # type: ignore[assignment]
    ordered = studio.order()
    studio.queue.cancel(ordered.id)
    photo = studio.catalog.photo_at(studio.photo)
    assert photo is not None
    job, _ = studio.queue.enqueue(NewJob(photo, RECIPE, "parallax", "request"))
    assert studio.render() is None
    first = read_frames(Path(studio.clip_of(job).path), SIZE)[0]
    assert np.abs(middles(first) - COLOURS).max() <= 6
    page = studio.folder / "page.jpg"
    _draw_picture(make_settings(), page, studio.photo, 320)
    assert np.abs(middles(np.asarray(Image.open(page))) - COLOURS).max() <= 6
