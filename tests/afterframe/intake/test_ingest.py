from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from afterframe.config import Config
from afterframe.domain import JobState, Photo, Stamp
from afterframe.errors import NotFound, PhotoError, RecipeError, Stopping
from afterframe.intake import foreign_files
from afterframe.intake.ingest import Ingest, RenderRequest
from afterframe.naming import POSTER_MARK
from afterframe.publish.sidecar import MadeBy, sidecar_properties
from afterframe.scene import Scene
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of
from factories import listed_clips, make_clip, make_photo_file, make_settings
from fakes import FakeReader, open_files
from photometa.xmp.packets import packet


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def ingest(database: Database, catalog: Catalog, queue: Queue, reader: FakeReader) -> Ingest:
    return Ingest(database, catalog, queue, make_settings(), reader.read, open_files())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return make_photo_file(tmp_path / "a photo.jpg")


def test_a_settled_photo_becomes_one_job(ingest: Ingest, queue: Queue, photo: Path) -> None:
    assert ingest.accept(photo)
    assert ingest.accept(photo)
    jobs, _ = queue.page()
    assert [job.photo_path for job in jobs] == [str(photo)]
    assert jobs[0].origin == "watch"
    assert jobs[0].recipe.because


def test_a_photo_is_not_animated_again_when_its_clip_is_gone_or_the_rules_change(
    ingest: Ingest, queue: Queue, photo: Path
) -> None:
    ingest.accept(photo)
    (job,), _ = queue.page()
    queue.cancel(job.id)
    (photo.parent / "afterframe.toml").write_text("motion_intensity = 0.1")
    ingest.accept(photo)
    assert len(queue.page()[0]) == 1


def test_a_photo_that_was_moved_with_its_clip_is_not_animated_again(
    ingest: Ingest, queue: Queue, database: Database, photo: Path
) -> None:
    clip = make_clip(Photo(0, str(photo), sha256_of(photo), 1, 1, {}), rating=4)
    Path(clip.path).write_bytes(b"a clip")
    Path(clip.sidecar_path).write_bytes(packet(sidecar_properties(clip, MadeBy("parallax", "1", False), {}, 4)))
    assert ingest.accept(photo)
    assert queue.page()[0] == []
    (adopted,) = listed_clips(database)
    assert (adopted.id, adopted.rating) == (clip.id, 4)


def test_a_clip_of_another_photo_of_that_name_is_not_adopted(ingest: Ingest, queue: Queue, photo: Path) -> None:
    clip = make_clip(Photo(0, str(photo), "0" * 64, 1, 1, {}))
    Path(clip.sidecar_path).write_bytes(packet(sidecar_properties(clip, MadeBy("parallax", "1", False), {}, 4)))
    ingest.accept(photo)
    assert len(queue.page()[0]) == 1


def test_a_photo_exported_again_is_queued_again_and_the_outdated_render_is_dropped(
    ingest: Ingest, queue: Queue, photo: Path
) -> None:
    ingest.accept(photo)
    make_photo_file(photo, seed=5)
    ingest.accept(photo)
    jobs, _ = queue.page()
    assert [job.state for job in jobs] == [JobState.QUEUED, JobState.CANCELLED]


def test_a_photo_that_may_still_be_arriving_is_left_for_later(
    ingest: Ingest, reader: FakeReader, catalog: Catalog, photo: Path
) -> None:
    reader.problems[photo] = PhotoError("a photo.jpg is cut short.", "Wait.", code="truncated")
    assert not ingest.accept(photo, final=False)
    assert catalog.problem_at(photo) is None
    assert ingest.accept(photo, final=True)
    problem = catalog.problem_at(photo)
    assert problem is not None
    assert problem.code == "truncated"


def test_a_photo_that_was_being_read_when_afterframe_stopped_is_not_refused(
    ingest: Ingest, reader: FakeReader, catalog: Catalog, photo: Path
) -> None:
    reader.problems[photo] = Stopping()
    assert not ingest.accept(photo, final=True)
    assert catalog.problem_at(photo) is None


def test_a_hopeless_photo_is_refused_at_once(ingest: Ingest, reader: FakeReader, catalog: Catalog, photo: Path) -> None:
    reader.problems[photo] = PhotoError("a photo.jpg has 400 megapixels.", code="too_large")
    assert ingest.accept(photo, final=False)
    assert catalog.problem_at(photo) is not None


def test_a_broken_folder_file_is_the_photos_problem_and_names_the_file(
    ingest: Ingest, catalog: Catalog, photo: Path
) -> None:
    (photo.parent / "afterframe.toml").write_text("motion_intensity = ")
    assert ingest.accept(photo)
    problem = catalog.problem_at(photo)
    assert problem is not None
    assert "afterframe.toml" in problem.message


