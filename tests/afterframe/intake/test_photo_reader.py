from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import photometa
from afterframe.config import LimitsConfig
from afterframe.errors import PhotoError, Stopping
from afterframe.imaging.framing import frame
from afterframe.intake import photo_reader
from afterframe.intake.photo_reader import PhotoReader, read_photo
from afterframe.scene import Detection
from afterframe.system.hashing import sha256_of
from afterframe.system.process_pool import CallKilled
from factories import make_photo_file
from photometa import Bag, Struct
from photometa.xmp.packets import packet


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return make_photo_file(tmp_path / "a.jpg", (1600, 1200))


def test_a_reading_has_all_that_ingest_needs(photo: Path) -> None:
    found = read_photo(photo, megapixels=200)
    assert found.sha256 == sha256_of(photo)
    assert found.size == photo.stat().st_size
    assert found.upright_size == (1600, 1200)
    assert found.facts.width == 1600
    assert found.scene.measures


def test_a_marked_face_is_in_the_scene_and_the_crop_keeps_it(tmp_path: Path) -> None:
    area = Struct({"stArea:x": "0.5", "stArea:y": "0.1", "stArea:w": "0.1", "stArea:h": "0.08"})
    face = Struct({"mwg-rs:Area": area, "mwg-rs:Type": "Face", "mwg-rs:Name": "Anna"})
    xmp = packet({"mwg-rs:Regions": Struct({"mwg-rs:RegionList": Bag([face])})})
    path = tmp_path / "tall.jpg"
    Image.new("RGB", (600, 1200), (90, 120, 150)).save(path, xmp=xmp)
    found = read_photo(path, megapixels=200)
    assert found.facts.persons == ("Anna",)
    assert found.scene.faces == (Detection(0.45, 0.06, 0.1, 0.08),)
    prepared = frame(np.zeros((1200, 600, 3), np.uint8), found.scene, (320, 180), 0.02)
    assert len(prepared.scene.faces) == 1


def test_a_picture_with_broken_metadata_is_still_read(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> photometa.Facts:
        raise RecursionError("too deep")

    monkeypatch.setattr(photo_reader.photometa, "read", broken)
    found = read_photo(photo, megapixels=200)
    assert found.facts == photometa.Facts()
    assert "RecursionError" in str(found.metadata_problem)


def test_a_photo_that_changes_while_it_is_read_is_not_trusted(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def growing(path: Path) -> str:
        os.utime(path, (1, 1))
        return "0" * 64

    monkeypatch.setattr(photo_reader, "sha256_of", growing)
    with pytest.raises(PhotoError) as caught:
        read_photo(photo, megapixels=200)
    assert caught.value.error_code == "changing"


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


@lru_cache
def squeezed_zeros() -> bytes:
    """Two gigabytes of zeros in some megabytes: more than the reader may have."""
    squeeze = zlib.compressobj(1)
    block = bytes(1 << 24)
    return b"".join(squeeze.compress(block) for _ in range(128)) + squeeze.flush()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zTXt", "iTXt", "iCCP", "IDAT"])
def test_a_bomb_in_a_png_stays_within_the_memory_of_its_reader(tmp_path: Path, name: str) -> None:
    zeros = squeezed_zeros()
    bodies = {
        "zTXt": b"Comment\0\0" + zeros,
        "iTXt": b"XML:com.adobe.xmp\0\1\0\0\0" + zeros,
        "iCCP": b"profile\0\0" + zeros,
        "IDAT": zeros,
    }
    photo = make_photo_file(tmp_path / "bomb.png")
    whole = photo.read_bytes()
    photo.write_bytes(whole[:33] + chunk(name.encode(), bodies[name]) + whole[33:])
    with closing(PhotoReader(LimitsConfig(memory_mb=1500))) as reader:
        with suppress(PhotoError):
            assert reader.read(photo).upright_size == (192, 128)
        assert reader.read(make_photo_file(tmp_path / "good.png")).upright_size == (192, 128)


class FakePool:
    """Stalls as often as it is told, then reads in this process."""

    def __init__(self, stalls: int) -> None:
        self.stalls = stalls

    def call(self, *args: object) -> object:
        if self.stalls:
            self.stalls -= 1
            raise CallKilled("it took longer than 10 seconds")
        return read_photo(*args)  # type: ignore[arg-type]

    def close(self) -> None: ...


@pytest.fixture
def reader() -> Iterator[PhotoReader]:
    reader = PhotoReader(LimitsConfig())
    yield reader
    reader.close()


def test_metadata_that_stalls_is_left_out(photo: Path, reader: PhotoReader) -> None:
    reader._pool = FakePool(stalls=1)  # type: ignore[assignment]
    found = reader.read(photo)
    assert found.facts == photometa.Facts()
    assert found.metadata_problem


def test_a_picture_that_stalls_is_refused(photo: Path, reader: PhotoReader) -> None:
    reader._pool = FakePool(stalls=2)  # type: ignore[assignment]
    with pytest.raises(PhotoError) as caught:
        reader.read(photo)
    assert caught.value.error_code == "stalls_reader"
    assert "a.jpg" in caught.value.message


def test_a_reader_that_was_closed_says_so_and_not_that_the_photo_is_damaged(photo: Path, reader: PhotoReader) -> None:
    reader.close()
    with pytest.raises(Stopping):
        reader.read(photo)
    with pytest.raises(Stopping):
        reader.facts(photo)


@pytest.mark.slow
def test_reading_in_another_process_gives_the_same(photo: Path, reader: PhotoReader) -> None:
    assert reader.read(photo) == read_photo(photo, megapixels=200.0)
    assert reader.facts(photo) == photometa.read(photo)


@pytest.mark.slow
def test_errors_of_the_other_process_keep_their_remedy(tmp_path: Path, reader: PhotoReader) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(PhotoError) as caught:
        reader.read(tmp_path / "a.jpg")
    assert (caught.value.error_code, bool(caught.value.hint)) == ("empty", True)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "ICO", "text"])
def test_what_is_no_photo_is_none_for_picture_and_metadata_alike(
    tmp_path: Path, reader: PhotoReader, kind: str
) -> None:
    path = tmp_path / "a.jpg"
    if kind == "text":
        path.write_text("dear diary")
    else:
        Image.new("RGB", (128, 96), "red").save(path, kind)
    with pytest.raises(PhotoError) as facts:
        reader.facts(path)
    with pytest.raises(PhotoError) as picture:
        reader.read(path)
    assert facts.value.error_code == picture.value.error_code == "not_a_photo"
