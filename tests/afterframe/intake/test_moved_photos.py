"""What follows a photo that was renamed: its clips' sidecars and, if so set, their names, whatever comes between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from afterframe.config import Config, FilesConfig
from afterframe.domain import Clip
from afterframe.intake.ingest import Ingest
from afterframe.publish import adoption
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
    shelf.started().follow_moved()
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
    shelf.started().follow_moved()
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
