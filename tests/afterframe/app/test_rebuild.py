from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from afterframe.app.rebuild import rebuild
from afterframe.domain import Clip, Photo, Stamp, Verdict
from afterframe.publish.adoption import Adoption
from afterframe.publish.sidecar import MadeBy, sidecar_properties, write_verdict
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.system.hashing import sha256_of
from factories import make_clip, make_photo_file, make_recipe
from fakes import FakeReader, open_files
from photometa.xmp.packets import packet


class Shelf:
    """A folder with a photo, its clip and the clip's sidecar, and an empty catalogue."""

    def __init__(self, folder: Path, database: Database, catalog: Catalog) -> None:
        self.folder, self.database, self.catalog = folder, database, catalog
        self.photo = make_photo_file(folder / "DSC_0042.jpg")
        self.clip_path = folder / "DSC_0042_motion.mp4"
        self.clip_path.write_bytes(b"a clip")
        photo = Photo(0, str(self.photo), sha256_of(self.photo), 1, 1, {})
        clip = make_clip(photo, self.clip_path, recipe=make_recipe(prompt="steam"), sha256=sha256_of(self.clip_path))
        self.clip = clip
        Path(clip.sidecar_path).write_bytes(packet(sidecar_properties(clip, MadeBy("parallax", "1", False), {}, 4)))

    def rebuild(self) -> list[Clip]:
        adoption = Adoption(self.catalog, self.folder / "backups")
        self.found = rebuild(self.folder, self.database, adoption, FakeReader().read, open_files().clip)
        photo = self.catalog.photo_at(self.photo)
        return self.catalog.clips_of(photo.id) if photo else []


@pytest.fixture
def shelf(tmp_path: Path, database: Database, catalog: Catalog) -> Shelf:
    folder = tmp_path / "photos"
    folder.mkdir()
    return Shelf(folder, database, catalog)


def test_a_clip_comes_back_as_it_was(shelf: Shelf) -> None:
    (clip,) = shelf.rebuild()
    assert clip == replace(shelf.clip, photo_id=clip.photo_id)


def test_doing_it_again_changes_nothing(shelf: Shelf) -> None:
    assert shelf.rebuild() == shelf.rebuild()


def test_a_verdict_and_a_rating_come_back(shelf: Shelf) -> None:
    write_verdict(shelf.clip, Verdict.APPROVED, 5, shelf.folder / "backups")
    (clip,) = shelf.rebuild()
    assert (clip.verdict, clip.rating) == (Verdict.APPROVED, 5)


def test_the_photo_is_not_animated_again(shelf: Shelf) -> None:
    shelf.rebuild()
    assert not shelf.catalog.mark_auto_animated(shelf.photo, sha256_of(shelf.photo))
    assert shelf.catalog.stamps(shelf.folder)[str(shelf.photo)] == Stamp.of(shelf.photo.stat())


def test_a_deleted_clip_whose_sidecar_was_left_stays_deleted(shelf: Shelf) -> None:
    shelf.clip_path.unlink()
    (clip,) = shelf.rebuild()
    assert not clip.present
    assert shelf.found.deleted == [shelf.clip_path]


def test_a_photo_exported_again_meanwhile_is_new_to_the_next_scan(shelf: Shelf) -> None:
    make_photo_file(shelf.photo, seed=4)
    shelf.rebuild()
    assert shelf.catalog.stamps(shelf.folder)[str(shelf.photo)] != Stamp.of(shelf.photo.stat())
    assert shelf.catalog.mark_auto_animated(shelf.photo, sha256_of(shelf.photo))


def test_a_clip_whose_photo_is_gone_is_kept(shelf: Shelf) -> None:
    shelf.photo.unlink()
    (clip,) = shelf.rebuild()
    assert clip.present


def test_damaged_and_foreign_sidecars_do_not_stop_it(shelf: Shelf) -> None:
    (shelf.folder / "A_motion.mp4.xmp").write_text("<broken")
    (shelf.folder / "B.mp4.xmp").write_bytes(packet({"dc:format": "video/mp4"}))
    assert len(shelf.rebuild()) == 1
    assert [path.name for path, _ in shelf.found.problems] == ["A_motion.mp4.xmp"]


@pytest.mark.parametrize("recipe", ["[" * 100_000, "[1]", "5", '{"size": [1e400, 2]}'])
def test_one_hostile_sidecar_is_one_line_and_the_others_come_back(shelf: Shelf, recipe: str) -> None:
    hostile = packet(
        {**sidecar_properties(shelf.clip, MadeBy("parallax", "1", False), {}, 4), "afterframe:recipe": recipe}
    )
    (shelf.folder / "A_motion.mp4.xmp").write_bytes(hostile)
    assert len(shelf.rebuild()) == 1
    ((path, error),) = shelf.found.problems
    assert path.name == "A_motion.mp4.xmp"
    assert error.message.startswith("A_motion.mp4.xmp is damaged")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of this kind are POSIX's")
def test_pipes_under_the_names_of_sidecar_and_clip_do_not_stop_it(shelf: Shelf) -> None:
    os.mkfifo(shelf.folder / "A_motion.mp4.xmp")
    shelf.clip_path.unlink()
    os.mkfifo(shelf.clip_path)
    (clip,) = shelf.rebuild()
    assert not clip.present
    assert [path.name for path, _ in shelf.found.problems] == ["A_motion.mp4.xmp"]
