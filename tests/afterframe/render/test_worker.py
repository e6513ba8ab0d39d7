from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pytest

import photometa
from afterframe.config import Config, RenderConfig, VisionConfig
from afterframe.domain import Clip, Job, JobState, Recipe, Scene, Stamp, Verdict
from afterframe.errors import AfterframeError, Cancelled, EncodeError, GenerateError, OutOfMemory
from afterframe.generators.interface import Capabilities
from afterframe.imaging.frames import Frames, Model, PreparedPhoto
from afterframe.publish.files import Publication
from afterframe.publish.sidecar import read_clip
from afterframe.recipe import compose, needs_description
from afterframe.render import worker as worker_module
from afterframe.render.worker import Heartbeat, Worker, serve
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import NewJob, Queue
from afterframe.system.hashing import sha256_of
from factories import Clock, make_clip, make_photo_file, make_recipe, make_settings
from fakes import FakeGenerator
from photometa.facts.facts import Facts

OWNER = "daemon-1-aa/0"
FAST = Config(render=RenderConfig(preset="ultrafast"))


class Studio:
    """A worker with a fake generator, and one photo."""

    def __init__(self, database: Database, folder: Path, config: Config = FAST) -> None:
        self.worker = Worker(database, make_settings(config), OWNER)
        self.generator = FakeGenerator()
        self.worker._generators = {("fake", 0): self.generator}
        self.catalog, self.queue = self.worker.catalog, self.worker.queue
        self.folder = folder
        self.photo = make_photo_file(folder / "DSC_0042.jpg")

    def order(self, seed: int = 7, origin: str = "watch", parent: str | None = None) -> Job:
        photo = self.catalog.put_photo(self.photo, Stamp.of(self.photo.stat()), sha256_of(self.photo), {"iso": 100})
        job, _ = self.queue.enqueue(NewJob(photo, make_recipe(seed=seed), "fake", origin, parent))
        return job

    def render(self) -> AfterframeError | None:
        """Claim the next job and render it."""
        job = self.queue.claim(OWNER)
        assert job is not None
        with Heartbeat(self.queue, job, OWNER, threading.Event(), 60) as beat:
            try:
                self.worker.render(job, beat)
            except AfterframeError as error:
                return error
        return None

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.is_file()}


@pytest.fixture
def studio(database: Database, tmp_path: Path) -> Studio:
    folder = tmp_path / "photos ünï"
    folder.mkdir()
    return Studio(database, folder)


def test_a_job_becomes_a_clip_and_its_sidecar(studio: Studio) -> None:
    before = studio.photo.read_bytes()
    job = studio.order()
    assert studio.render() is None
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}
    done = studio.queue.get(job.id)
    assert (done.state, done.progress) == (JobState.DONE, 1.0)
    clip = studio.catalog.clip(str(done.clip_id))
    assert clip.sha256 == sha256_of(Path(clip.path))
    told = read_clip(Path(clip.sidecar_path))
    assert told is not None
    assert (told.id, told.recipe) == (clip.id, clip.recipe)
    assert studio.photo.read_bytes() == before


def test_the_sidecars_packet_is_in_the_clip_too(studio: Studio) -> None:
    studio.order()
    studio.render()
    packet = (studio.folder / "DSC_0042_motion.mp4.xmp").read_bytes()
    assert packet in (studio.folder / "DSC_0042_motion.mp4").read_bytes()


def test_how_true_a_clip_is_to_its_photo_stands_in_catalogue_and_sidecar(studio: Studio) -> None:
    job = studio.order()
    studio.render()
    clip = studio.catalog.clip(str(studio.queue.get(job.id).clip_id))
    told = read_clip(Path(clip.sidecar_path))
    assert told is not None
    assert told.measures == clip.measures
    assert 0 < clip.measures["photo_psnr_db"] < 40  # grey frames
    assert clip.measures["photo_de00"] > 5


