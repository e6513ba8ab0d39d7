"""What follows a photo that was renamed: its clips' sidecars and, if so set, their names, whatever comes between."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from afterframe.config import Config, FilesConfig
from afterframe.domain import Clip, JobState
from afterframe.errors import PublishError
from afterframe.intake.ingest import Ingest
from afterframe.publish import adoption
from afterframe.publish.photo_hashes import PhotoHashes, photo_hashes
from afterframe.publish.sidecar import MadeBy, read_clip, sidecar_properties
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of
from factories import make_clip, make_photo_file, make_settings
from fakes import FakeReader, open_files
from photometa.xmp.packets import packet

RENAMING = Config(files=FilesConfig(rename_clips=True))


class Shelf:
    """A photo with its clip, both known."""

    def __init__(self, database: Database, folder: Path, config: Config) -> None:
        self.database, self.folder = database, folder
        self.catalog, self.queue = Catalog(database), Queue(database)
        self.config = config
        self.ingest = self.started()
        self.photo = make_photo_file(folder / "old.jpg")
        self.ingest.accept(self.photo)
        photo = self.catalog.photo_at(self.photo)
        assert photo
        (folder / "old_motion.mp4").write_bytes(b"a clip")
        self.clip = make_clip(photo, sha256=sha256_of(folder / "old_motion.mp4"))
        properties = sidecar_properties(self.clip, MadeBy("parallax", "1", trained=False), {}, 4)
        Path(self.clip.sidecar_path).write_bytes(packet(properties))
        self.catalog.put_clip(self.clip)
        (job,), _ = self.queue.page()
        self.queue.finish(job.id, self.clip.id)

    def started(self) -> Ingest:
        """As after a start."""
        settings = make_settings(self.config)
        return Ingest(self.database, self.catalog, self.queue, settings, FakeReader().read, open_files())

    def rename(self) -> Path:
        return self.photo.rename(self.folder / "new.jpg")

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.is_file() and path.suffix != ".db")

    def kept(self) -> Clip:
        return self.catalog.clip(self.clip.id)


@pytest.fixture
def shelf(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Shelf:
    folder = tmp_path / "photos"
    folder.mkdir()
    return Shelf(database, folder, getattr(request, "param", Config()))


def test_no_file_is_changed_while_the_state_file_is_locked(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[bool] = []
    write = adoption.write_photo_link

    def note(clip: Clip, backups: Path) -> None:
        locked.append(shelf.database.connection.in_transaction)
        write(clip, backups)

    monkeypatch.setattr(adoption, "write_photo_link", note)
    shelf.ingest.accept(shelf.rename())
    assert locked == [False]
    read = read_clip(Path(shelf.clip.sidecar_path))
    assert read
    assert read.photo_path == str(shelf.folder / "new.jpg")


def test_a_sidecar_that_a_crash_left_behind_follows_at_the_next_start(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(adoption, "write_photo_link", crash)
        with pytest.raises(KeyboardInterrupt):
            shelf.ingest.accept(shelf.rename())
    shelf.started().adoption.follow_moved()
    read = read_clip(Path(shelf.clip.sidecar_path))
    assert read
    assert read.photo_path == str(shelf.folder / "new.jpg")
    assert shelf.catalog.moved_photos() == []


@pytest.mark.parametrize("shelf", [RENAMING], indirect=True)
@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("scanned", [False, True])
def test_a_rename_that_a_crash_interrupted_is_finished(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, steps: int, scanned: bool
) -> None:
    new = shelf.rename()
    with monkeypatch.context() as patch:
        patch.setattr(adoption, "move_to_free_name", crash_after(steps, adoption.move_to_free_name))
        if steps == 2:
            patch.setattr(Catalog, "put_clip", crash)
        with pytest.raises(KeyboardInterrupt):
            shelf.ingest.accept(new)
    if scanned and steps:
        shelf.catalog.mark_absent(shelf.clip.id)
    shelf.started().adoption.follow_moved()
    assert shelf.files() == ["new.jpg", "new_motion.mp4", "new_motion.mp4.xmp"]
    clip = shelf.kept()
    assert (clip.path, clip.present) == (str(shelf.folder / "new_motion.mp4"), True)
    read = read_clip(Path(clip.sidecar_path))
    assert read
    assert (read.id, read.photo_path) == (shelf.clip.id, str(new))


@pytest.mark.parametrize("shelf", [RENAMING], indirect=True)
def test_a_clip_that_was_deleted_takes_nobody_elses_file(shelf: Shelf) -> None:
    Path(shelf.clip.path).unlink()
    shelf.catalog.mark_absent(shelf.clip.id)
    (shelf.folder / "new_motion.mp4").write_bytes(b"a stranger's")
    shelf.ingest.accept(shelf.rename())
    assert "old_motion.mp4.xmp" in shelf.files()
    assert not shelf.kept().present


def crash(*given: object) -> None:
    raise KeyboardInterrupt


def crash_after(count: int, move: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
    left = [count]

    def step(source: Path, target: Path) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        move(source, target)

    return step


def test_a_renamed_photos_clip_is_found_after_the_state_file_was_lost(shelf: Shelf, tmp_path: Path) -> None:
    new = shelf.rename()
    shelf.ingest.accept(new)
    assert shelf.files() == ["new.jpg", "old_motion.mp4", "old_motion.mp4.xmp"]
    assert_found(shelf, new, tmp_path)


def test_also_when_it_was_renamed_while_nobody_watched(shelf: Shelf, tmp_path: Path) -> None:
    assert_found(shelf, shelf.rename(), tmp_path)


def test_also_when_another_program_wrote_the_sidecar_anew(shelf: Shelf, tmp_path: Path) -> None:
    sidecar = Path(shelf.clip.sidecar_path)
    written = sidecar.read_text("utf-8")
    attribute = f'afterframe:photoSHA256="{shelf.clip.photo_sha256}"'
    element = f"<afterframe:photoSHA256>{shelf.clip.photo_sha256}</afterframe:photoSHA256>"
    either = attribute if element in written else element
    assert photo_hashes([sidecar]) == {sidecar: shelf.clip.photo_sha256}
    sidecar.write_text(f"<x {either if either == attribute else ''}>{either}</x>", "utf-8")
    assert photo_hashes([sidecar]) == {sidecar: shelf.clip.photo_sha256}


def assert_found(shelf: Shelf, photo: Path, tmp_path: Path) -> None:
    with closing(Database(tmp_path / "new.db")) as database:
        queue, catalog = Queue(database), Catalog(database)
        ingest = Ingest(database, catalog, queue, make_settings(), FakeReader().read, open_files())
        assert ingest.accept(photo)
        assert queue.page()[0] == []
        assert catalog.clip(shelf.clip.id).path == shelf.clip.path


def test_a_copy_while_the_original_stands_does_not_take_its_clip(shelf: Shelf, tmp_path: Path) -> None:
    copy = shelf.folder / "copy.jpg"
    copy.write_bytes(shelf.photo.read_bytes())
    with closing(Database(tmp_path / "new.db")) as database:
        queue, catalog = Queue(database), Catalog(database)
        ingest = Ingest(database, catalog, queue, make_settings(), FakeReader().read, open_files())
        ingest.accept(copy)
        assert [job.photo_path for job in queue.page()[0]] == [str(copy)]


def test_each_sidecar_is_read_once_while_it_stays_as_it_is(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.mp4.xmp").write_text(f'photoSHA256="{number:064x}"')
    asked: list[str] = []

    def read(sidecars: list[Path]) -> dict[Path, str]:
        asked.extend(path.name for path in sidecars)
        return photo_hashes(sidecars)

    hashes = PhotoHashes(read)
    known = {str(tmp_path / "2.mp4")}
    assert hashes.sidecars_of(tmp_path, f"{1:064x}", known) == [tmp_path / "1.mp4.xmp"]
    assert hashes.sidecars_of(tmp_path, f"{0:064x}", known) == [tmp_path / "0.mp4.xmp"]
    assert sorted(asked) == ["0.mp4.xmp", "1.mp4.xmp"]
    (tmp_path / "0.mp4.xmp").write_text(f' photoSHA256="{7:064x}"')
    assert hashes.sidecars_of(tmp_path, f"{7:064x}", known) == [tmp_path / "0.mp4.xmp"]
    assert hashes.sidecars_of(tmp_path / "gone", f"{7:064x}", ()) == []


def test_a_pipe_or_a_text_without_a_hash_is_no_sidecar_of_ours(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4.xmp")
    (tmp_path / "b.mp4.xmp").write_text("photoSHA256=nothing")
    assert set(photo_hashes(sorted(tmp_path.iterdir())).values()) == {""}


@pytest.mark.parametrize("code", ["disk_too_small", "missing", "name_too_long"])
def test_what_failed_because_of_where_the_photo_was_is_rendered_where_it_is_now(
    database: Database, tmp_path: Path, code: str
) -> None:
    shelf = Shelf(database, tmp_path, Config())
    photo = make_photo_file(tmp_path / "b.jpg", seed=7)
    shelf.ingest.accept(photo)
    job = shelf.queue.claim("worker")
    assert job
    shelf.queue.fail(job.id, "worker", PublishError("b.jpg: it cannot lie there.", "Move it.", code=code))
    (tmp_path / "larger").mkdir()
    shelf.ingest.accept(photo.rename(tmp_path / "larger" / "b.jpg"))
    assert shelf.queue.get(job.id).state is JobState.QUEUED
