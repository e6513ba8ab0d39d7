"""What a clip looks like between the steps of its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from afterframe.generators.diffusers.families import FAMILIES
from afterframe.generators.diffusers.generator import Diffusers
from afterframe.generators.diffusers.latent_preview import LatentPreview
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto
from afterframe.scene import Scene
from factories import make_picture, make_recipe, make_settings

diffusers_tiny = pytest.importorskip("diffusers_tiny")
torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
EVERY_FAMILY = [name for name in diffusers_tiny.MAKERS if name != "ltx-13b"]


class Latent:
    def __init__(self, values: Any) -> None:
        self._values = values
        self.latent_dist = self

    def mode(self) -> Any:
        return self._values


class Codec:
    """A VAE that mixes the colours of 8x8 pixels into six channels, and keeps nothing else."""

    dtype = torch.float32
    config: dict[str, Any] = {"latents_mean": [0.5] * 6, "latents_std": [2.0] * 6}  # noqa: RUF012

    def __init__(self) -> None:
        self.mix = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))

    def named_buffers(self, *, recurse: bool) -> list[tuple[str, Any]]:
        return []

    def encode(self, video: Any) -> Latent:
        small = torch.nn.functional.avg_pool3d(video, (1, 8, 8))
        return Latent(torch.einsum("kc,bcthw->bkthw", self.mix, small) * 2 + 0.5)


class Euler:
    sigmas = torch.tensor([1.0, 0.75, 0.5, 0.25, 0.0])


class Pipeline:
    """What a preview asks of a pipeline."""

    vae_scale_factor_temporal = 4

    def __init__(self) -> None:
        self.vae, self.scheduler = Codec(), Euler()


def along(pipeline: Pipeline, picture: Pixels, sigma: float) -> Any:
    """A still clip of a picture under noise, as latents of three frames."""
    video = torch.from_numpy(np.moveaxis(picture, -1, 0).astype(np.float32) / 127.5 - 1)[None, :, None]
    clean = ((pipeline.vae.encode(video).mode() - 0.5) / 2).expand(1, 6, 3, 8, 12)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(3))
    return (1 - sigma) * clean + sigma * noise


def off(shown: Pixels | None, wanted: Pixels) -> float:
    assert shown is not None
    small = cv2.resize(shown, (12, 8), interpolation=cv2.INTER_AREA)
    return float(np.abs(small.astype(float) - cv2.resize(wanted, (12, 8), interpolation=cv2.INTER_AREA)).mean())


def test_what_a_model_makes_is_seen_in_its_colours_from_the_second_step_on() -> None:
    photo, other = (np.asarray(make_picture((96, 64), seed)) for seed in (0, 5))
    pipeline = Pipeline()
    preview = LatentPreview(FAMILIES["wan"], photo, 9)
    assert preview.picture() is None
    preview.begin(pipeline)
    assert preview.picture() is None
    preview.step(pipeline, 0, along(pipeline, other, 0.75))
    noisy = off(preview.picture(), other)
    preview.step(pipeline, 1, along(pipeline, other, 0.5))
    clean = off(preview.picture(), other)
    assert clean < 5 < noisy
    assert off(preview.picture(), photo) > 2 * clean


def test_a_photo_of_one_colour_magnifies_no_noise() -> None:
    grey = np.full((64, 96, 3), 90, np.uint8)
    pipeline = Pipeline()
    preview = LatentPreview(FAMILIES["wan"], grey, 9)
    preview.begin(pipeline)
    preview.step(pipeline, 0, along(pipeline, grey, 0.75))
    assert off(preview.picture(), grey) < 60


def test_a_preview_that_fails_shows_nothing_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline()
    preview = LatentPreview(FAMILIES["wan"], np.asarray(make_picture((96, 64))), 9)
    preview.begin(pipeline)
    preview.step(pipeline, 0, torch.zeros(1, 5))
    assert preview.picture() is None
    del pipeline.vae
    preview.begin(pipeline)
    preview.step(pipeline, 0, torch.zeros(1, 5))
    assert preview.picture() is None
    assert "no preview" in caplog.text


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Diffusers]]:
    root, alive = tmp_path_factory.mktemp("models"), []

    def model(family: str) -> Diffusers:
        folder = root / family
        alive.append(Diffusers(make_settings(), str(diffusers_tiny.make(family, folder))))
        return alive[-1]

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield model
    torch.set_num_threads(threads)
    for generator in alive:
        generator.close()


@pytest.mark.slow
@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_every_family_shows_each_step_and_its_clip_is_the_same(
    models: Callable[[str], Diffusers], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = models(family)
    recipe = generator.adapt(make_recipe(duration_s=0.7, size=(96, 64)))
    width, height = recipe.size
    photo = PreparedPhoto(np.asarray(make_picture((width, height))), (0, 0), Scene())
    shown: list[Pixels] = []
    frames: Frames

    def look(*_: object) -> None:
        picture = frames.preview()
        if picture is not None:
            shown.append(picture)

    frames = generator.generate(photo, recipe, look, lambda: False)
    assert frames.preview() is None
    clip = np.stack(list(frames.frames))
    assert frames.preview() is None
    assert len(shown) >= diffusers_tiny.STEPS
    assert all(picture.shape[2] == 3 and picture.std() > 0 for picture in shown)
    assert not np.array_equal(shown[0], shown[-1])
    monkeypatch.setattr(LatentPreview, "begin", lambda *_: None)
    again = generator.generate(photo, recipe, look, lambda: False)
    assert np.array_equal(np.stack(list(again.frames)), clip)
