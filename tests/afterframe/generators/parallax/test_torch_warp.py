"""The torch warp and learned depth; on the CPU, where they are never chosen by themselves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from afterframe.config import Config, Settings, VisionConfig
from afterframe.domain import CameraMovement
from afterframe.errors import GenerateError
from afterframe.generators.parallax import depth_network
from afterframe.generators.parallax.generator import Parallax
from afterframe.generators.parallax.torch_warp import TorchWarper
from afterframe.generators.parallax.warp import OpenCvWarper, SecondSampling, nodes
from afterframe.generators.parallax.yuv import planes
from afterframe.imaging.framing import frame
from afterframe.scene import Scene
from factories import make_recipe

torch = pytest.importorskip("torch")
SIZE = (96, 64)


def source() -> np.ndarray:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    waves = np.dstack([np.sin(x / 5), np.sin(y / 7), np.cos((x + y) / 9)])
    return (127 + 100 * waves).astype(np.uint8)


@pytest.mark.parametrize("lit", [False, True])
def test_torch_and_opencv_show_the_same_frame(lit: bool) -> None:
    read = planes(source())
    places = nodes(SIZE) * np.float32(0.93) + np.float32(2.3)
    gain = np.linspace(0.95, 1.05, places.shape[1], dtype=np.float32)[None] if lit else None
    by_cv = OpenCvWarper(read, SIZE).frame(places, gain).copy()
    by_torch = TorchWarper(read, SIZE, "cpu").frame(places, gain)
    assert np.abs(by_cv.astype(int) - by_torch).max() <= 3
    assert np.abs(by_cv.astype(int) - by_torch).mean() < 0.5


def test_torch_and_opencv_lay_the_same_copy_over_it() -> None:
    read = planes(source())
    places = nodes(SIZE)
    moved = places.copy()
    moved[2:6, 3:9, 0] += 3.0
    copy = SecondSampling(moved, 0.6)
    by_cv = OpenCvWarper(read, SIZE).frame(places, copy=copy).copy()
    by_torch = TorchWarper(read, SIZE, "cpu").frame(places, copy=copy)
    assert np.abs(by_cv.astype(int) - by_torch).max() <= 3
    assert np.abs(by_cv.astype(int) - OpenCvWarper(read, SIZE).frame(places)).max() > 10


def test_torch_starts_from_the_photo_too() -> None:
    read = planes(source())
    frame = TorchWarper(read, SIZE, "cpu").frame(nodes(SIZE))
    assert np.array_equal(frame[: SIZE[1]], read.luma2x[::2, ::2])


class Network:
    """Says that the bottom of every picture is near."""

    config = SimpleNamespace(depth_estimation_type="relative")

    def __call__(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        height, width = pixel_values.shape[2:]
        return SimpleNamespace(predicted_depth=torch.linspace(3, 9, height)[None, :, None].expand(1, height, width))


def test_learned_depth_becomes_nearness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth_network, "_network", lambda weights: (Network(), 14))
    near = depth_network.learned_nearness(source(), Path("weights"), (32, 48))
    assert near.shape == (32, 48)
    assert near[0].max() < 0.1
    assert near[-1].min() > 0.9


def test_metric_depth_is_turned_round(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network()
    network.config = SimpleNamespace(depth_estimation_type="metric")
    monkeypatch.setattr(depth_network, "_network", lambda weights: (network, 14))
    near = depth_network.learned_nearness(source(), Path("weights"), (32, 48))
    assert near[0].min() > near[-1].max()


def test_missing_weights_are_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(GenerateError, match=str(tmp_path.name)):
        depth_network.learned_nearness(source(), tmp_path, (32, 48))


def test_a_depth_network_named_in_the_settings_is_used_for_clips(settings: Settings, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sees = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=28, patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(
        backbone_config=sees, patch_size=14, reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=16, head_hidden_size=8, reassemble_factors=[4, 2, 1, 0.5],
    )  # fmt: skip
    folder = tmp_path / "depth anything"
    transformers.DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    by_network = Parallax(Settings(settings.home, Config(vision=VisionConfig(str(folder)))))
    recipe = make_recipe(size=SIZE, camera_movement=CameraMovement.ORBIT_LEFT)
    photo = frame(source(), Scene(), SIZE, by_network.overscan(recipe))
    frames = list(by_network.generate(photo, recipe, lambda share, eta_s=None: None, lambda: False).frames)
    by_cues = list(Parallax(settings).generate(photo, recipe, lambda share, eta_s=None: None, lambda: False).frames)
    assert len(frames) == recipe.frame_count
    assert not np.array_equal(frames[-1], by_cues[-1])
