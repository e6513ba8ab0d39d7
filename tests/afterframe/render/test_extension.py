"""A clip made longer: its own frames, then a part that begins with the last of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from render_fixtures import FAST, OWNER, Studio, make_studio  # noqa: F401 - a fixture

from afterframe.domain import CameraMovement, Clip, Job, Recipe, Stamp
from afterframe.errors import GenerateError, WrongState
from afterframe.generators.interface import Capabilities
from afterframe.generators.parallax.generator import Parallax
from afterframe.imaging.frames import CancelCheck, Frames, PreparedPhoto, Progress, Sound
from afterframe.publish.sidecar import read_clip
from afterframe.render.extension import _joined_sound, surrounded
from afterframe.render.renderer import Renderer
from afterframe.scene import Scene
from afterframe.state.queue import NewJob
from afterframe.system.hashing import sha256_of
from clip_frames import read_frames
from factories import make_frames, make_photo_file, make_picture, make_recipe, make_settings
from fakes import FakeGenerator

SIZE = (160, 96)


class Drifting(FakeGenerator):
    """A model that goes on from its photo, warmer and warmer, and off its colours from the start."""

    def __init__(self) -> None:
        super().__init__(capabilities=Capabilities(trained=True, ahead=True, graded=True))
        self.photos: list[PreparedPhoto] = []

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        self.photos.append(photo)
        shift = np.array([20.0, 0, -20.0])
        made = (
            np.asarray(np.clip(np.roll(photo.pixels, number // 3, axis=1) + shift, 0, 255), np.uint8)
            for number in range(recipe.frame_count)
        )
        return Frames("rgb24", recipe.size, recipe.fps, recipe.frame_count, made)


def ordered(studio: Studio, recipe: Recipe, parent: str | None = None) -> Job:
    photo = studio.catalog.put_photo(studio.photo, Stamp.of(studio.photo.stat()), sha256_of(studio.photo), {})
    return studio.queue.enqueue(NewJob(photo, recipe, "fake", parent_clip=parent))[0]


def made(studio: Studio, recipe: Recipe, parent: str | None = None) -> Clip:
    job = ordered(studio, recipe, parent)
    assert studio.render() is None
    return studio.clip_of(job)


@pytest.fixture
def first(studio: Studio) -> Clip:
    make_photo_file(studio.photo, (400, 240))
    studio.generator = Drifting()
    return made(studio, make_recipe(size=SIZE, duration_s=1.0))


def longer(clip: Clip, seconds: float) -> Recipe:
    return replace(clip.recipe, duration_s=seconds, extends=clip.id)


def test_a_longer_clip_is_the_clip_itself_and_then_goes_on_from_its_last_frame(studio: Studio, first: Clip) -> None:
    second = made(studio, longer(first, 1.5), parent=first.id)
    before, after = np.stack(read_frames(Path(first.path), SIZE)), np.stack(read_frames(Path(second.path), SIZE))
    assert len(after) == len(before) + 12
    assert np.abs(after[: len(before)].astype(int) - before).mean() < 2
    steps = np.abs(np.diff(after.astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert steps[len(before) - 1] < 4  # the model's own shift is 13 levels: its colours are held over the seam
    assert (second.parent_clip, second.variant, second.recipe.extends) == (first.id, 2, first.id)
    assert second.duration_s == pytest.approx(2.5)
    assert second.measures["photo_psnr_db"] > 40  # it begins with its photo, however the part begins
    told = read_clip(Path(second.sidecar_path))
    assert told is not None
    assert told.recipe == second.recipe
    assert Path(first.path).is_file()


def test_a_clip_can_be_made_longer_again_and_again(studio: Studio, first: Clip) -> None:
    second = made(studio, longer(first, 0.5), parent=first.id)
    third = made(studio, longer(second, 0.5), parent=second.id)
    assert third.duration_s == pytest.approx(2.0)
    assert third.variant == 3


def test_parallax_goes_on_with_the_photo_around_the_last_frame(studio: Studio) -> None:
    make_photo_file(studio.photo, (480, 320))
    studio.renderer = Renderer(studio.database, make_settings(FAST), OWNER, load=lambda *_: Parallax(make_settings()))
    recipe = make_recipe(size=SIZE, duration_s=1.0, camera_movement=CameraMovement.PAN_RIGHT, motion_intensity=0.8)
    clip = made(studio, recipe)
    second = made(studio, longer(clip, 1.0), parent=clip.id)
    after = np.stack(read_frames(Path(second.path), SIZE))
    assert len(after) == 16
    steps = np.abs(np.diff(after.astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert steps[7] <= steps.max() + 0.5
    assert steps[8:].max() > 0.2  # it goes on


def test_around_a_frame_stands_what_the_photo_shows_there() -> None:
    wide = np.asarray(make_picture((240, 160)))
    photo = PreparedPhoto(wide, (24, 16), Scene())
    moved = np.ascontiguousarray(wide[16:144, 30:222])  # the camera went six pixels to the right
    around = surrounded(moved, photo)
    assert around.shape == wide.shape
    assert np.array_equal(around[16:144, 24:216], moved)
    wanted = np.roll(wide, -6, axis=1)
    assert np.abs(around[:, :24].astype(int) - wanted[:, :24]).mean() < 4
    other = np.asarray(make_picture((192, 128), seed=5))[::-1].copy()
    mirrored = cv2.copyMakeBorder(other, 16, 16, 24, 24, cv2.BORDER_REFLECT_101)
    assert surrounded(other, photo).shape == mirrored.shape


def test_a_clip_that_is_gone_or_has_other_frames_a_second_is_told(studio: Studio, first: Clip) -> None:
    studio.generator.adapt = lambda recipe: replace(recipe, fps=12)  # type: ignore[method-assign]
    ordered(studio, longer(first, 1.0), first.id)
    error = studio.render()
    assert isinstance(error, GenerateError)
    assert error.error_code == "other_frame_rate"
    studio.generator.adapt = lambda recipe: recipe  # type: ignore[method-assign]
    Path(first.path).unlink()
    ordered(studio, longer(first, 2.0), first.id)
    error = studio.render()
    assert isinstance(error, WrongState)
    assert error.error_code == "clip_gone"


def test_sounds_are_joined_at_one_rate_and_silence_fills_what_is_missing() -> None:
    loud = Sound(np.ones((8000, 2), np.float32), 8000)
    half = Sound(np.full((16000, 1), 0.5, np.float32), 16000)
    clip, part = make_frames(8, fps=8), make_frames(9, fps=8)
    assert _joined_sound(clip, part) is None
    both = _joined_sound(replace(clip, sound=lambda: loud), replace(part, sound=lambda: half))
    assert both is not None
    assert (both.rate, both.samples.shape) == (8000, (16000, 2))
    assert both.samples[4000, 0] == 1
    assert both.samples[12000, 1] == 0.5
    silent = _joined_sound(clip, replace(part, sound=lambda: half))
    assert silent is not None
    assert silent.samples[:16000].max() == 0
