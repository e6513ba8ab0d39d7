"""A cluster whose renderers send something else than was agreed, or go away: told in words, and no garbled clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ray_heads import HEAD, listening

from afterframe.config import ClusterConfig, Settings
from afterframe.errors import Cancelled, GenerateError, OutOfMemory, Unavailable
from afterframe.generators.interface import Capabilities
from afterframe.generators.ray_cluster import generator as module
from afterframe.generators.ray_cluster.actor import ActorInfo, ClipFormat, RenderActor
from afterframe.generators.ray_cluster.generator import Ray
from afterframe.imaging.frames import Frames, PreparedPhoto, Sound
from afterframe.imaging.framing import frame
from afterframe.scene import Scene
from factories import make_picture, make_recipe

RECIPE = make_recipe()  # 4 frames of 96x64
FORMAT = ClipFormat("rgb24", (96, 64), 8, 4, None)
FRAMES = np.full((4, 64, 96, 3), 7, np.uint8)
SOUND = Sound(np.zeros((100, 2), np.float32), 48_000)


class RayError(Exception): ...


class ActorDiedError(RayError): ...


class GetTimeoutError(RayError): ...


class OutOfMemoryError(RayError): ...


class RayTaskError(RayError):
    cause: BaseException | None = None


class FakeRay:
    """The ray module of a cluster with one node, whose answers are those of the test: values, or errors to raise."""

    exceptions = SimpleNamespace(
        RayError=RayError,
        ActorDiedError=ActorDiedError,
        GetTimeoutError=GetTimeoutError,
        OutOfMemoryError=OutOfMemoryError,
        RayTaskError=RayTaskError,
    )

    def __init__(self) -> None:
        self.alive = True
        self.killed = 0

    def get(self, answer: Any, timeout: float | None = None) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def wait(self, streams: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return streams, []

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": "node-1", "NodeManagerHostname": "gpu1", "Alive": self.alive, "Resources": {"CPU": 1.0}}]

    def kill(self, actor: Any, *, no_restart: bool) -> None:
        self.killed += 1

    def shutdown(self) -> None: ...


class Answers:
    """A method of an actor: it gives one answer, or a stream of them."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def options(self, **_: Any) -> Answers:
        return self

    def remote(self, *_: Any) -> Any:
        return iter(self._answer) if isinstance(self._answer, list) else self._answer


