"""Sidecars and settings that arrive, or change, after their photo was read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from watch_fixtures import Hand, NoEvents

import photometa
from afterframe.domain import Clip, Job, JobState, Verdict
from afterframe.intake import watcher
from afterframe.intake.ingest import Ingest, RenderRequest
from afterframe.intake.late_words import LateWords
from afterframe.intake.photo_reader import Reading
from afterframe.intake.watcher import Handlers
from afterframe.publish.backlink import write_back_link
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.list_index import ListFilter
from afterframe.state.listings import RenderListing
from afterframe.state.queue import Queue
from factories import Clock, make_clip, make_photo_file, make_settings
from fakes import FakeReader, open_files
from photometa.xmp.values import Bag


def read(path: Path) -> Reading:
    return replace(FakeReader().read(path), facts=photometa.read(path))


class Desk:
    """A photo in a watched folder, and what is made of it."""

    def __init__(self, database: Database, catalog: Catalog, queue: Queue, clock: Clock, folder: Path) -> None:
        self.catalog, self.queue, self.clock, self.folder = catalog, queue, clock, folder
        settings = make_settings()
        self.ingest = Ingest(database, catalog, queue, settings, read, open_files())
        self.late = LateWords(database, catalog, queue, settings, self.ingest, photometa.read)
        self.photo = make_photo_file(folder / "DSC_0042.jpg")

    def write(self, name: str = "DSC_0042.jpg.xmp", **said: Any) -> Path:
        path = self.folder / name
        plain = {f"dc:{key}": Bag(value) if isinstance(value, list) else value for key, value in said.items()}
        photometa.write_sidecar(path, plain)
        return path

    def say(self, name: str = "DSC_0042.jpg.xmp", **said: Any) -> None:
        self.late.note(self.write(name, **said))

    def job(self) -> Job:
        return self.queue.page()[0][0]

    def render(self) -> Clip:
        """Make the clip of what waits."""
        job = self.queue.claim("worker")
        assert job
        photo = self.catalog.photo_at(self.photo)
        assert photo
        clip = make_clip(photo, id=f"clip-{job.id[:8]}", recipe=job.recipe)
        self.catalog.put_clip(clip)
        self.queue.finish(job.id, clip.id)
        return clip

    def wait(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.late.step()

    def waiting(self) -> list[Job]:
        return [job for job in self.queue.page()[0] if job.state is JobState.QUEUED]


@pytest.fixture
def desk(database: Database, catalog: Catalog, queue: Queue, clock: Clock, tmp_path: Path) -> Desk:
    return Desk(database, catalog, queue, clock, tmp_path)


@pytest.mark.parametrize("name", ["DSC_0042.jpg.xmp", "DSC_0042.xmp", "DSC_0042.XMP"])
def test_a_queued_render_takes_the_words_of_a_sidecar_that_comes_later(desk: Desk, name: str) -> None:
    desk.ingest.accept(desk.photo)
    assert "lighthouse" not in desk.job().recipe.prompt
    desk.say(name, description="A lighthouse in a storm", subject=["sea", "waves"])
    assert "A lighthouse in a storm" in desk.job().recipe.prompt
    assert len(desk.queue.page()[0]) == 1


def test_it_takes_those_of_one_that_changes(desk: Desk) -> None:
    desk.say(description="first words")
    desk.ingest.accept(desk.photo)
    assert "first words" in desk.job().recipe.prompt
    desk.say(description="other words")
    assert "other words" in desk.job().recipe.prompt


def test_a_render_that_somebody_asked_for_keeps_what_they_said(desk: Desk) -> None:
    asked = RenderRequest({"motion_intensity": 0.25, "variants": 2})
    desk.ingest.request(desk.photo, asked)
    before = desk.queue.page()[0]
    desk.say(description="A lighthouse")
    after = desk.queue.page()[0]
    assert [job.recipe.motion_intensity for job in after] == [0.25, 0.25]
    assert all("A lighthouse" in job.recipe.prompt for job in after)
    assert [job.recipe.seed for job in after] == [job.recipe.seed for job in before]
    assert [job.recipe.camera_movement for job in after] == [job.recipe.camera_movement for job in before]


def test_words_that_somebody_typed_are_not_overwritten(desk: Desk) -> None:
    desk.ingest.request(desk.photo, RenderRequest({"prompt": "my own words"}))
    desk.say(description="A lighthouse")
    assert desk.job().recipe.prompt == "my own words"


def test_a_failed_render_takes_them_for_its_retry(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    desk.queue.cancel(desk.job().id)
    desk.say(description="A lighthouse")
    assert "A lighthouse" in desk.queue.retry(desk.job().id).recipe.prompt


def test_a_queued_render_takes_them_though_somebody_asked_for_the_photo_in_between(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    first = desk.job().id
    sidecar = desk.write(description="A lighthouse")
    desk.ingest.request(desk.photo, RenderRequest({"fps": 12}))
    desk.late.note(sidecar)
    assert "A lighthouse" in desk.queue.get(first).recipe.prompt


def test_page_and_search_know_the_new_words(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    desk.say(subject=["lighthouse"])
    photo = desk.catalog.photo_at(desk.photo)
    assert photo
    assert photo.facts["keywords"] == ["lighthouse"]


def test_a_sidecar_of_another_photo_changes_nothing(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    recipe = desk.job().recipe
    for name in ("DSC_0042.png.xmp", "DSC_00421.xmp", "DSC.xmp"):
        desk.say(name, description="of another photo")
    assert desk.job().recipe == recipe


def test_a_damaged_sidecar_changes_nothing_but_what_it_said(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    recipe = desk.job().recipe
    path = desk.folder / "DSC_0042.xmp"
    path.write_bytes(b"<x:xmpmeta")
    assert desk.late.note(path)
    assert desk.job().recipe == recipe


# -- clips that are made ---------------------------------------------------------------------


def test_a_clip_is_made_again_when_its_words_came_soon_and_stood_still(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    clip = desk.render()
    desk.wait(300)
    desk.say(description="A lighthouse")
    desk.wait(59)
    assert desk.waiting() == []
    desk.wait(1)
    (again,) = desk.waiting()
    assert again.replaces == clip.id
    assert again.origin == "watch"
    assert "A lighthouse" in again.recipe.prompt


def test_keywords_alone_are_enough(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    desk.render()
    desk.say(subject=["harbour"])
    desk.wait(60)
    assert len(desk.waiting()) == 1


def test_it_is_made_again_once_only(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    desk.render()
    desk.say(description="A lighthouse")
    desk.wait(60)
    desk.render()
    desk.say(description="Another word")
    desk.wait(3600)
    assert desk.waiting() == []


def test_every_change_begins_the_minute_anew(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    desk.render()
    for number in range(3):
        desk.say(description=f"A lighthouse {number}")
        desk.wait(40)
    assert desk.waiting() == []
    desk.wait(20)
    assert "A lighthouse 2" in desk.waiting()[0].recipe.prompt


def test_words_that_come_late_are_only_offered(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    desk.render()
    desk.wait(601)
    desk.say(description="A lighthouse")
    desk.wait(3600)
    assert desk.waiting() == []


def test_words_that_came_while_it_was_rendered_make_it_again(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    running = desk.queue.claim("worker")
    assert running
    desk.say(description="A lighthouse")
    desk.wait(120)
    photo = desk.catalog.photo_at(desk.photo)
    assert photo
    desk.catalog.put_clip(make_clip(photo))
    desk.queue.finish(running.id, make_clip(photo).id)
    desk.wait(1)
    assert len(desk.waiting()) == 1


def test_words_that_are_taken_back_change_nothing(desk: Desk) -> None:
    desk.say(description="first words")
    desk.ingest.accept(desk.photo)
    desk.render()
    desk.say(description="other words")
    desk.wait(30)
    desk.say(description="first words")
    desk.wait(60)
    assert desk.waiting() == []


@pytest.mark.parametrize(
    "judge",
    [
        lambda desk, clip: desk.catalog.set_verdict(clip.id, Verdict.APPROVED, 0),
        lambda desk, clip: desk.catalog.set_verdict(clip.id, Verdict.REJECTED, 0),
        lambda desk, clip: desk.catalog.set_verdict(clip.id, Verdict.NONE, 3),
        lambda desk, clip: desk.catalog.mark_absent(clip.id),
    ],
)
def test_a_clip_that_was_judged_or_deleted_stays(desk: Desk, judge: Callable[[Desk, Clip], None]) -> None:
    desk.ingest.accept(desk.photo)
    judge(desk, desk.render())
    desk.say(description="A lighthouse")
    desk.wait(60)
    assert desk.waiting() == []


def test_a_clip_that_somebody_asked_for_stays(desk: Desk) -> None:
    desk.ingest.request(desk.photo, RenderRequest({}))
    desk.render()
    desk.say(description="A lighthouse")
    desk.wait(60)
    assert desk.waiting() == []


def test_our_own_back_link_is_no_change(desk: Desk) -> None:
    sidecar = desk.write(description="first words")
    desk.ingest.accept(desk.photo)
    clip = desk.render()
    assert write_back_link(clip, desk.folder / "backups", quiet_s=0) == [sidecar]
    desk.late.note(sidecar)
    desk.wait(60)
    assert desk.waiting() == []
    assert desk.late._catalog.words_still_for(0) == []


def test_other_changes_of_a_sidecar_make_nothing_again(desk: Desk) -> None:
    sidecar = desk.write(description="first words")
    desk.ingest.accept(desk.photo)
    desk.render()
    photometa.write_sidecar(sidecar, {"xmp:Rating": "5", "photoshop:City": "Bergen"})
    desk.late.note(sidecar)
    desk.wait(60)
    assert desk.waiting() == []


def test_names_of_persons_among_the_keywords_are_no_new_words(desk: Desk) -> None:
    sidecar = desk.write(description="Lunch", subject=["Anna", "garden"])
    photometa.write_sidecar(sidecar, {"Iptc4xmpExt:PersonInImage": Bag(["Anna"])})
    desk.ingest.accept(desk.photo)
    desk.render()
    photometa.write_sidecar(sidecar, {"xmp:Rating": "4"})
    desk.late.note(sidecar)
    desk.wait(61)
    assert desk.waiting() == []


def test_a_photo_that_is_exported_again_may_be_made_again_once_more(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    desk.render()
    desk.say(description="A lighthouse")
    desk.wait(60)
    desk.render()
    make_photo_file(desk.photo, seed=5)
    desk.ingest.accept(desk.photo)
    desk.render()
    desk.say(description="Another word")
    desk.wait(60)
    assert len(desk.waiting()) == 1


# -- afterframe.toml -------------------------------------------------------------------------


def test_settings_that_come_later_hold_for_queued_renders(desk: Desk) -> None:
    deep = desk.folder / "2026" / "11"
    deep.mkdir(parents=True)
    other = make_photo_file(deep / "b.jpg", seed=2)
    desk.ingest.accept(desk.photo)
    desk.ingest.accept(other)
    file = desk.folder / "2026" / "afterframe.toml"
    file.write_text("motion_intensity = 0.1\nseed = 5")
    desk.late.note(file)
    desk.late.step()
    recipes = {Path(job.photo_path).name: job.recipe for job in desk.queue.page()[0]}
    assert (recipes["b.jpg"].motion_intensity, recipes["b.jpg"].seed) == (0.1, 5)
    assert recipes["DSC_0042.jpg"].motion_intensity != 0.1
    file.unlink()
    desk.late.note(file)
    desk.late.step()
    assert desk.queue.page()[0][0].recipe.motion_intensity != 0.1


def test_a_waiting_render_is_found_by_the_prompt_that_it_has_now(desk: Desk, database: Database) -> None:
    desk.ingest.accept(desk.photo)
    settings = desk.folder / "afterframe.toml"
    settings.write_text('prompt = "A lighthouse in a storm"')
    desk.late.note(settings)
    desk.late.step()
    renders = RenderListing(database, desk.queue)
    assert [len(renders.page(ListFilter(text=word), "made")[0]) for word in ("lighthouse", "iguana")] == [1, 0]


def test_settings_that_cannot_be_read_leave_queued_renders_as_they_are(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    recipe = desk.job().recipe
    for text in ("motion_intensity = ", "motion_intensity = 7", "[[["):
        (desk.folder / "afterframe.toml").write_text(text)
        desk.late.note(desk.folder / "afterframe.toml")
        assert not desk.late.step()
        assert desk.job().recipe == recipe


def test_settings_make_no_clip_again(desk: Desk) -> None:
    desk.ingest.accept(desk.photo)
    desk.render()
    (desk.folder / "afterframe.toml").write_text("motion_intensity = 0.1")
    desk.late.note(desk.folder / "afterframe.toml")
    desk.wait(60)
    assert desk.waiting() == []


def test_many_queued_renders_are_composed_again_in_steps(desk: Desk) -> None:
    for number in range(12):
        desk.ingest.accept(make_photo_file(desk.folder / f"{number}.jpg", seed=number))
    (desk.folder / "afterframe.toml").write_text("motion_intensity = 0.1")
    desk.late.note(desk.folder / "afterframe.toml")
    assert desk.late.step()
    assert not desk.late.step()
    assert {job.recipe.motion_intensity for job in desk.queue.page()[0]} == {0.1}


# -- noticed by the watch --------------------------------------------------------------------


class Notes:
    """What a watcher tells of sidecars and settings."""

    def __init__(self, hand: Hand) -> None:
        self.told: list[str] = []
        handlers = Handlers(photo=hand.taker, temporary=hand.strays.append, clip=lambda path: True, note=self.note)
        hand.watcher._handlers = handlers
        self.hand = hand

    def note(self, path: Path) -> bool:
        self.told.append(path.name)
        return True

    def turn(self, forward: float = 0.0) -> list[str]:
        before = len(self.told)
        self.hand.turn(forward)
        return self.told[before:]


@pytest.fixture
def notes(catalog: Catalog, folders: FolderList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notes:
    monkeypatch.setattr(watcher, "Observer", NoEvents)
    catalog._clock = time.time
    return Notes(Hand(catalog, folders, tmp_path))


def test_a_sidecar_is_noticed_by_its_event_once_it_has_settled(notes: Notes) -> None:
    notes.hand.export("a.jpg", age_s=50)
    notes.turn()
    path = notes.hand.export("a.xmp")
    notes.hand.watcher._hints.put((path, "changed"))
    assert notes.turn() == []
    assert notes.turn(2) == ["a.xmp"]
    assert notes.turn(301) == []


def test_a_sidecar_is_noticed_by_a_scan(notes: Notes) -> None:
    notes.hand.export("a.jpg", age_s=50)
    notes.turn()
    notes.hand.export("a.jpg.xmp", age_s=5)
    assert notes.turn(301) == ["a.jpg.xmp"]
    assert notes.turn(301) == []
    notes.hand.export("a.jpg.xmp", b"other", age_s=5)
    assert notes.turn(301) == ["a.jpg.xmp"]


def test_one_that_was_read_with_its_photo_is_not_read_again_at_the_next_start(
    notes: Notes, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog._clock = lambda: time.time() + 3600
    notes.hand.export("a.jpg", age_s=50)
    notes.turn()
    notes.hand.export("a.xmp", age_s=5)
    assert notes.turn(301) == []


def test_settings_are_noticed_when_they_come_change_and_go(notes: Notes) -> None:
    notes.turn()
    path = notes.hand.export("afterframe.toml", age_s=5)
    assert notes.turn(301) == ["afterframe.toml"]
    notes.hand.export("afterframe.toml", b"other", age_s=5)
    notes.hand.watcher._hints.put((path, "renamed"))
    assert notes.turn() == ["afterframe.toml"]
    path.unlink()
    notes.hand.watcher._hints.put((path, "deleted"))
    assert notes.turn() == ["afterframe.toml"]


def test_clip_sidecars_and_those_in_foreign_folders_are_no_notes(notes: Notes) -> None:
    notes.turn()
    for name in ("a_motion.mp4.xmp", "@eaDir/a.xmp", "._a.xmp", "a.txt"):
        notes.hand.watcher._hints.put((notes.hand.export(name, age_s=50), "renamed"))
    assert notes.turn(301) == []
