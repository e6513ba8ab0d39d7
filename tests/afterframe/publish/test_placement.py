from __future__ import annotations

import errno
import os
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from afterframe.errors import PublishError
from afterframe.naming import sidecar_of, temporary_for
from afterframe.publish import folder_check
from afterframe.publish import placement as module
from afterframe.publish.folder_check import FREE_BYTES, check_folder, room_for
from afterframe.publish.placement import Publication, place, write_hidden_sidecar
from afterframe.system.hashing import sha256_of
from factories import make_recipe
from photometa.rename import move_to_free_name

JOB = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "DSC_0042.jpg"
    path.write_bytes(b"photo")
    return path


def prepared(photo: Path, body: bytes = b"a clip", **changes: Any) -> Publication:
    """A finished temporary clip and the intent to publish it."""
    temporary = temporary_for(photo.parent, JOB)
    temporary.write_bytes(body)
    clip = photo.with_name("DSC_0042_motion.mp4")
    values: dict[str, Any] = {
        "temporary": str(temporary),
        "clip": str(clip),
        "clip_sha256": sha256_of(temporary),
        "sidecar": str(sidecar_of(clip)),
        "packet": "<packet/>",
        "replaces_sha256": None,
        "poster_temporary": None,
        "poster": None,
        "record": {},
    }
    publication = Publication(**{**values, **changes})
    write_hidden_sidecar(temporary, publication.packet.encode())
    return publication


def replacement(photo: Path) -> Publication:
    """The intent to publish in the place of the clip and the sidecar that stand there."""
    old = photo.with_name("DSC_0042_motion.mp4")
    return prepared(photo, replaces_sha256=sha256_of(old), replaces_sidecar_sha256=sha256_of(sidecar_of(old)))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_clip_and_sidecar_land_and_nothing_else_stays(photo: Path) -> None:
    place(prepared(photo))
    assert files(photo.parent) == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}
    assert photo.with_name("DSC_0042_motion.mp4.xmp").read_text() == "<packet/>"


def test_placing_again_changes_nothing(photo: Path) -> None:
    publication = prepared(photo)
    place(publication)
    place(publication)
    assert len(files(photo.parent)) == 3


@pytest.mark.parametrize("step", ["_place_clip", "_place_sidecar", "sync_folder"])
def test_a_crash_before_or_after_any_step_is_rolled_forward(
    photo: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication = prepared(photo)
    for when in ("before", "after"):
        with monkeypatch.context() as patch:
            patch.setattr(module, step, crashing(getattr(module, step), when))
            with pytest.raises(KeyboardInterrupt):
                place(publication)
    place(publication)
    assert files(photo.parent) == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}


def crashing(function: Any, when: str) -> Any:
    def run(*args: Any) -> None:
        if when == "after":
            function(*args)
        raise KeyboardInterrupt

    return run


def test_a_crash_between_link_and_unlink_is_rolled_forward(photo: Path) -> None:
    publication = prepared(photo)
    os.link(publication.temporary, publication.clip)
    place(publication)
    assert not Path(publication.temporary).exists()
    assert Path(publication.clip).read_bytes() == b"a clip"


def test_a_strangers_clip_is_never_overwritten(photo: Path) -> None:
    publication = prepared(photo)
    Path(publication.clip).write_text("not ours")
    with pytest.raises(PublishError) as caught:
        place(publication)
    assert caught.value.error_code == "name_taken"
    assert Path(publication.clip).read_text() == "not ours"


def test_a_strangers_sidecar_is_never_overwritten_and_our_clip_goes_again(photo: Path) -> None:
    publication = prepared(photo)
    Path(publication.sidecar).write_text("not ours")
    with pytest.raises(PublishError):
        place(publication)
    assert Path(publication.sidecar).read_text() == "not ours"
    assert not Path(publication.clip).exists()


def test_our_own_outdated_clip_is_replaced(photo: Path) -> None:
    old = photo.with_name("DSC_0042_motion.mp4")
    old.write_bytes(b"old clip")
    sidecar_of(old).write_text("old packet")
    place(replacement(photo))
    assert old.read_bytes() == b"a clip"
    assert sidecar_of(old).read_text() == "<packet/>"