@pytest.mark.parametrize("text", ["motion_intensity = ", "motion_intensity = 7", "warp = 9"])
def test_a_photo_is_animated_once_its_folder_file_is_mended(
    ingest: Ingest, catalog: Catalog, queue: Queue, reader: FakeReader, photo: Path, text: str
) -> None:
    (photo.parent / "afterframe.toml").write_text(text)
    ingest.accept(photo)
    assert catalog.stamp_at(photo) != Stamp.of(photo.stat())  # so the next scan brings it up again
    assert reader.asked == []
    (photo.parent / "afterframe.toml").write_text("motion_intensity = 0.25")
    ingest.accept(photo)
    assert [job.recipe.motion_intensity for job in queue.page()[0]] == [0.25]
    assert catalog.problem_at(photo) is None


def test_a_folder_file_that_may_not_be_read_is_told_and_not_passed_over(
    ingest: Ingest, catalog: Catalog, queue: Queue, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photo.parent / "afterframe.toml").write_text("motion_intensity = 0.25")

    def refused(path: Path) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as closed:
        closed.setattr(foreign_files, "open_regular", refused)
        ingest.accept(photo)
    problem = catalog.problem_at(photo)
    assert problem is not None
    assert "afterframe.toml may not be read" in problem.message
    assert "permission" in problem.hint
    assert queue.page()[0] == []
    ingest.accept(photo)
    assert [job.recipe.motion_intensity for job in queue.page()[0]] == [0.25]


def test_a_request_makes_a_job_for_each_variant_with_its_own_seed(ingest: Ingest, photo: Path) -> None:
    jobs = ingest.request(photo, RenderRequest({"variants": 3, "seed": 2**31 - 1}))
    assert [job.recipe.seed for job in jobs] == [2**31 - 1, 0, 1]
    assert len({job.id for job in jobs}) == 3


def test_asking_twice_for_the_same_is_the_same(ingest: Ingest, photo: Path) -> None:
    assert [j.id for j in ingest.request(photo, RenderRequest({}))] == [
        j.id for j in ingest.request(photo, RenderRequest({}))
    ]


def test_a_requested_photo_is_not_animated_by_itself_as_well(ingest: Ingest, queue: Queue, photo: Path) -> None:
    ingest.request(photo, RenderRequest({}))
    ingest.accept(photo)
    assert len(queue.page()[0]) == 1


def test_the_users_words_win_over_the_folder_and_the_config(
    database: Database, catalog: Catalog, queue: Queue, reader: FakeReader, photo: Path
) -> None:
    (photo.parent / "afterframe.toml").write_text("fps = 12\nmotion_intensity = 0.2")
    config = Config(recipe={"fps": 10, "motion_intensity": 0.1, "style_consistency": 0.95})
    ingest = Ingest(database, catalog, queue, make_settings(config), reader.read, open_files())
    recipe = ingest.recipe_for(photo, {"motion_intensity": 0.3})
    assert (recipe.motion_intensity, recipe.fps, recipe.style_consistency) == (0.3, 12, 0.95)
    assert "your words" in recipe.because["motion_intensity"][0]
    assert "afterframe.toml" in recipe.because["fps"][0]
    assert "config.toml" in recipe.because["style_consistency"][0]


def test_the_nearest_folder_file_counts(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "afterframe.toml").write_text("fps = 10")
    assert open_files().folder_settings(deep)[0][1] == {"fps": 10}
    (deep / "afterframe.toml").write_text("fps = 12")
    assert open_files().folder_settings(deep)[0][1] == {"fps": 12}


def test_a_preview_queues_nothing(ingest: Ingest, queue: Queue, photo: Path) -> None:
    ingest.recipe_for(photo, {})
    assert queue.page()[0] == []


@pytest.mark.parametrize("overrides", [{"motion_intensity": 2}, {"wobble": 1}, {"camera_movement": "loop-the-loop"}])
def test_a_setting_that_cannot_be_is_refused(ingest: Ingest, photo: Path, overrides: dict[str, object]) -> None:
    with pytest.raises(RecipeError):
        ingest.request(photo, RenderRequest(overrides))


def test_an_unknown_generator_is_refused_before_the_photo_is_read(
    ingest: Ingest, reader: FakeReader, photo: Path
) -> None:
    with pytest.raises(NotFound, match="sora"):
        ingest.request(photo, RenderRequest({}, generator="sora"))
    assert reader.asked == []


