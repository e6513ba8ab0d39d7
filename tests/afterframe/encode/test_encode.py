from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from afterframe.encode import encode as encoding
from afterframe.encode import verify as verifying
from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding, version
from afterframe.encode.remote_clip import decode_clip
from afterframe.encode.stills import as_video_frame, write_poster, write_sheet
from afterframe.encode.verify import Decoded, ParallelDecoder, count_frames, stream_hash, verify
from afterframe.errors import Cancelled, EncodeError, GenerateError
from afterframe.imaging.frames import EncodedClip, Frames, Pixels, Sound
from afterframe.naming import POSTER_MARK
from clip_frames import read_frames
from factories import make_frames, make_picture

FAST = Encoding(preset="ultrafast", crf=12)


def never() -> bool:
    return False


def ignore(share: float) -> None:
    pass


def write(frames: Frames, target: Path) -> Path:
    encode(frames, target, FAST, ignore, never)
    return target


def test_frames_come_back_as_many_and_nearly_as_they_were(tmp_path: Path) -> None:
    clip = write(make_frames(5), tmp_path / "a.mp4")
    frames = read_frames(clip, (96, 64))
    assert len(frames) == 5
    assert [round(float(frame.mean())) for frame in frames] == pytest.approx([0, 8, 16, 24, 32], abs=2)


@pytest.mark.parametrize("colour", [(200, 40, 40), (30, 180, 60), (20, 60, 220), (128, 128, 128)])
def test_colours_are_those_of_bt709(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    frame = np.full((64, 96, 3), colour, np.uint8)
    clip = write(Frames("rgb24", (96, 64), 8, 2, iter([frame, frame])), tmp_path / "a.mp4")
    shown = read_frames(clip, (96, 64))[0]
    assert np.abs(shown[32, 48].astype(int) - colour).max() <= 4


def test_the_file_says_bt709_and_plays_before_it_is_all_there(tmp_path: Path) -> None:
    data = write(make_frames(), tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert data[data.index(b"colrnclx") + 8 :][:6] == b"\0\1\0\1\0\1"


def test_planes_are_taken_as_they_are(tmp_path: Path) -> None:
    planes = np.full((96, 96), 128, np.uint8)
    planes[:64] = 126
    clip = write(Frames("yuv420p", (96, 64), 8, 2, iter([planes, planes])), tmp_path / "a.mp4")
    shown = read_frames(clip, (96, 64))[0]
    assert np.allclose(shown, 128, atol=2)


def test_names_that_look_like_options_or_protocols_are_names(tmp_path: Path) -> None:
    for name in ("-n.mp4", "http:x.mp4", "ünï 😀 'q' \"d\".mp4", "a\nb.mp4", "100%d.mp4"):
        clip = write(make_frames(), tmp_path / name)
        verify(clip, 4, FAST)


def test_progress_goes_up_to_one(tmp_path: Path) -> None:
    shares: list[float] = []
    encode(make_frames(4), tmp_path / "a.mp4", FAST, shares.append, never)
    assert shares == [0.25, 0.5, 0.75, 1.0]


def test_cancel_stops_within_a_frame(tmp_path: Path) -> None:
    seen: list[float] = []
    with pytest.raises(Cancelled):
        encode(make_frames(100), tmp_path / "a.mp4", FAST, seen.append, lambda: len(seen) >= 2)
    assert len(seen) == 2


def test_what_the_generator_raises_comes_through(tmp_path: Path) -> None:
    def broken() -> Iterator[Pixels]:
        yield np.zeros((64, 96, 3), np.uint8)
        raise GenerateError("the model failed")

    with pytest.raises(GenerateError, match="the model failed"):
        encode(Frames("rgb24", (96, 64), 8, 4, broken()), tmp_path / "a.mp4", FAST, ignore, never)


def test_too_few_frames_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="4 of 9"):
        encode(replace(make_frames(4), count=9), tmp_path / "a.mp4", FAST, ignore, never)


def test_an_unwritable_target_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="cannot be written"):
        encode(make_frames(200, size=(640, 360)), tmp_path / "no" / "a.mp4", FAST, ignore, never)


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_text("not ours")
    with pytest.raises(EncodeError):
        encode(make_frames(), target, FAST, ignore, never)
    assert target.read_text() == "not ours"


