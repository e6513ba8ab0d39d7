"""Strange and broken files: each with its own clear error, nothing lost, and the others animated."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import pytest
from faults_photos import (
    Make,
    animation,
    bomb,
    burst,
    cmyk_profile,
    cut,
    endless_exif,
    endless_scans,
    floating,
    huge_jpeg,
    looping_exif,
    mode,
    mutated_exif,
    picture,
    sixteen_bits,
)
from faults_processes import Afterframe, clips_in, frames_of, hashes, hidden_in, until

from afterframe.errors import PhotoError
from afterframe.imaging.decode import decode
from factories import make_photo_file

pytestmark = pytest.mark.slow


def text(words: str) -> Make:
    return lambda path: path.write_text(words)


GOOD: dict[str, Make] = {
    "plain.jpg": picture(),
    "progressive.jpg": picture(progressive=True),
    "cmyk.jpg": mode("CMYK"),
    "cmyk-profile.jpg": mode("CMYK", icc_profile=cmyk_profile()),
    "cmyk.tif": mode("CMYK"),
    "grey.jpg": mode("L"),
    "grey16.png": sixteen_bits(1),
    "grey16.tif": sixteen_bits(1),
    "rgb16.png": sixteen_bits(3),
    "rgb16.tif": sixteen_bits(3),
    "alpha.png": mode("RGBA"),
    "grey-alpha.png": mode("LA"),
    "palette.png": mode("P"),
    "see-through-palette.png": mode("P", transparency=3),
    "black-white.png": mode("1"),
    "lab.tif": mode("LAB"),
    "still.webp": picture(),
    "still.avif": picture(),
    "burst.jpg": burst,
    "broken-profile.jpg": picture(icc_profile=b"not a profile"),
    "looping-exif.jpg": looping_exif,
    "endless-exif.jpg": endless_exif,
    "percent %d %03d.jpg": picture(),
    "with space.jpg": picture(),
    "quo'te\"s.jpg": picture(),
    "emoji 📷 é e\u0301.jpg": picture(),
    "new\nline.jpg": picture(),
    "-dash.jpg": picture(),
    "a:b;c&d|e$(f)`g`.jpg": picture(),
    "[brackets]*?.jpg": picture(),
    "back\\slash.jpg": picture(),
    "UPPER.JPG": picture(),
    "two.dots.jpg": picture(),
    f"{'long' * 52}.jpg": picture(),
}

BAD: dict[str, tuple[Make, str]] = {
    "empty.jpg": (lambda path: path.touch(), "empty"),
    "a-few-bytes.jpg": (lambda path: path.write_bytes(b"\xff\xd8\xff"), "truncated"),
    "no-end-marker.jpg": (lambda path: path.write_bytes(make_photo_file(path).read_bytes()[:-2]), "truncated"),
    "cut-in-header.jpg": (cut(0.1), "truncated"),
    "cut-in-half.jpg": (cut(0.5), "truncated"),
    "cut-at-end.jpg": (cut(0.95), "truncated"),
    "cut-progressive.jpg": (cut(0.5, progressive=True), "truncated"),
    "cut.png": (cut(0.6), "truncated"),
    "cut.tif": (cut(0.4), "truncated"),
    "cut.webp": (cut(0.6), "truncated"),
    "cut.avif": (cut(0.6), "truncated"),
    "text.jpg": (text("Dear diary, this is no photo.\n" * 50), "not_a_photo"),
    "page.png": (text("<html><body>404 Not Found</body></html>"), "not_a_photo"),
    "drawing.jpg": (text('<svg xmlns="http://www.w3.org/2000/svg"/>'), "not_a_photo"),
    "pixel.png": (picture(size=(1, 1)), "too_small"),
    "thin.jpg": (picture(size=(2000, 10)), "too_small"),
    "bomb.png": (bomb(20_000, 20_000), "too_large"),
    "bomb.jpg": (huge_jpeg, "too_large"),
    "moving.webp": (animation, "animated"),
    "moving.png": (animation, "animated"),
    "float.tif": (floating, "unsupported"),
    f"{'x' * 246}.jpg": (picture(), "name_too_long"),
}


def make_table(folder: Path) -> None:
    for name, make in GOOD.items():
        make(folder / name)
    for name, (make, _) in BAD.items():
        make(folder / name)


def own_clip_name(photo: str, taken: set[str]) -> str:
    stem, _, suffix = photo.rpartition(".")
    plain = f"{stem}_motion.mp4"
    return f"{stem}_{suffix}_motion.mp4" if plain in taken else plain


def test_every_bad_file_gets_its_own_error_and_the_rest_of_the_batch_goes_on(
    afterframe: Afterframe, folder: Path
) -> None:
    make_table(folder)
    originals = hashes(folder)
    given = [*BAD, *GOOD, "not-there.jpg"]
    results = afterframe.animate(*given, cwd=folder)

    assert [result["photo"] for result in results] == given
    errors = {result["photo"]: result["error"] for result in results if result["state"] != "done"}
    expected = {name: code for name, (_, code) in BAD.items()} | {"not-there.jpg": "missing"}
    assert {name: error["code"] for name, error in errors.items()} == expected
    for name, error in errors.items():
        assert name in error["message"], error
        assert error["hint"], error
        assert "Error" not in error["message"], error

    done = [clip["path"] for result in results if result["state"] == "done" for clip in result["clips"]]
    assert sorted(done) == sorted(str(folder / clip) for clip in clips_in(folder))
    assert len(set(done)) == len(GOOD)
    for clip in done:
        assert len(frames_of(clip)) == 4
    assert hashes(folder) == originals
    assert hidden_in(folder) == []


ODD_NAMES = ["A|B.jpg", "[f=mp4]x.jpg", "concat:a.jpg", "%03d.jpg", "\u202egpj.exe.jpg", "twin.jpg", "twin.png"]
if sys.platform == "linux":  # other file systems take these for the same name
    ODD_NAMES += ["twin.JPG", "K\u00e4the.jpg", "Ka\u0308the.jpg"]


def test_names_that_mean_something_to_ffmpeg_and_names_that_look_alike_get_clips_of_their_own(
    afterframe: Afterframe, folder: Path
) -> None:
    for seed, name in enumerate(ODD_NAMES):
        make_photo_file(folder / name, seed=seed)
    originals = hashes(folder)
    results = afterframe.animate(*ODD_NAMES, cwd=folder)
    assert {result["state"] for result in results} == {"done"}
    clips = [clip["path"] for result in results for clip in result["clips"]]
    assert len(set(clips)) == len(clips_in(folder)) == len(ODD_NAMES)
    assert [len(frames_of(clip)) for clip in clips] == [4] * len(ODD_NAMES)
    assert hashes(folder) == originals


def test_the_watcher_treats_every_bad_file_as_the_command_does(afterframe: Afterframe, folder: Path) -> None:
    make_table(folder)
    originals = hashes(folder)
    afterframe.serve(folder)
    expected = {str(folder / name): code for name, (_, code) in BAD.items()}
    until(lambda: len(afterframe.problems()) == len(expected), "the bad ones to be refused")
    until(afterframe.idle, "the good ones to be animated")
    assert afterframe.problems() == expected
    assert afterframe.states() == {"done": len(GOOD)}
    assert len(clips_in(folder)) == len(GOOD)
    assert hashes(folder) == originals
    assert hidden_in(folder) == []


def test_a_name_that_is_no_unicode_is_refused_and_stops_nothing(afterframe: Afterframe, folder: Path) -> None:
    odd = os.fsencode(folder) + b"/caf\xe9.jpg"
    make_photo_file(folder / "first.jpg").rename(os.fsdecode(odd))
    make_photo_file(folder / "second.jpg")
    results = afterframe.animate(odd, folder / "second.jpg")
    assert [result["state"] for result in results] == ["refused", "done"]
    assert results[0]["error"]["code"] == "bad_name"
    assert "caf?.jpg" in results[0]["error"]["message"]
    assert results[0]["error"]["hint"] == "Rename the file."

    make_photo_file(folder / "third.jpg", seed=3)
    afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": 2}, "the third to be animated")
    until(lambda: "bad_name" in afterframe.problems().values(), "the name to be reported")
    assert clips_in(folder) == ["second_motion.mp4", "third_motion.mp4"]


def test_a_picture_that_stalls_the_decoder_is_given_up_and_stops_nothing(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(limits={"read_s": 3})
    endless_scans(folder / "endless.jpg")
    make_photo_file(folder / "good.jpg")
    results = afterframe.animate(folder / "endless.jpg", folder / "good.jpg")
    assert [result["state"] for result in results] == ["refused", "done"]
    assert results[0]["error"]["code"] == "stalls_reader"
    assert "endless.jpg" in results[0]["error"]["message"]
    assert results[0]["error"]["hint"]


def test_a_picture_that_needs_too_much_memory_is_refused_and_stops_nothing(
    afterframe: Afterframe, folder: Path
) -> None:
    afterframe.settings(limits={"memory_mb": 1500})
    bomb(14_000, 14_000)(folder / "large.png")
    make_photo_file(folder / "good.jpg")
    results = afterframe.animate(folder / "large.png", folder / "good.jpg")
    assert [result["state"] for result in results] == ["refused", "done"]
    assert results[0]["error"]["code"] == "too_large"
    assert "large.png" in results[0]["error"]["message"]


def test_a_folder_named_like_a_photo_is_a_folder(afterframe: Afterframe, folder: Path) -> None:
    inner = folder / "2024.jpg"
    inner.mkdir()
    make_photo_file(inner / "DSC_0001.jpg")
    (result,) = afterframe.animate(folder)
    assert (result["photo"], result["state"]) == (str(inner / "DSC_0001.jpg"), "done")


def test_no_damage_to_exif_keeps_a_whole_picture_from_being_decoded(folder: Path) -> None:
    for seed in range(300):
        photo = folder / f"{seed}.jpg"
        mutated_exif(seed)(photo)
        pixels, _ = decode(photo)
        assert sorted(pixels.shape) == [3, 128, 192], seed


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif"])
def test_no_damage_to_a_picture_raises_anything_but_a_photo_error(folder: Path, suffix: str) -> None:
    whole = make_photo_file(folder / f"whole.{suffix}").read_bytes()
    photo = folder / f"damaged.{suffix}"
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        photo.write_bytes(whole[:place] + bytes((whole[place] ^ 0xFF,)) + whole[place + 1 :])
        for damaged in (photo.read_bytes(), whole[:place]):
            photo.write_bytes(damaged)
            with contextlib.suppress(PhotoError):
                decode(photo, at_least=(64, 64))