@pytest.mark.parametrize(("graded", "least", "most"), [(True, 0, 1), (False, 3, 20)])
def test_a_models_clip_is_held_to_its_photos_colours(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, graded: bool, least: float, most: float
) -> None:
    def darker(photo: PreparedPhoto, recipe: Recipe, *_: object) -> Frames:
        frames = (np.asarray(photo.pixels * 0.8, np.uint8) for _ in range(recipe.frame_count))
        return Frames("rgb24", recipe.size, recipe.fps, recipe.frame_count, frames)

    studio.generator.capabilities = Capabilities(graded=graded)
    monkeypatch.setattr(studio.generator, "generate", darker)
    job = studio.order()
    assert studio.render() is None
    measures = studio.catalog.clip(str(studio.queue.get(job.id).clip_id)).measures
    assert least <= measures["photo_de00"] <= most


def test_another_variant_gets_the_next_name_and_its_parent(studio: Studio) -> None:
    first = studio.order()
    studio.render()
    parent = studio.queue.get(first.id).clip_id
    second = studio.order(seed=8, origin="request", parent=parent)
    studio.render()
    clip = studio.catalog.clip(str(studio.queue.get(second.id).clip_id))
    assert Path(clip.path).name == "DSC_0042_motion-v2.mp4"
    assert clip.parent_clip == parent
    assert clip.variant == 2


def test_a_new_export_replaces_a_clip_that_nobody_touched(studio: Studio) -> None:
    studio.order()
    studio.render()
    old = sha256_of(studio.folder / "DSC_0042_motion.mp4")
    make_photo_file(studio.photo, seed=9)
    studio.generator.name = "fake again"
    studio.order()
    assert studio.render() is None
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}
    assert sha256_of(studio.folder / "DSC_0042_motion.mp4") != old
    (clip,) = studio.catalog.page()[0]
    assert clip.photo_sha256 == sha256_of(studio.photo)


@pytest.mark.parametrize("how", ["approved", "rated", "refined", "edited"])
def test_a_new_export_leaves_a_clip_that_somebody_cares_for(studio: Studio, how: str) -> None:
    job = studio.order()
    studio.render()
    clip_id = str(studio.queue.get(job.id).clip_id)
    if how == "approved":
        studio.catalog.set_verdict(clip_id, Verdict.APPROVED, 0)
    elif how == "rated":
        studio.catalog.set_verdict(clip_id, Verdict.NONE, 3)
    elif how == "refined":
        studio.queue.cancel(studio.order(seed=99, origin="request", parent=clip_id).id)
    else:
        (studio.folder / "DSC_0042_motion.mp4").write_bytes(b"edited by hand")
    before = (studio.folder / "DSC_0042_motion.mp4").read_bytes()
    make_photo_file(studio.photo, seed=9)
    studio.order()
    assert studio.render() is None
    assert (studio.folder / "DSC_0042_motion.mp4").read_bytes() == before
    assert "DSC_0042_motion-v2.mp4" in studio.files()