@pytest.fixture
def cluster(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A generator whose renderer sends what it is given: ``cluster(messages)``, ``cluster(adapt=...)``."""
    monkeypatch.setattr(module, "NODE_LOSS_TIMEOUT_S", 5.0)
    monkeypatch.setattr(module, "POLL_INTERVAL_S", 0.0)
    made = Ray(settings)
    made._ray, made._node_id = FakeRay(), "node-1"

    def use(*messages: Any, **answers: Any) -> Ray:
        values = {"render": list(messages), "stop": None, "progress": (0.5, None), "node_id": "node-1", **answers}
        made._actor = SimpleNamespace(**{name: Answers(value) for name, value in values.items()})
        return made

    yield use
    made.close()


def photo() -> PreparedPhoto:
    return frame(np.asarray(make_picture()), Scene(), (96, 64), 0.0)


def made_by(generator: Ray) -> tuple[list[Any], Frames]:
    clip = generator.generate(photo(), RECIPE, lambda share, eta_s=None: None, lambda: False)
    return list(clip.frames), clip


def test_a_clip_comes_as_it_was_agreed(cluster: Any) -> None:
    pieces = (("frames", FRAMES[:3]), ("frames", FRAMES[3:]), ("sound", SOUND))
    frames, clip = made_by(cluster(("format", FORMAT), *pieces))
    assert len(frames) == 4
    assert clip.sound() is SOUND


def test_what_this_versions_renderer_sends_is_what_was_agreed(cluster: Any) -> None:
    there = RenderActor("parallax", 0, "node-1")
    answers = {"info": there.info(), "adapt": there.adapt(RECIPE), "overscan": there.overscan(RECIPE)}
    generator = cluster(*there.render(photo(), RECIPE), progress=there.progress(), **answers)
    assert generator._ask("info").name == "parallax"
    assert generator.adapt(RECIPE) == RECIPE
    assert generator.overscan(RECIPE) == there.overscan(RECIPE)[1]
    frames, clip = made_by(generator)
    assert (len(frames), clip.size) == (RECIPE.frame_count, RECIPE.size)


WRONG: dict[str, list[Any]] = {
    "nothing": [],
    "no pair": [5],
    "a pair of nothing": [(None, None)],
    "a triple": [("format", FORMAT, 1)],
    "an unknown message": [("surprise", 1)],
    "frames before their format": [("frames", FRAMES)],
    "a format that is none": [("format", {"size": (96, 64)})],
    "an error that is none": [("error", "it failed")],
    "an unknown kind of pixels": [("format", replace(FORMAT, pixel_format="rgba"))],
    "another size": [("format", replace(FORMAT, size=(10**6, 10**6)))],
    "no size": [("format", replace(FORMAT, size=(0, 0)))],
    "no rate": [("format", replace(FORMAT, fps=0))],
    "a rate that is none": [("format", replace(FORMAT, fps=float("nan")))],
    "no frame": [("format", replace(FORMAT, count=0))],
    "very many frames": [("format", replace(FORMAT, count=10**9))],
    "a model that is none": [("format", replace(FORMAT, model="wan"))],
    "frames of floats": [("format", FORMAT), ("frames", FRAMES.astype(np.float32))],
    "frames of another size": [("format", FORMAT), ("frames", FRAMES[:, :32])],
    "frames with transparency": [("format", FORMAT), ("frames", np.zeros((4, 64, 96, 4), np.uint8))],
    "one frame that is no piece": [("format", FORMAT), ("frames", FRAMES[0])],
    "objects": [("format", FORMAT), ("frames", np.array([None] * 4))],
    "no array": [("format", FORMAT), ("frames", [1, 2, 3])],
    "too many frames": [("format", FORMAT), ("frames", FRAMES), ("frames", FRAMES[:1])],
    "a sound that is none": [("format", FORMAT), ("frames", FRAMES), ("sound", b"beep")],
    "a sound of no number": [
        ("format", FORMAT),
        ("frames", FRAMES),
        ("sound", replace(SOUND, samples=np.full((9, 2), np.nan))),
    ],
    "a sound of no rate": [("format", FORMAT), ("frames", FRAMES), ("sound", replace(SOUND, rate=0))],
}


@pytest.mark.parametrize("messages", WRONG.values(), ids=WRONG)
def test_what_was_not_agreed_is_told_with_its_remedy(cluster: Any, messages: list[Any]) -> None:
    with pytest.raises(GenerateError, match="The cluster's renderer sent") as caught:
        made_by(cluster(*messages))
    assert "same version" in caught.value.hint


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        *[("adapt", answer) for answer in (None, 5, ("recipe", {"fps": 8}), ("recipe",), ("error", "no"))],
        *[("overscan", ("overscan", value)) for value in (float("nan"), float("inf"), -1, 10**9, "0.2", None)],
        ("overscan", ("recipe", RECIPE)),
        ("info", ("info", ActorInfo("node-1", "parallax", 1, Capabilities()))),  # type: ignore[arg-type]
        ("info", ("info", None)),
    ],
    ids=str,
)
def test_an_answer_that_is_none_is_told_with_its_remedy(cluster: Any, question: str, answer: Any) -> None:
    generator = cluster(**{question: answer})
    with pytest.raises(GenerateError, match=f"no answer when asked for “{question}”"):
        generator._ask(question, RECIPE)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ((0.25, 3.0), [(0.25, 3.0)]),
        ((float("nan"), float("inf")), []),
        ((7, -1), [(1.0, None)]),
        ((-5.0, None), []),
    ],
    ids=str,
)
def test_progress_stays_within_its_range(cluster: Any, content: Any, seen: list[Any]) -> None:
    told: list[tuple[float, float | None]] = []
    messages = (("progress", content), ("format", FORMAT), ("frames", FRAMES))
    clip = cluster(*messages).generate(photo(), RECIPE, lambda *now: told.append(now), lambda: False)
    assert len(list(clip.frames)) == 4
    assert told == seen


# -- renderers that go away -------------------------------------------------------------------


@pytest.mark.parametrize("after", [[], [("format", FORMAT)], [("format", FORMAT), ("frames", FRAMES[:2])]], ids=len)
@pytest.mark.parametrize("alive", [True, False])
def test_a_renderer_that_is_lost_blames_its_machine_or_the_photo(cluster: Any, after: list[Any], alive: bool) -> None:
    generator = cluster(*after, ActorDiedError("gone"), node_id=ActorDiedError("gone"))
    generator._ray.alive = alive
    with listening(HEAD) as address, pytest.raises(GenerateError) as caught:
        generator._config = ClusterConfig(address)
        made_by(generator)
    assert isinstance(caught.value, Unavailable) is not alive
    assert caught.value.error_code == ("worker_died" if alive else "node_lost")
    assert generator._actor is None  # the next clip gets another one


def test_a_renderer_that_is_lost_with_the_head_blames_no_photo_and_asks_the_head_nothing(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = cluster(ActorDiedError("gone"), node_id=ActorDiedError("gone"))
    monkeypatch.setattr(generator._ray, "nodes", None)  # Ray would wait a minute, and end the process
    monkeypatch.setattr(generator, "_config", ClusterConfig("127.0.0.1:9"))
    with pytest.raises(Unavailable) as caught:
        made_by(generator)
    assert caught.value.error_code == "node_lost"


def test_memory_that_runs_out_there_and_errors_of_python_are_told_in_words(cluster: Any) -> None:
    with pytest.raises(OutOfMemory):
        made_by(cluster(OutOfMemoryError("too much")))
    failed = RayTaskError("a long trace")
    failed.cause = ValueError("numbers\nthat do not fit")
    with pytest.raises(GenerateError, match="that do not fit") as caught:
        made_by(cluster(failed))
    assert caught.value.transient


def test_a_clip_that_is_cancelled_while_it_arrives_is_stopped(cluster: Any) -> None:
    generator = cluster(("format", FORMAT), ("frames", FRAMES[:1]), ("frames", FRAMES[1:]))
    seen: list[int] = []
    clip = generator.generate(photo(), RECIPE, lambda share, eta_s=None: None, lambda: bool(seen))
    with pytest.raises(Cancelled):
        for number, _ in enumerate(clip.frames):
            seen.append(number)
