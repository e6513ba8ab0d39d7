"""Several takes of one clip: the right one is finished, for the stated reason, and the others are kept for a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from render_fixtures import Studio, make_studio  # noqa: F401 - a fixture

from afterframe.domain import Clip, Job, Recipe, Stamp
from afterframe.errors import Cancelled, GenerateError
from afterframe.generators.interface import Capabilities
from afterframe.imaging.frames import CancelCheck, Frames, Pixels, PreparedPhoto, Progress
from afterframe.publish.sidecar import read_clip
from afterframe.render.heartbeat import Heartbeat
from afterframe.render.takes import KEPT_S, MORE, Take, TakeFolder, drop_old_takes
from afterframe.state.queue import NewJob
from afterframe.system.hashing import sha256_of
from factories import make_photo_file, make_recipe
from fakes import FakeGenerator

SIZE = (160, 96)
SEED = 7


class Model(FakeGenerator):
    """A model whose clips are good but for the seeds that are told: what is wrong with each, cheap and full."""

    def __init__(self, cheap: dict[int, str], full: dict[int, str] | None = None) -> None:
        super().__init__(capabilities=Capabilities(trained=True, ahead=True))
        self.cheap, self.full = cheap, full or {}
        self.made: list[tuple[str, int]] = []

    def take(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        return self._start("take", self.cheap, photo, recipe)

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        return self._start("full", self.full, photo, recipe)

    def _start(self, what: str, faults: dict[int, str], photo: PreparedPhoto, recipe: Recipe) -> Frames:
        self.made.append((what, recipe.seed))
        made = clip(photo.pixels, faults.get(recipe.seed, ""), recipe.frame_count)
        return Frames("rgb24", recipe.size, recipe.fps, recipe.frame_count, made)


def clip(photo: Pixels, fault: str, count: int) -> Iterator[Pixels]:
    for number in range(count):
        frame = np.roll(photo, number // 2, axis=1).astype(np.float64)
        if fault == "drifts":
            frame = frame + np.array([6.0, 0, -6.0]) * number
        elif fault == "freezes":
            frame = photo.astype(np.float64)
        elif fault == "flickers":
            frame = frame + 18.0 * (number % 2)
        elif fault == "breaks":
            raise GenerateError("It broke.", "Try another model.")
        yield np.asarray(np.clip(frame, 0, 255), np.uint8)


@pytest.fixture
def order(studio: Studio) -> Callable[..., Job]:
    def ordered(takes: int = 3, **recipe: Any) -> Job:
        make_photo_file(studio.photo, (320, 192))
        photo = studio.catalog.put_photo(studio.photo, Stamp.of(studio.photo.stat()), sha256_of(studio.photo), {})
        made = make_recipe(size=SIZE, duration_s=2.0, seed=SEED, takes=takes, **recipe)
        return studio.queue.enqueue(NewJob(photo, made, "fake"))[0]

    return ordered


def rendered(studio: Studio, job: Job, model: FakeGenerator) -> Clip:
    studio.generator = model
    assert studio.render() is None
    return studio.clip_of(job)


def kept(studio: Studio, job: Job) -> list[Take]:
    folder = TakeFolder(studio.renderer._settings.home, job.id)
    (when,) = {path.stat().st_mtime for path in folder.file(1).parent.glob("*.json")}
    return folder.takes(when)


def test_the_best_take_is_finished_and_each_loser_has_its_reason(studio: Studio, order: Callable[..., Job]) -> None:
    model = Model({SEED: "drifts", SEED + 1: "freezes", SEED + 3: "flickers"})
    job = order(4)
    made = rendered(studio, job, model)
    assert model.made == [*(("take", SEED + number) for number in range(4)), ("full", SEED + 2)]
    assert made.recipe.seed == SEED + 2
    assert made.recipe.takes == 4
    assert made.recipe.because["seed"][-1].startswith("take 3 of 4 has the fewest faults")
    told = read_clip(Path(made.sidecar_path))
    assert told is not None
    assert told.recipe == made.recipe
    takes = kept(studio, job)
    assert [(take.number, take.seed, take.taken) for take in takes] == [
        (1, SEED, False), (2, SEED + 1, False), (3, SEED + 2, True), (4, SEED + 3, False),
    ]  # fmt: skip
    for take, reason in zip(
        takes, ("its colours drift", "hardly anything moves", "take 3", "it flickers"), strict=True
    ):
        assert take.reason.startswith(reason)
    folder = TakeFolder(studio.renderer._settings.home, job.id)
    assert all(b"ftyp" in folder.file(take.number).read_bytes()[:16] for take in takes)
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}


def test_a_take_that_falls_below_when_finished_gives_way_to_the_next(studio: Studio, order: Callable[..., Job]) -> None:
    model = Model({SEED + 1: "flickers"}, full={SEED: "drifts"})
    job = order(3)
    made = rendered(studio, job, model)
    assert [made for made in model.made if made[0] == "full"] == [("full", SEED), ("full", SEED + 2)]
    assert made.recipe.seed == SEED + 2
    assert made.measures["drift_de00"] < 2
    assert kept(studio, job)[0].reason.startswith("finished, it fell below: its colours drift")


@pytest.mark.parametrize(("first", "second", "best"), [("flickers", "freezes", 1), ("freezes", "flickers", 0)])
def test_the_better_of_two_finished_takes_stays_whichever_came_first(
    studio: Studio, order: Callable[..., Job], first: str, second: str, best: int
) -> None:
    model = Model({}, full={SEED: first, SEED + 1: second})
    made = rendered(studio, order(2), model)
    assert [one for one in model.made if one[0] == "full"] == [("full", SEED), ("full", SEED + 1)]
    assert made.recipe.seed == SEED + best
    assert sha256_of(Path(made.path)) == made.sha256


def test_other_seeds_are_tried_while_nothing_is_good_enough_and_it_is_said(
    studio: Studio, order: Callable[..., Job]
) -> None:
    model = Model({SEED: "drifts", SEED + 1: "freezes"})
    made = rendered(studio, order(2), model)
    assert model.made == [("take", SEED), ("take", SEED + 1), ("take", SEED + 2), ("full", SEED + 2)]
    assert "after 1 more seeds than asked for" in made.recipe.because["seed"][-1]


def test_the_tries_have_a_limit_and_the_best_of_the_bad_is_called_so(studio: Studio, order: Callable[..., Job]) -> None:
    model = Model({SEED + number: "freezes" for number in range(20)})
    made = rendered(studio, order(2), model)
    assert len([one for one in model.made if one[0] == "take"]) == 2 + MORE
    assert made.recipe.seed == SEED
    assert made.recipe.because["seed"][-1].startswith("none of 4 takes is good enough")
    assert "hardly anything moves" in made.recipe.because["seed"][-1]


def test_a_generator_without_takes_makes_one_and_says_why(studio: Studio, order: Callable[..., Job]) -> None:
    made = rendered(studio, order(4), FakeGenerator(name="parallax"))
    assert "own pixels" in made.recipe.because["takes"][-1]
    assert made.recipe.seed == SEED


def test_one_take_is_made_as_ever(studio: Studio, order: Callable[..., Job]) -> None:
    model = Model({})
    rendered(studio, order(1), model)
    assert model.made == [("full", SEED)]


@pytest.mark.parametrize("cheap", [{SEED + 1: "breaks"}, {}])
def test_a_take_that_fails_leaves_nothing_behind(
    studio: Studio, order: Callable[..., Job], cheap: dict[int, str]
) -> None:
    job = order(2)
    studio.generator = Model(cheap, full={SEED: "breaks"})
    assert isinstance(studio.render(), GenerateError)
    assert studio.files() == {"DSC_0042.jpg"}
    assert not TakeFolder(studio.renderer._settings.home, job.id).file(1).parent.exists()


def test_takes_can_be_cancelled_between_their_frames(studio: Studio, order: Callable[..., Job]) -> None:
    job = order(3)
    studio.generator = Model({})
    claimed = studio.claim()
    studio.queue.cancel(job.id)
    with Heartbeat(studio.queue, claimed, studio.worker) as beat:
        beat.beat()
        with pytest.raises(Cancelled):
            studio.renderer.render(claimed, beat)
    assert studio.files() == {"DSC_0042.jpg"}


def test_takes_are_kept_for_a_day(studio: Studio, order: Callable[..., Job]) -> None:
    job = order(2)
    rendered(studio, job, Model({}))
    folder = TakeFolder(studio.renderer._settings.home, job.id)
    home = folder.file(1).parent
    now = home.stat().st_mtime
    assert len(folder.takes(now + KEPT_S - 60)) == 2
    assert folder.takes(now + KEPT_S + 60) == []
    drop_old_takes(home.parent, now + KEPT_S - 60)
    assert home.exists()
    drop_old_takes(home.parent, now + KEPT_S + 60)
    assert not home.exists()
    drop_old_takes(home.parent / "never there", now)