def test_our_own_posters_are_never_animated(ingest: Ingest, queue: Queue, tmp_path: Path) -> None:
    poster = tmp_path / "a_motion.jpg"
    poster.write_bytes(b"\xff\xd8 " + POSTER_MARK)
    assert ingest.accept(poster)
    assert queue.page()[0] == []
    with pytest.raises(PhotoError, match="poster"):
        ingest.request(poster, RenderRequest({}))


def test_a_refined_clips_values_hold_where_the_user_says_nothing(ingest: Ingest, photo: Path) -> None:
    (job,) = ingest.request(photo, RenderRequest({"motion_intensity": 0.3}, {"fps": 12, "motion_intensity": 0.9}))
    assert (job.recipe.motion_intensity, job.recipe.fps) == (0.3, 12)
    assert "your words" in job.recipe.because["motion_intensity"][0]
    assert "refines" in job.recipe.because["fps"][0]


def test_variants_of_the_embedded_generator_move_in_other_ways_unless_the_movement_is_wished_for(
    ingest: Ingest, photo: Path
) -> None:
    recipes = [job.recipe for job in ingest.request(photo, RenderRequest({"variants": 3}, generator="parallax"))]
    assert len({recipe.camera_movement for recipe in recipes}) == len({recipe.seed for recipe in recipes}) == 3
    assert "another variant" in recipes[1].because["camera_movement"][0]
    wished = ingest.request(photo, RenderRequest({"variants": 2, "camera_movement": "static"}, generator="parallax"))
    assert {job.recipe.camera_movement for job in wished} == {"static"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of this kind are POSIX's")
def test_a_folder_file_that_is_no_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "afterframe.toml")
    assert open_files().folder_settings(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of this kind are POSIX's")
@pytest.mark.parametrize("kind", ["pipe", "garbage", "folder", "deep", "recipe is a list"])
def test_a_sidecar_that_cannot_be_trusted_does_not_keep_its_photo_from_being_animated(
    ingest: Ingest, queue: Queue, photo: Path, kind: str
) -> None:
    clip = make_clip(Photo(0, str(photo), sha256_of(photo), 1, 1, {}))
    sidecar = Path(clip.sidecar_path)
    properties = sidecar_properties(clip, MadeBy("parallax", "1", False), {}, 4)
    match kind:
        case "pipe":
            os.mkfifo(sidecar)
        case "folder":
            sidecar.mkdir()
        case "garbage":
            sidecar.write_bytes(os.urandom(4096))
        case "deep":
            sidecar.write_bytes(packet({**properties, "afterframe:recipe": "[" * 100_000}))
        case _:
            sidecar.write_bytes(packet({**properties, "afterframe:recipe": "[1]"}))
    assert ingest.accept(photo)
    assert [job.photo_path for job in queue.page()[0]] == [str(photo)]


def test_a_name_that_leaves_no_room_for_its_clips_is_refused_and_the_photo_is_not_even_read(
    ingest: Ingest, queue: Queue, catalog: Catalog, reader: FakeReader, tmp_path: Path
) -> None:
    photo = make_photo_file(tmp_path / f"{'x' * 251}.jpg")
    assert ingest.accept(photo)
    problem = catalog.problem_at(photo)
    assert problem is not None
    assert (problem.code, bool(problem.hint)) == ("name_too_long", True)
    with pytest.raises(PhotoError, match="too long"):
        ingest.request(photo, RenderRequest({}))
    assert (queue.page()[0], reader.asked) == ([], [])


def test_a_photo_that_an_earlier_version_looked_at_is_looked_at_once_more(
    ingest: Ingest, catalog: Catalog, reader: FakeReader, photo: Path
) -> None:
    reader.scene = Scene(measures={"sky_share": 0.2}, claims={"sky": 0.1})
    old = Scene(measures={"sky_share": 0.5}, version=1)
    known = catalog.put_photo(photo, Stamp.of(photo.stat()), sha256_of(photo), {}, old)
    assert known.upright_size is None
    assert ingest.looked_at(known).scene == reader.scene
    kept = catalog.photo_at(photo)
    assert kept is not None
    assert (kept.scene, kept.upright_size) == (reader.scene, (192, 128))
    assert ingest.looked_at(kept) is kept
    assert reader.asked == [photo]


def test_what_is_seen_in_a_photo_that_was_exported_again_is_not_kept_for_the_one_before(
    ingest: Ingest, catalog: Catalog, reader: FakeReader, photo: Path
) -> None:
    reader.scene = Scene(measures={"sky_share": 0.2})
    old = Scene(measures={"sky_share": 0.5}, version=1)
    known = catalog.put_photo(photo, Stamp.of(photo.stat()), "f" * 64, {}, old)
    assert ingest.looked_at(known) is known
    kept = catalog.photo_at(photo)
    assert kept is not None
    assert kept.scene == old
