from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from render_fixtures import Studio, make_studio  # noqa: F401 - a fixture

import photometa
from afterframe.config import Config, RenderConfig, VisionConfig
from afterframe.domain import Clip, JobState, Recipe, Stamp
from afterframe.encode import encode as encode_module
from afterframe.errors import Cancelled, FolderUnavailable, GenerateError
from afterframe.generators import describer
from afterframe.generators.interface import Capabilities
from afterframe.imaging.frames import Frames, Model, Pixels, PreparedPhoto
from afterframe.publish import folder_check
from afterframe.publish.sidecar import read_clip
from afterframe.recipe import compose
from afterframe.render.heartbeat import Heartbeat
from afterframe.scene import Scene
from afterframe.state.database import Database
from afterframe.state.queue import NewJob
from afterframe.system.hashing import sha256_of
from factories import make_photo_file, make_recipe
from photometa.facts.facts import Facts


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


def when_frames_are_made(studio: Studio, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen while the clip is made."""
    make = studio.generator._frames

    def frames(recipe: Recipe) -> Iterator[Pixels]:
        happens()
        return make(recipe)

    monkeypatch.setattr(studio.generator, "_frames", frames)


def test_a_clip_that_outlives_its_drive_is_not_left_where_that_was_mounted(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.order()
    when_frames_are_made(studio, monkeypatch, studio.photo.unlink)  # an empty folder is left, as under a drive
    error = studio.render()
    assert isinstance(error, FolderUnavailable)
    assert error.error_code == "folder_missing"
    assert studio.files() == set()


def test_a_clip_that_is_made_needs_no_more_room(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    studio.order()

    def fill() -> None:
        monkeypatch.setattr(folder_check.shutil, "disk_usage", lambda folder: usage(1 << 30, (1 << 30) - 9, 9))

    when_frames_are_made(studio, monkeypatch, fill)
    assert studio.render() is None
    assert "DSC_0042_motion.mp4.xmp" in studio.files()


def test_the_sidecars_packet_is_in_the_clip_too(studio: Studio) -> None:
    studio.order()
    studio.render()
    packet = (studio.folder / "DSC_0042_motion.mp4.xmp").read_bytes()
    assert packet in (studio.folder / "DSC_0042_motion.mp4").read_bytes()


def test_how_true_a_clip_is_to_its_photo_stands_in_catalogue_and_sidecar(studio: Studio) -> None:
    job = studio.order()
    studio.render()
    clip = studio.clip_of(job)
    told = read_clip(Path(clip.sidecar_path))
    assert told is not None
    assert told.measures == clip.measures
    assert told.cost == clip.cost
    assert clip.cost["seconds"] >= 0
    assert clip.cost["memory_gb"] > 0
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
    measures = studio.clip_of(job).measures
    assert least <= measures["photo_de00"] <= most


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
    claimed = studio.claim()
    studio.queue.cancel(job.id)
    with Heartbeat(studio.queue, claimed, studio.worker) as beat:
        beat.beat()
        with pytest.raises(Cancelled):
            studio.renderer.render(claimed, beat)
    assert studio.files() == {"DSC_0042.jpg"}


def test_a_cancel_that_comes_just_before_publishing_counts(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    monkeypatch.setattr(encode_module, "verify", lambda *args: studio.queue.cancel(job.id))
    error = studio.render()
    assert error is not None
    assert error.error_code == "cancelled"
    assert studio.files() == {"DSC_0042.jpg"}


def test_a_leftover_of_an_earlier_try_is_overwritten(studio: Studio) -> None:
    job = studio.order()
    (studio.folder / f".afterframe-{job.id}.mp4").write_bytes(b"half a clip")
    assert studio.render() is None
    assert len(studio.files()) == 3


def test_a_poster_is_written_when_asked_for(database: Database, tmp_path: Path) -> None:
    studio = Studio(database, tmp_path, Config(render=RenderConfig(preset="ultrafast", poster=True)))
    studio.order()
    assert studio.render() is None
    assert "DSC_0042_motion.jpg" in studio.files()


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


# -- describing photos without words -----------------------------------------------------------


class Described(Studio):
    """A worker whose generator follows a prompt, and whose describer says a sentence."""

    def __init__(self, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(describer, "caption", lambda pixels, weights: "A dog on a beach.")
        config = Config(render=RenderConfig(preset="ultrafast"), vision=VisionConfig(describer=str(folder / "SmolVLM")))
        super().__init__(database, folder, config)
        self.generator.capabilities = Capabilities(trained=True)

    def made(self, recipe: Recipe) -> Clip:
        photo = self.catalog.put_photo(self.photo, Stamp.of(self.photo.stat()), sha256_of(self.photo), {})
        job, _ = self.queue.enqueue(NewJob(photo, recipe, "fake", "watch", None))
        assert self.render() is None
        return self.clip_of(job)


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
    assert sum("nothing was written" in reason for reason in clip.recipe.because["prompt"]) == 1


def test_whether_a_photo_is_described_hangs_on_no_sentence(describing: Described) -> None:
    recipe = recipe_of(Facts())
    told = replace(recipe, because=dict.fromkeys(recipe.because, ("in other words",)))
    assert describing.made(told).recipe.prompt.startswith("A dog on a beach. ")


def test_the_photographers_words_stay_alone(describing: Described) -> None:
    clip = describing.made(recipe_of(replace(Facts(), caption="My own cat")))
    assert clip.recipe.prompt.startswith("My own cat.")
    assert "dog" not in clip.recipe.prompt


def test_what_follows_no_prompt_needs_no_description(describing: Described) -> None:
    describing.generator.capabilities = Capabilities(trained=False)
    assert "dog" not in describing.made(recipe_of(Facts())).recipe.prompt


def test_without_the_setting_nothing_is_described(studio: Studio) -> None:
    assert Config().vision.describer == ""
    studio.generator.capabilities = Capabilities(trained=True)
    job = studio.order()
    assert studio.render() is None
    assert studio.clip_of(job).recipe.prompt == job.recipe.prompt


def test_what_is_seen_in_a_photo_of_an_earlier_version_is_kept(studio: Studio) -> None:
    old = Scene(measures={"sky_share": 0.5}, version=1)
    photo = studio.catalog.put_photo(studio.photo, Stamp.of(studio.photo.stat()), sha256_of(studio.photo), {}, old)
    studio.queue.enqueue(NewJob(photo, make_recipe(), "fake", "watch"))
    assert studio.render() is None
    known = studio.catalog.photo_at(studio.photo)
    assert known is not None
    assert known.scene.current
    assert known.scene.claims