def test_a_damaged_clip_does_not_pass(tmp_path: Path) -> None:
    clip = write(make_frames(30), tmp_path / "a.mp4")
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    with pytest.raises(EncodeError):
        verify(clip, 30, FAST)


def test_a_clip_with_another_number_of_frames_does_not_pass(tmp_path: Path) -> None:
    clip = write(make_frames(4), tmp_path / "a.mp4")
    verify(clip, 4, FAST)
    with pytest.raises(EncodeError, match="4 frames instead of 5"):
        verify(clip, 5, FAST)


def test_a_poster_is_a_jpeg_that_is_known_for_ours(tmp_path: Path) -> None:
    clip = write(make_frames(4), tmp_path / "a.mp4")
    write_poster(clip, tmp_path / "a.jpg", FAST, mark=POSTER_MARK)
    assert (tmp_path / "a.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert POSTER_MARK in (tmp_path / "a.jpg").read_bytes()[:4096]


@pytest.mark.parametrize("count", [3, 6, 50])
def test_a_sheet_shows_frames_from_all_along_the_clip(tmp_path: Path, count: int) -> None:
    frames = (np.full((64, 96, 3), 20 + 200 * index // count, np.uint8) for index in range(count))
    clip = write(Frames("rgb24", (96, 64), 8, count, frames), tmp_path / "a.mp4")
    write_sheet(clip, tmp_path / "a.jpg", FAST, count, (3, 2), 48)
    with Image.open(tmp_path / "a.jpg") as sheet:
        assert sheet.size == (3 * 48, 2 * 32)
        levels = [sheet.convert("L").getpixel((24 + 48 * (n % 3), 16 + 32 * (n // 3))) for n in range(6)]
    shown = min(count, 6)
    assert levels[:shown] == pytest.approx([20 + 200 * (n * (count // shown)) // count for n in range(shown)], abs=6)


def test_a_missing_ffmpeg_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(EncodeError) as caught:
        version(Encoding(ffmpeg=str(tmp_path / "ffmpeg")))
    assert caught.value.error_code == "no_ffmpeg"
    with pytest.raises(EncodeError):
        encode(make_frames(), tmp_path / "a.mp4", Encoding(ffmpeg=str(tmp_path / "ffmpeg")), ignore, never)


def test_the_packaged_ffmpeg_runs() -> None:
    assert version(Encoding()).startswith("ffmpeg version")


def test_a_clip_gets_its_sound_and_keeps_its_pictures(tmp_path: Path) -> None:
    silent = write(make_frames(8), tmp_path / "silent.mp4")
    tone = np.sin(np.arange(16_000) / 16_000 * 440 * 2 * np.pi).astype(np.float32)
    sound = Sound(np.stack([tone, tone / 2], 1), 16_000)
    clip = write(replace(make_frames(8), sound=lambda: sound), tmp_path / "ünï heard.mp4")
    assert b"mp4a" in clip.read_bytes()
    assert b"mp4a" not in silent.read_bytes()
    assert np.array_equal(read_frames(clip, (96, 64)), read_frames(silent, (96, 64)))
    verify(clip, 8, FAST)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_servers_clip_comes_apart_into_what_it_is_made_of(tmp_path: Path) -> None:
    clip = write(make_frames(5, fps=12), tmp_path / "from a server.mp4")
    frames = decode_clip(EncodedClip(clip, (96, 64), 100), FAST)
    assert (frames.size, frames.fps, frames.count) == ((96, 64), 12, 5)
    assert [round(float(frame.mean())) for frame in frames.frames] == pytest.approx([0, 8, 16, 24, 32], abs=2)


def test_a_servers_clip_is_cut_to_what_was_asked_for(tmp_path: Path) -> None:
    clip = write(make_frames(9), tmp_path / "a.mp4")
    frames = decode_clip(EncodedClip(clip, (96, 64), 0.5), FAST)
    assert frames.count == len(list(frames.frames)) == 4


def test_a_servers_clip_of_another_shape_is_refused(tmp_path: Path) -> None:
    clip = write(make_frames(4), tmp_path / "a.mp4")
    with pytest.raises(EncodeError, match="96x64 pixels instead of 64x96"):
        decode_clip(EncodedClip(clip, (64, 96), 100), FAST)


def tone(seconds: float, hertz: float = 440.0, rate: int = 16_000) -> Sound:
    wave = np.sin(np.arange(round(seconds * rate)) / rate * hertz * 2 * np.pi).astype(np.float32)
    return Sound(np.stack([wave, wave / 2], 1), rate)


def heard_in(clip: Path, longest_s: float = 100.0) -> Sound | None:
    return decode_clip(EncodedClip(clip, (96, 64), longest_s), FAST).sound()


def hertz_of(sound: Sound) -> float:
    spectrum = np.abs(np.fft.rfft(sound.samples[:, 0]))
    return float(np.argmax(spectrum) * sound.rate / len(sound.samples))


@pytest.mark.parametrize(("sent_s", "heard_s"), [(1.0, 1.0), (5.0, 1.0), (0.4, 0.4)])
def test_a_servers_sound_is_cut_or_padded_to_its_pictures(tmp_path: Path, sent_s: float, heard_s: float) -> None:
    sent = write(replace(make_frames(8), sound=lambda: tone(sent_s)), tmp_path / "sent.mp4")
    frames = decode_clip(EncodedClip(sent, (96, 64), 100), FAST)
    clip = write(frames, tmp_path / "clip.mp4")
    verify(clip, 8, FAST)
    sound = heard_in(clip)
    assert sound is not None
    assert sound.samples.shape == (48_000, 2)
    assert hertz_of(Sound(sound.samples[: round(heard_s * 48_000)], 48_000)) == pytest.approx(440, abs=3)
    audible = np.flatnonzero(np.abs(sound.samples[:, 0]) > 0.05)
    assert audible[-1] / 48_000 == pytest.approx(heard_s, abs=0.05)


def test_a_servers_sound_ends_with_the_clip_that_is_cut_to_what_was_asked_for(tmp_path: Path) -> None:
    sent = write(replace(make_frames(16), sound=lambda: tone(2.0)), tmp_path / "sent.mp4")
    sound = heard_in(sent, longest_s=0.5)
    assert sound is not None
    assert len(sound.samples) == 24_000


@pytest.mark.parametrize("codec", ["libopus", "libmp3lame", "flac", "pcm_s16le", "pcm_s24le", "pcm_f32le"])
def test_a_servers_sound_may_be_coded_in_many_ways(tmp_path: Path, codec: str) -> None:
    sent = recoded(tmp_path, 1.0, codec)
    sound = heard_in(sent)
    assert sound is not None
    assert hertz_of(sound) == pytest.approx(440, abs=3)


def recoded(folder: Path, seconds: float, codec: str, *options: str) -> Path:
    """A clip of a second with a tone in another codec; options go before the tone."""
    silent, sent = write(make_frames(8), folder / "silent.mp4"), folder / "sent.mp4"
    tones = [*options, "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}"]
    out = ["-c:v", "copy", "-c:a", codec, "-strict", "-2", str(sent)]
    subprocess.run([FAST.program, "-v", "error", "-i", str(silent), *tones, *out], check=True)
    return sent


def test_a_servers_sound_that_begins_late_stays_where_it_was(tmp_path: Path) -> None:
    sound = heard_in(recoded(tmp_path, 0.3, "aac", "-itsoffset", "0.5"))
    assert sound is not None
    audible = np.flatnonzero(np.abs(sound.samples[:, 0]) > 0.05)
    assert audible[0] / 48_000 == pytest.approx(0.5, abs=0.05)


def test_a_servers_sound_that_begins_after_its_pictures_is_none(tmp_path: Path) -> None:
    assert heard_in(recoded(tmp_path, 0.3, "aac", "-itsoffset", "90000")) is None


def test_a_servers_clip_without_a_sound_stays_silent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = decode_clip(EncodedClip(write(make_frames(8), tmp_path / "sent.mp4"), (96, 64), 100), FAST)
    clip = tmp_path / "clip.mp4"
    write(frames, clip)
    assert b"mp4a" not in clip.read_bytes()
    assert not caplog.records


def test_a_damaged_sound_leaves_the_clip_silent_and_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sent = recoded(tmp_path, 1.0, "aac")
    packets = subprocess.run(
        [FAST.program, "-v", "error", "-i", str(sent), "-map", "0:a", "-c", "copy", "-f", "data", "-"],
        check=True,
        capture_output=True,
    ).stdout
    data = bytearray(sent.read_bytes())
    for start in range(0, len(packets) - 32, 32):
        if (place := data.find(packets[start : start + 32])) > 0:
            data[place : place + 32] = b"\xff" * 32
    sent.write_bytes(data)
    clip = write(decode_clip(EncodedClip(sent, (96, 64), 100), FAST), tmp_path / "clip.mp4")
    verify(clip, 8, FAST)
    assert b"mp4a" not in clip.read_bytes()
    (record,) = caplog.records
    assert "so the clip is silent" in record.getMessage()


def test_a_servers_sound_in_a_codec_that_is_not_known_is_left_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert heard_in(recoded(tmp_path, 1.0, "ac3")) is None
    assert "so the clip is silent" in caplog.text


@pytest.mark.parametrize("data", [b"", b"<html>no such clip</html>", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2"])
def test_what_is_no_clip_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(EncodeError, match="not a whole clip"):
        decode_clip(EncodedClip(tmp_path / "a.mp4", (96, 64), 100), FAST)


def decoded_of(clip: Path) -> Decoded:
    return Decoded(count_frames(clip, FAST), stream_hash(clip, FAST))


def test_what_was_decoded_while_it_was_encoded_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "count_frames", lambda *_: pytest.fail("it is decoded again"))
    write(make_frames(30), tmp_path / "it's a|clip [1]\\.mp4")


def test_as_many_frames_as_were_decoded_are_in_the_file(tmp_path: Path) -> None:
    clip = write(make_frames(30), tmp_path / "a.mp4")
    decoded = decoded_of(clip)
    assert decoded.count == 30
    verify(clip, 30, FAST, decoded)
    with pytest.raises(EncodeError, match="30 frames instead of 31"):
        verify(clip, 31, FAST, decoded)


def test_a_file_that_holds_other_pictures_than_were_decoded_is_decoded_itself(tmp_path: Path) -> None:
    clip = write(make_frames(30), tmp_path / "a.mp4")
    decoded = decoded_of(clip)
    damage(clip)
    with pytest.raises(EncodeError):
        verify(clip, 30, FAST, decoded)


def damage(clip: Path) -> None:
    data = bytearray(clip.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 64] = bytes(64)
    clip.write_bytes(data)


def test_a_file_that_is_damaged_on_its_way_to_disk_is_an_error(tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"

    def silent() -> None:
        damage(clip)  # asked for when everything is written

    with pytest.raises(EncodeError):
        encode(replace(make_frames(30), sound=silent), clip, FAST, ignore, never)


def test_a_draft_is_encoded_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "ParallelDecoder", lambda *_: pytest.fail("it is decoded"))
    monkeypatch.setattr(encoding, "verify", lambda *_: pytest.fail("it is verified"))
    clip = tmp_path / "it's a|draft [1]\\.mp4"
    encode(make_frames(5), clip, FAST, ignore, never, verified=False)
    assert len(read_frames(clip, (96, 64))) == 5
    data = clip.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert data[data.index(b"colrnclx") + 8 :][:6] == b"\0\1\0\1\0\1"


def test_a_decoder_that_dies_harms_no_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying(ParallelDecoder):
        def __enter__(self) -> Dying:
            self._process.kill()
            return self

    monkeypatch.setattr(encoding, "ParallelDecoder", Dying)
    clip = write(make_frames(30, size=(640, 360)), tmp_path / "a.mp4")
    verify(clip, 30, FAST)


@pytest.mark.parametrize("size", [(64, 48), (96, 160), (34, 18)])
def test_a_picture_as_a_videos_frame_keeps_its_size_and_loses_more_at_a_higher_crf(size: tuple[int, int]) -> None:
    picture = np.asarray(make_picture(size))
    lost = []
    for crf in (1, 18, 33, 51):
        frame = as_video_frame(picture, crf, Encoding())
        assert frame.shape == picture.shape
        lost.append(float(np.abs(frame.astype(int) - picture).mean()))
    assert 0 < lost[0] < lost[-1]
    assert lost == sorted(lost)


def test_a_picture_as_a_videos_frame_needs_an_ffmpeg_that_runs() -> None:
    with pytest.raises(EncodeError) as caught:
        as_video_frame(np.zeros((16, 16, 3), np.uint8), 20, Encoding("/not/there/ffmpeg"))
    assert caught.value.error_code == "no_ffmpeg"
