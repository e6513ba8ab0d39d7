"""Files that anybody may have written: each is its own problem alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from afterframe.config import LimitsConfig
from afterframe.errors import PhotoError, RecipeError, Stopping
from afterframe.intake.foreign_files import FOLDER_FILE, ForeignFiles, read_folder_file
from afterframe.naming import POSTER_MARK
from afterframe.system.process_pool import CallKilled
from fakes import open_files


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a" + ".a" * 8000 + " = 1", "dots"),
        ("[" + "a." * 20_000 + "a]", "dots"),
        ('"a" . \'b\' . c . "d" = 1', "dots"),
        ("a = " + "[" * 30_000, "nested"),
        ("a = " + "{b = " * 10_000, "nested"),
        ("fps = 12\n" + "# more\n" * 10_000, "larger than 64 KiB"),
        ("fps = " + "1" * 5000, "not valid TOML"),
        ("fps = \x00", "not valid TOML"),
        ("fps = 12\nfps = 13", "not valid TOML"),
    ],
)
def test_a_folder_file_that_no_photographer_writes_is_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / FOLDER_FILE).write_text(text)
    with pytest.raises(RecipeError, match=why) as caught:
        open_files().folder_settings(tmp_path)
    assert str(tmp_path / FOLDER_FILE) in caught.value.message
    assert caught.value.hint
    assert len(caught.value.message) < 400


def test_a_byte_order_mark_is_no_part_of_a_folder_file(tmp_path: Path) -> None:
    (tmp_path / FOLDER_FILE).write_bytes("fps = 12\r\n".encode("utf-8-sig"))
    ((_, said),) = open_files().folder_settings(tmp_path)
    assert said == {"fps": 12}
    (tmp_path / FOLDER_FILE).write_bytes("fps = 12\r\n".encode("utf-16"))
    with pytest.raises(RecipeError, match="not written in UTF-8") as caught:
        open_files().folder_settings(tmp_path)
    assert "UTF-8" in caught.value.hint


def test_dots_and_brackets_in_words_are_no_structure(tmp_path: Path) -> None:
    (tmp_path / FOLDER_FILE).write_text(
        'prompt = "wait ... a.b.c.d.e.f [[[[[[[[[[ \\" {{{{{{{{{"  # a.b.c.d.e.f [[[[[[[[[[\n'
        "negative_prompt = '''\na.b.c.d.e.f\n[[[[[[[[[[\n'''\nmotion_intensity = 0.5\n"
    )
    ((_, said),) = open_files().folder_settings(tmp_path)
    assert said["motion_intensity"] == 0.5


def test_the_line_of_a_key_with_too_many_dots_is_named(tmp_path: Path) -> None:
    (tmp_path / FOLDER_FILE).write_text('prompt = """\na\nb\n"""\nfps = 12\na.b.c.d = 1\n')
    with pytest.raises(RecipeError, match="at line 6"):
        open_files().folder_settings(tmp_path)


class Stalled:
    """The process is killed at every call."""

    def __call__(self, *_: object) -> object:
        raise CallKilled("it took longer than 10 seconds")


def test_a_file_that_stalls_its_reader_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / FOLDER_FILE).write_text("fps = 12")
    files = ForeignFiles(LimitsConfig(), Stalled())
    with pytest.raises(RecipeError, match=r"afterframe\.toml cannot be read: it took longer"):
        files.folder_settings(tmp_path)
    with pytest.raises(PhotoError, match=r"a_motion\.mp4\.xmp could not be read: it took longer"):
        files.clip(tmp_path / "a_motion.mp4.xmp")
    assert not files.is_our_poster(tmp_path / "a_motion.jpg")


@pytest.fixture
def files() -> Iterator[ForeignFiles]:
    files = ForeignFiles(LimitsConfig(read_s=5))
    yield files
    files.close()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of this kind are POSIX's")
def test_they_are_read_in_a_process_of_its_own_and_pipes_are_not_waited_for(
    tmp_path: Path, files: ForeignFiles
) -> None:
    (tmp_path / FOLDER_FILE).write_text("fps = 12")
    assert files.folder_settings(tmp_path)[0][1] == {"fps": 12}
    (tmp_path / "a_motion.jpg").write_bytes(POSTER_MARK)
    assert files.is_our_poster(tmp_path / "a_motion.jpg")
    os.mkfifo(tmp_path / "x_motion.jpg")
    assert not files.is_our_poster(tmp_path / "x_motion.jpg")
    os.mkfifo(tmp_path / "x_motion.mp4.xmp")
    with pytest.raises(PhotoError, match="is not a file"):
        files.clip(tmp_path / "x_motion.mp4.xmp")


def test_a_closed_one_says_that_afterframe_stops(tmp_path: Path) -> None:
    files = ForeignFiles(LimitsConfig())
    files.close()
    (tmp_path / FOLDER_FILE).write_text("fps = 12")
    with pytest.raises(Stopping):
        files.folder_settings(tmp_path)
    with pytest.raises(Stopping):
        files.is_our_poster(tmp_path / "a_motion.jpg")


def test_a_quote_at_the_end_of_a_text_hides_no_dotted_key(tmp_path: Path) -> None:
    """TOML lets a text of three quotes end in four."""
    file = tmp_path / FOLDER_FILE
    file.write_text('a = """y"""" # \\\n' + "b" + ".b" * 5000 + ' = 1 # "\n')
    with pytest.raises(RecipeError, match="dots"):
        read_folder_file(file)
    file.write_text('prompt = """He said "wait"""""\nloop = true\n')
    assert read_folder_file(file) == {"prompt": 'He said "wait""', "loop": True}