def test_an_outdated_clip_that_somebody_changed_is_kept(photo: Path) -> None:
    old = photo.with_name("DSC_0042_motion.mp4")
    old.write_bytes(b"edited by hand")
    with pytest.raises(PublishError):
        place(prepared(photo, replaces_sha256="0" * 64))
    assert old.read_bytes() == b"edited by hand"


def test_a_lost_temporary_file_is_said_to_be_lost(photo: Path) -> None:
    publication = prepared(photo)
    Path(publication.temporary).unlink()
    with pytest.raises(PublishError) as caught:
        place(publication)
    assert caught.value.error_code == "lost"


def test_a_sidecar_that_cannot_be_placed_takes_the_clip_back(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publication = prepared(photo)

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_place_sidecar", full)
    with pytest.raises(PublishError) as caught:
        place(publication)
    assert caught.value.error_code == "disk_full"
    assert not Path(publication.clip).exists()


def test_a_file_system_without_hard_links_is_served_too(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*args: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    place(prepared(photo))
    assert photo.with_name("DSC_0042_motion.mp4").read_bytes() == b"a clip"
    other = photo.with_name("other")
    other.touch()
    with pytest.raises(FileExistsError):
        move_to_free_name(photo, other)


def test_a_poster_of_ours_is_replaced_and_a_strangers_picture_is_not(photo: Path) -> None:
    target = photo.with_name("DSC_0042_motion.jpg")
    for standing, expected in ((b"xx Afterframe poster", b"new"), (b"a stranger's", b"a stranger's")):
        target.write_bytes(standing)
        poster = temporary_for(photo.parent, JOB).with_suffix(".jpg")
        poster.write_bytes(b"new")
        photo.with_name("DSC_0042_motion.mp4").unlink(missing_ok=True)
        photo.with_name("DSC_0042_motion.mp4.xmp").unlink(missing_ok=True)
        place(prepared(photo, poster_temporary=str(poster), poster=str(target)))
        assert target.read_bytes() == expected
        assert not poster.exists()


def test_a_full_disk_is_noticed_before_any_work(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(folder_check.shutil, "disk_usage", lambda folder: usage(1 << 30, (1 << 30) - 1, 1))
    with pytest.raises(PublishError) as caught:
        check_folder(photo.parent)
    assert caught.value.error_code == "disk_full"


def test_room_for_the_clip_itself_is_asked_for_before_any_work(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = room_for(make_recipe(size=(4096, 4096), fps=60, duration_s=20.0))
    assert room_for(make_recipe()) == FREE_BYTES
    assert 1 << 30 < large < 2 << 30
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(folder_check.shutil, "disk_usage", lambda folder: usage(4 << 30, 3 << 30, large - 1))
    check_folder(photo.parent)
    with pytest.raises(PublishError, match="MB left, and a clip may need") as caught:
        check_folder(photo.parent, large)
    assert caught.value.error_code == "disk_full"
    monkeypatch.setattr(folder_check.shutil, "disk_usage", lambda folder: usage(large - 1, 0, large - 1))
    with pytest.raises(PublishError, match="in all; a clip may need") as caught:
        check_folder(photo.parent, large)
    assert caught.value.error_code == "disk_too_small"


def test_a_read_only_folder_is_noticed_before_any_work(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_check.os, "access", lambda folder, mode: False)
    with pytest.raises(PublishError) as caught:
        check_folder(photo.parent)
    assert caught.value.error_code == "read_only"
    assert str(photo.parent) in caught.value.message


def test_an_intent_survives_json(photo: Path) -> None:
    publication = prepared(photo)
    assert Publication.from_dict(publication.to_dict()) == publication


def test_a_drive_pulled_between_clip_and_sidecar_leaves_no_sidecar_in_its_place(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication = prepared(photo)

    def pulled(temporary: Path, *_: Any) -> None:
        for path in photo.parent.iterdir():
            path.unlink()

    monkeypatch.setattr(module, "_place_clip", pulled)
    with pytest.raises(PublishError) as caught:
        place(publication)
    assert caught.value.error_code == "lost"
    assert files(photo.parent) == set()