@pytest.mark.parametrize(("origin", "code"), [("request", "changed"), ("watch", "cancelled")])
@pytest.mark.parametrize("whole", [True, False])
def test_a_photo_that_changed_since_it_was_queued_is_not_rendered(
    studio: Studio, origin: str, code: str, whole: bool
) -> None:
    studio.order(origin=origin)
    data = make_photo_file(studio.photo, seed=9).read_bytes()
    studio.photo.write_bytes(data if whole else data[: len(data) // 2])
    error = studio.render()
    assert error is not None
    assert error.error_code == code
    assert studio.files() == {"DSC_0042.jpg"}


@pytest.mark.parametrize("fail_at", [0, 2])
def test_a_generator_that_fails_leaves_nothing_behind(studio: Studio, fail_at: int) -> None:
    studio.generator.error, studio.generator.fail_at = GenerateError("no weights", "Pull them."), fail_at
    studio.order()
    assert isinstance(studio.render(), GenerateError)
    assert studio.files() == {"DSC_0042.jpg"}


def test_a_cancelled_render_leaves_nothing_behind(studio: Studio) -> None:
    job = studio.order()
    claimed = studio.queue.claim(OWNER)
    assert claimed is not None
    studio.queue.cancel(job.id)
    with Heartbeat(studio.queue, claimed, OWNER, threading.Event(), 60) as beat:
        beat._cancelled = True
        with pytest.raises(Cancelled):
            studio.worker.render(claimed, beat)
    assert studio.files() == {"DSC_0042.jpg"}


def test_a_cancel_that_comes_just_before_publishing_counts(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    monkeypatch.setattr(worker_module, "verify", lambda *args: studio.queue.cancel(job.id))
    error = studio.render()
    assert error is not None
    assert error.error_code == "cancelled"
    assert studio.files() == {"DSC_0042.jpg"}


def test_a_leftover_of_an_earlier_try_is_overwritten(studio: Studio) -> None:
    job = studio.order()
    (studio.folder / f".afterframe-{job.id}.mp4").write_bytes(b"half a clip")
    assert studio.render() is None
    assert len(studio.files()) == 3


def test_a_committed_publish_is_finished_after_a_crash(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    with monkeypatch.context() as patch:
        patch.setattr(worker_module, "place", crash)
        with pytest.raises(KeyboardInterrupt):
            studio.render()
    assert studio.queue.get(job.id).state == JobState.PUBLISHING
    studio.worker.roll_forward(lambda owner: owner == OWNER)
    assert studio.queue.get(job.id).state == JobState.DONE
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}


def crash(publication: Publication) -> None:
    raise KeyboardInterrupt


def test_a_publish_whose_file_was_lost_is_rendered_again(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    with monkeypatch.context() as patch:
        patch.setattr(worker_module, "place", crash)
        with pytest.raises(KeyboardInterrupt):
            studio.render()
    (studio.folder / f".afterframe-{job.id}.mp4").unlink()
    studio.worker.roll_forward(lambda owner: True)
    assert studio.queue.get(job.id).state == JobState.QUEUED
    assert studio.render() is None
    assert "DSC_0042_motion.mp4" in studio.files()


def test_a_name_that_a_stranger_took_meanwhile_leads_to_another_name(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.order()
    place = worker_module.place

    def stranger_first(publication: Publication) -> None:
        Path(publication.clip).write_text("a stranger's")
        monkeypatch.setattr(worker_module, "place", place)
        place(publication)

    monkeypatch.setattr(worker_module, "place", stranger_first)
    assert studio.render() is None
    assert studio.render() is None
    assert (studio.folder / "DSC_0042_motion.mp4").read_text() == "a stranger's"
    assert "DSC_0042_jpg_motion.mp4" in studio.files()


def test_living_workers_publishes_are_left_to_them(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    with monkeypatch.context() as patch:
        patch.setattr(worker_module, "place", crash)
        with pytest.raises(KeyboardInterrupt):
            studio.render()
    studio.worker.roll_forward(lambda owner: False)
    assert studio.queue.get(job.id).state == JobState.PUBLISHING


def test_a_poster_is_written_when_asked_for(database: Database, tmp_path: Path) -> None:
    studio = Studio(database, tmp_path, Config(render=RenderConfig(preset="ultrafast", poster=True)))
    studio.order()
    assert studio.render() is None
    assert "DSC_0042_motion.jpg" in studio.files()


class StillBeat:
    """A heartbeat that does nothing."""

    def __enter__(self) -> StillBeat:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def run_once(studio: Studio, render: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker's loop take one job, whose render does what ``render`` does."""
    stopping = threading.Event()

    def once(job: Job, beat: Heartbeat) -> None:
        stopping.set()
        render(job, beat)

    monkeypatch.setattr(studio.worker, "render", once)
    serve(studio.worker, studio.queue, OWNER, stopping, 60, False)


def raising(error: BaseException) -> Callable[..., None]:
    def render(job: Job, beat: Heartbeat) -> None:
        raise error

    return render


def test_out_of_memory_is_its_own_class_and_never_retried(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    run_once(studio, raising(MemoryError()), monkeypatch)
    failed = studio.queue.get(job.id)
    assert failed.state == JobState.FAILED
    assert failed.error is not None
    assert failed.error.code == OutOfMemory.code


@pytest.mark.logs_errors
def test_an_unexpected_error_costs_a_strike_and_the_loop_goes_on(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = studio.order()
    run_once(studio, raising(ZeroDivisionError("oops")), monkeypatch)
    again = studio.queue.get(job.id)
    assert (again.state, again.strikes) == (JobState.QUEUED, 1)


def test_stopping_the_worker_gives_the_job_back_without_a_strike(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = studio.order()
    run_once(studio, raising(Cancelled("Stopped.")), monkeypatch)
    back = studio.queue.get(job.id)
    assert (back.state, back.strikes) == (JobState.QUEUED, 0)


def test_a_failure_names_the_photo(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    run_once(studio, raising(GenerateError("no weights")), monkeypatch)
    error = studio.queue.get(job.id).error
    assert error is not None
    assert "DSC_0042.jpg" in error.message


def test_a_clip_of_the_photo_at_another_path_is_not_replaced(studio: Studio, catalog: Catalog) -> None:
    other = catalog.put_photo(studio.folder / "other.jpg", Stamp(1, 1), "0" * 64, {})
    catalog.put_clip(make_clip(other))
    studio.order()
    studio.render()
    assert len(catalog.page()[0]) == 2


def test_queue_is_empty_and_the_loop_ends_when_told(studio: Studio, queue: Queue) -> None:
    stopping = threading.Event()
    threading.Timer(0.05, stopping.set).start()
    serve(studio.worker, queue, OWNER, stopping, 60, False)


def test_after_out_of_memory_a_fresh_process_goes_on(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    monkeypatch.setattr(studio.worker, "render", raising(OutOfMemory("too much", smaller_plan=1)))
    serve(studio.worker, studio.queue, OWNER, threading.Event(), 60, False)  # returns by itself
    assert (studio.queue.get(job.id).state, studio.queue.get(job.id).plan) == (JobState.QUEUED, 1)


def test_a_model_that_nobody_uses_is_unloaded(studio: Studio) -> None:
    studio.worker.keep_warm_s = 0
    stopping = threading.Event()
    threading.Timer(0.05, stopping.set).start()
    serve(studio.worker, studio.queue, OWNER, stopping, 60, False)
    assert studio.generator.closed


def test_a_generator_stays_for_the_next_job(studio: Studio) -> None:
    for seed in (1, 2):
        studio.order(seed=seed)
        assert studio.render() is None
    assert not studio.generator.closed


def test_the_sidecar_names_the_model_and_every_word_that_it_got(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model("Wan2.2-TI2V-5B", "abc", "a cup of coffee, slowly", {"steps": 4})
    generate = studio.generator.generate
    monkeypatch.setattr(studio.generator, "generate", lambda *given: replace(generate(*given), model=model))
    studio.generator.capabilities = Capabilities(trained=True)
    studio.order()
    assert studio.render() is None
    written = photometa.read_sidecar(studio.folder / "DSC_0042_motion.mp4.xmp")
    assert written["Iptc4xmpExt:AIPromptInformation"] == "a cup of coffee, slowly"
    assert written["Iptc4xmpExt:AISystemUsed"] == "Wan2.2-TI2V-5B"
    assert json.loads(str(written["afterframe:modelSettings"])) == {"steps": 4}


def test_progress_never_goes_back_and_the_generators_own_eta_counts_down(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Clock(100.0)
    monkeypatch.setattr(worker_module.time, "monotonic", now)
    beat = Heartbeat(studio.queue, studio.order(), OWNER, threading.Event(), 60)
    beat.progress(0.5, 30.0)
    beat.progress(0.1)
    now.forward(10)
    assert (beat._share, beat._eta_s()) == (0.5, 20.0)


def serve_all(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker's loop run until every job has ended."""
    stopping, claim = threading.Event(), studio.queue.claim

    def claimed(*given: Any, **named: Any) -> Job | None:
        job = claim(*given, **named)
        counts = studio.queue.counts()
        if job is None and not counts["queued"] + counts["running"] + counts["publishing"]:
            stopping.set()
        return job

    monkeypatch.setattr(studio.queue, "claim", claimed)
    serve(studio.worker, studio.queue, OWNER, stopping, 60, False)


def test_the_next_clip_is_begun_while_the_last_is_finished(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.generator.capabilities = Capabilities(ahead=True)
    jobs = [studio.order(seed=seed, origin="request") for seed in (1, 2)]
    begun: list[int] = []
    second_begun = threading.Event()
    generate, verify = studio.generator.generate, worker_module.verify

    def counted(photo: PreparedPhoto, recipe: Recipe, *told: Any) -> Frames:
        begun.append(recipe.seed)
        if len(begun) == 2:
            second_begun.set()
        return generate(photo, recipe, *told)

    def held(*given: Any) -> None:
        assert second_begun.wait(30)
        verify(*given)

    monkeypatch.setattr(studio.generator, "generate", counted)
    monkeypatch.setattr(worker_module, "verify", held)
    serve_all(studio, monkeypatch)
    assert [studio.queue.get(job.id).state for job in jobs] == [JobState.DONE] * 2


def test_a_generator_that_streams_is_not_overtaken(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (1, 2):
        studio.order(seed=seed, origin="request")
    running: list[int] = []
    verify = worker_module.verify

    def counted(*given: Any) -> None:
        running.append(studio.queue.counts()["running"])
        verify(*given)

    monkeypatch.setattr(worker_module, "verify", counted)
    serve_all(studio, monkeypatch)
    assert running == [1, 1]


def test_a_clip_that_fails_at_its_end_does_not_harm_the_next(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.generator.capabilities = Capabilities(ahead=True)
    for seed in (1, 2):
        studio.order(seed=seed, origin="request")
    verify, seen = worker_module.verify, []

    def fails_once(*given: Any) -> None:
        seen.append(1)
        if len(seen) == 1:
            raise EncodeError("it does not decode")
        verify(*given)

    monkeypatch.setattr(worker_module, "verify", fails_once)
    serve_all(studio, monkeypatch)
    counts = studio.queue.counts()
    assert (counts["failed"], counts["done"]) == (1, 1)


# -- describing photos without words -----------------------------------------------------------


class Described(Studio):
    """A worker whose generator follows a prompt, and whose describer says a sentence."""

    def __init__(self, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("afterframe.render.worker.describe_picture", lambda pixels, weights: "A dog on a beach.")
        config = Config(render=RenderConfig(preset="ultrafast"), vision=VisionConfig(describer=str(folder / "SmolVLM")))
        super().__init__(database, folder, config)
        self.generator.capabilities = Capabilities(trained=True)

    def made(self, recipe: Recipe) -> Clip:
        photo = self.catalog.put_photo(self.photo, Stamp.of(self.photo.stat()), sha256_of(self.photo), {})
        job, _ = self.queue.enqueue(NewJob(photo, recipe, "fake", "watch", None))
        assert self.render() is None
        return self.catalog.clip(str(self.queue.get(job.id).clip_id))


def recipe_of(facts: Facts) -> Recipe:
    recipe = compose(facts, Scene(), (96, 64), photo_sha256="ab" * 32)
    return replace(recipe, size=(96, 64), duration_s=0.5, fps=8)


@pytest.fixture
def describing(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Described:
    return Described(database, tmp_path, monkeypatch)


def test_a_photo_without_a_word_is_described_for_a_model_and_the_record_says_by_whom(describing: Described) -> None:
    clip = describing.made(recipe_of(Facts()))
    assert clip.recipe.prompt.startswith("A dog on a beach. ")
    assert any("SmolVLM describes" in reason for reason in clip.recipe.because["prompt"])
    assert not needs_description(clip.recipe)


def test_the_photographers_words_stay_alone(describing: Described) -> None:
    clip = describing.made(recipe_of(replace(Facts(), caption="My own cat")))
    assert clip.recipe.prompt.startswith("My own cat.")
    assert "dog" not in clip.recipe.prompt


def test_what_follows_no_prompt_needs_no_description(describing: Described) -> None:
    describing.generator.capabilities = Capabilities(trained=False)
    assert "dog" not in describing.made(recipe_of(Facts())).recipe.prompt


def test_without_the_setting_nothing_is_described(database: Database, tmp_path: Path) -> None:
    assert Config().vision.describer == ""
    photo = make_photo_file(tmp_path / "a.jpg")
    worker = Worker(database, make_settings(), "daemon-1-aa/0")
    known = worker.catalog.put_photo(photo, Stamp.of(photo.stat()), sha256_of(photo), {})
    job, _ = worker.queue.enqueue(NewJob(known, recipe_of(Facts()), "fake", "watch", None))

    class Trained:
        capabilities = Capabilities(trained=True)

    assert worker._described(job, Trained()) is job.recipe  # type: ignore[arg-type]
