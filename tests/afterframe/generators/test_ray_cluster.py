from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray_heads import HEAD, listening

from afterframe.config import ClusterConfig, Config, Settings
from afterframe.errors import Cancelled, ConfigError, GenerateError, NotFound, Unavailable
from afterframe.generators import registry
from afterframe.generators.ray_cluster import actor
from afterframe.generators.ray_cluster.actor import ActorInfo, ClipFormat, RenderActor
from afterframe.generators.ray_cluster.connection import connect
from afterframe.generators.ray_cluster.generator import Ray
from afterframe.imaging.frames import Frames, PreparedPhoto, Sound
from afterframe.imaging.framing import frame
from afterframe.scene import Scene
from factories import make_picture, make_recipe
from fakes import FakeGenerator


def photo() -> PreparedPhoto:
    return frame(np.asarray(make_picture()), Scene(), (96, 64), 0.2)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have renderers make their frames with this generator."""

    def use(generator: Any) -> RenderActor:
        monkeypatch.setattr(registry, "load", lambda name, settings, plan: generator)
        return RenderActor("any", 0, "node-1")

    return use


# -- the half on the cluster -------------------------------------------------------------------


def test_a_renderer_sends_a_clip_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actor, "PIECE_BYTES", 96 * 64 * 3)  # yuv420p: two frames
    kinds, things = zip(
        *RenderActor("parallax", 0, "node-1").render(photo(), make_recipe(duration_s=0.625)), strict=True
    )
    assert kinds == ("format", "frames", "frames", "frames")
    assert things[0] == ClipFormat("yuv420p", (96, 64), 8, 5, None)
    assert [len(piece) for piece in things[1:]] == [2, 2, 1]


def test_a_sound_comes_last(given: Any) -> None:
    class Loud(FakeGenerator):
        def generate(self, *args: Any) -> Frames:
            silent = super().generate(*args)
            sound = Sound(np.zeros((100, 2), np.float32), 48000)
            return Frames(
                silent.pixel_format, silent.size, silent.fps, silent.count, silent.frames, sound=lambda: sound
            )

    assert [kind for kind, _ in given(Loud()).render(photo(), make_recipe())] == ["format", "frames", "sound"]


def test_errors_travel_as_they_are(given: Any) -> None:
    error = GenerateError("no weights", "Get them.", code="no_weights", transient=True)
    *_, (kind, thing) = given(FakeGenerator(error=error, fail_at=1)).render(photo(), make_recipe())
    assert (kind, thing) == ("error", error)


def test_a_clip_stops_when_told(given: Any) -> None:
    made = RenderActor("parallax", 0, "node-1")
    items = made.render(photo(), make_recipe(duration_s=20.0))
    assert next(items)[0] == "format"
    made.stop()
    kind, error = next(items)
    assert kind == "error"
    assert isinstance(error, Cancelled)
    assert [kind for kind, _ in made.render(photo(), make_recipe())] == ["format", "frames"]  # and the next one runs


def test_a_renderer_tells_what_it_is_and_how_far() -> None:
    made = RenderActor("parallax", 0, "node-1")
    kind, about = made.info()
    assert kind == "info"
    assert isinstance(about, ActorInfo)
    assert (about.node_id, about.name, about.capabilities.loop) == ("node-1", "parallax", True)
    assert made.overscan(make_recipe())[0] == "overscan"
    assert made.adapt(make_recipe()) == ("recipe", make_recipe())
    list(made.render(photo(), make_recipe()))
    assert made.progress()[0] == 1.0


def test_what_a_machine_does_not_have_is_named() -> None:
    kind, error = RenderActor("sora", 0, "node-1").info()
    assert kind == "error"
    assert isinstance(error, NotFound)
    assert "sora" in error.message


# -- joining -----------------------------------------------------------------------------------


def test_without_a_cluster_the_remedy_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        connect(ClusterConfig())
    assert "[cluster]" in caught.value.hint


@pytest.mark.parametrize("address", ["gpu1", "gpu1:", ":6379", "ray://gpu1:10001/x"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="cannot be"):
        connect(ClusterConfig(address))


def test_a_head_that_is_not_there_leaves_the_job_waiting(settings: Settings) -> None:
    generator = Ray(Settings(settings.home, Config(cluster=ClusterConfig("127.0.0.1:9"))))
    with pytest.raises(Unavailable, match="does not answer"):
        generator.adapt(make_recipe())
    generator.close()


@pytest.mark.parametrize(
    "says", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9\r\n", bytes((0, 0, 0, 7, 0))], ids=repr
)
def test_a_port_with_something_else_behind_it_is_told_within_seconds(
    says: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterframe.generators.ray_cluster.connection.CONNECT_TIMEOUT_S", 0.2)
    with listening(says) as address, pytest.raises(Unavailable, match="is no head of a Ray cluster") as caught:
        connect(ClusterConfig(address))
    assert "--port" in caught.value.hint


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with listening(HEAD) as address, pytest.raises(Unavailable, match="my token is not there"):
        connect(ClusterConfig(address, token_file=str(tmp_path / "my token")))


@pytest.mark.parametrize(
    ("open_", "said"), [(False, "`RAY_AUTH_MODE=token ray start --head"), (True, "`ray start --head")]
)
def test_the_hints_lead_to_a_cluster_with_a_token(open_: bool, said: str) -> None:
    with pytest.raises(Unavailable) as caught:
        connect(ClusterConfig("127.0.0.1:9", open=open_))
    assert said in caught.value.hint


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with listening(HEAD) as address, pytest.raises(GenerateError, match="package ray") as caught:
        connect(ClusterConfig(address))
    assert caught.value.error_code == "no_ray"


@pytest.mark.parametrize("name", ["ray:ray", "ray:remote:box"])
def test_a_cluster_does_not_send_its_work_elsewhere(settings: Settings, name: str) -> None:
    with pytest.raises(NotFound):
        registry.resolve(name, settings)


def test_folders_of_the_cluster_are_not_named_from_outside(settings: Settings) -> None:
    assert registry.resolve("ray:diffusers:/models/wan", settings) == "ray:diffusers:/models/wan"
    with pytest.raises(NotFound):
        registry.resolve("ray:diffusers:/models/wan", settings, folders=False)
