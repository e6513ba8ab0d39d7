from __future__ import annotations

import numpy as np
import pytest

from afterframe.domain import Photo
from afterframe.imaging.frames import Pixels
from afterframe.render import preparation
from afterframe.render.preparation import prepare
from afterframe.scene import SCENE_VERSION, BoundingBox, Scene
from factories import make_picture
from photometa import Facts

PIXELS = np.asarray(make_picture((192, 128)))
SEEN = Scene(subject=BoundingBox(0.5, 0.5, 0.25, 0.25), measures={"sharpness": 0.5})


def photo(scene: Scene, **facts: object) -> Photo:
    return Photo(1, "/photos/DSC_0042.jpg", "a" * 64, 1000, 1, facts, scene)


def test_what_was_seen_when_it_was_read_is_what_a_photo_is_framed_by() -> None:
    assert prepare(photo(SEEN), (192, 128), 0.0, lambda _: PIXELS).scene.measures == SEEN.measures


def test_a_photo_that_was_never_analysed_is_analysed_now() -> None:
    assert prepare(photo(Scene()), (96, 64), 0.0, lambda _: PIXELS).scene.measures


def test_a_photo_that_an_earlier_version_looked_at_is_looked_at_again() -> None:
    stored = {"faces": [{"x": 0.1, "y": 0.1, "width": 0.1, "height": 0.1}], "measures": {"sky_share": 0.5}}
    scene = Scene.from_dict(stored)
    assert scene.version < SCENE_VERSION
    seen = prepare(photo(scene), (96, 64), 0.0, lambda _: PIXELS).scene
    assert seen.claims
    assert seen.version == SCENE_VERSION
    assert prepare(photo(seen), (96, 64), 0.0, lambda _: PIXELS).scene.measures == seen.measures


def test_a_face_that_somebody_marked_stays_marked_when_a_photo_is_looked_at_again() -> None:
    mark = {"x": 0.4, "y": 0.4, "width": 0.2, "height": 0.2, "name": "Anna"}
    (face,) = prepare(photo(Scene(), face_regions=[mark]), (96, 64), 0.0, lambda _: PIXELS).scene.faces
    assert face.centre == pytest.approx((0.5, 0.5), abs=0.02)


def test_the_picture_covers_the_clip_and_the_room_around_it() -> None:
    asked: list[tuple[int, int]] = []

    def load(at_least: tuple[int, int]) -> Pixels:
        asked.append(at_least)
        return PIXELS

    prepared = prepare(photo(SEEN), (96, 64), 0.1, load)
    height, width = prepared.surround.shape[:2]
    ((least_width, least_height),) = asked
    assert least_width >= width > 96
    assert least_height >= height > 64
    assert prepared.pixels.shape == (64, 96, 3)


def test_the_lens_goes_with_the_picture() -> None:
    prepared = prepare(photo(SEEN, f_number=1.8, focal_35mm=85.0, iso=100.0), (96, 64), 0.0, lambda _: PIXELS)
    assert (prepared.f_number, prepared.focal_35mm, prepared.subject_distance_m) == (1.8, 85.0, None)


def test_who_looks_again_knows_whether_the_file_says_which_way_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Facts] = []

    def look(pixels: object, detectors: object, facts: Facts) -> Scene:
        told.append(facts)
        return SEEN

    monkeypatch.setattr(preparation, "look", look)
    for looked_at in (photo(Scene(), orientation=6), photo(Scene())):
        prepare(looked_at, (96, 64), 0.0, lambda _: PIXELS)
    assert [facts.orientation for facts in told] == [6, None]
