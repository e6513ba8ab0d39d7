from __future__ import annotations

import os
from pathlib import Path

import pytest

from afterframe.errors import AfterframeError, NotAllowed, NotFound, PhotoError, UsageError
from afterframe.system.paths import is_inside, windows_oddity
from afterframe.web.auth.allowed_paths import AllowedPaths, open_regular


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    root.mkdir()
    return root


@pytest.fixture
def access(root: Path) -> AllowedPaths:
    return AllowedPaths(lambda: [root])


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg",
        "with space.jpg",
        "“quotes”'\".jpg",
        "🌅.jpeg",
        "new\nline.JPG",
        "\u202ertl.jpg",
        "dots..in..it.jpg",
        "a;b&c$.png",
    ],
)
def test_any_name_inside_is_fine(access: AllowedPaths, root: Path, name: str) -> None:
    (root / name).write_bytes(b"x")
    assert access.photo(str(root / name)) == root / name


def test_the_real_path_is_what_counts(access: AllowedPaths, root: Path, tmp_path: Path) -> None:
    (root / "a.jpg").write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to(root)
    assert access.path(str(link / "a.jpg")) == root / "a.jpg"
    assert access.path(f"{root}/deep/../a.jpg") == root / "a.jpg"


def test_a_link_within_the_folders_may_be_followed(access: AllowedPaths, root: Path) -> None:
    (root / "a.jpg").write_bytes(b"x")
    (root / "b.jpg").symlink_to(root / "a.jpg")
    assert access.photo(str(root / "b.jpg")) == root / "a.jpg"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("", UsageError),
        (".", UsageError),
        ("a.jpg", UsageError),
        ("~/a.jpg", UsageError),
        ("file:///etc/passwd", UsageError),
        ("/a\0.jpg", UsageError),
        ("/a\ud800.jpg", UsageError),
        ("/", NotAllowed),
        ("/etc/passwd", NotAllowed),
        ("//etc/passwd", NotAllowed),
        ("/proc/self/environ", NotAllowed),
        ("/" + "x" * 30_000, NotAllowed),
    ],
)
def test_what_is_no_path_inside_is_refused(access: AllowedPaths, given: str, kind: type[AfterframeError]) -> None:
    with pytest.raises(kind):
        access.path(given)


def test_without_folders_nothing_is_inside(root: Path) -> None:
    with pytest.raises(NotAllowed):
        AllowedPaths(list[Path]).path(str(root / "a.jpg"))


def test_a_loop_of_links_leads_nowhere(access: AllowedPaths, root: Path) -> None:
    (root / "a.jpg").symlink_to(root / "b.jpg")
    (root / "b.jpg").symlink_to(root / "a.jpg")
    with pytest.raises((NotAllowed, PhotoError)):
        access.photo(str(root / "a.jpg"))


def test_a_pipe_named_like_a_photo_is_no_photo(access: AllowedPaths, root: Path) -> None:
    if not hasattr(os, "mkfifo"):
        return
    os.mkfifo(root / "pipe.jpg")
    with pytest.raises(PhotoError):
        access.photo(str(root / "pipe.jpg"))


def test_a_name_that_is_too_long_is_said_to_be_too_long(access: AllowedPaths, root: Path) -> None:
    with pytest.raises(UsageError, match="too long"):
        access.photo(str(root / ("x" * 5000 + ".jpg")))


def test_a_folder_whose_name_only_begins_the_same_is_outside(root: Path) -> None:
    assert not is_inside(f"{root}-private/a.jpg", str(root))
    assert is_inside(str(root), str(root))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (r"\\?\C:\Photos\a.jpg", "device"),
        (r"\\.\PhysicalDrive0", "device"),
        (r"//?/C:/Photos/a.jpg", "device"),
        (r"\\evil\share\a.jpg", "share"),
        (r"//evil/share/a.jpg", "share"),
        (r"C:\Photos\a.jpg:stream", "stream"),
        (r"C:\Photos\a.jpg::$DATA", "stream"),
        (r"C:\Photos\a.jpg.", "change"),
        (r"C:\Photos \a.jpg", "change"),
        (r"C:\Photos\NUL", "device"),
        (r"C:\Photos\con.jpg", "device"),
        (r"C:\Photos\COM1 .jpg", "device"),
        (r"C:\Photos\lpt9.tar.jpg", "device"),
    ],
)
def test_what_windows_would_turn_into_something_else_is_not_looked_up(given: str, word: str) -> None:
    oddity = windows_oddity(given, [r"C:\Photos", r"\\nas\photos\2026"])
    assert oddity is not None
    assert word in oddity


@pytest.mark.parametrize(
    "given",
    [
        r"C:\Photos\a.jpg",
        r"c:/photos/Ünï 🌅.jpg",
        r"C:\Photos\..\x.jpg",
        r"\\NAS\Photos\2026\a.jpg",
        r"C:\Photos\console.jpg",
    ],
)
def test_plain_windows_paths_are_looked_up(given: str) -> None:
    assert windows_oddity(given, [r"C:\Photos", r"\\nas\photos\2026"]) is None


def test_an_oddity_is_refused_before_the_file_system_is_asked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(path: str) -> str:
        raise AssertionError(path)

    monkeypatch.setattr("afterframe.web.auth.allowed_paths.os.path.realpath", never)
    with pytest.raises(NotAllowed, match="stream"):
        AllowedPaths(lambda: [root], windows=True).path(f"{root}/a.jpg:evil")


def test_only_a_regular_file_is_sent(tmp_path: Path) -> None:
    target, link = tmp_path / "a.mp4", tmp_path / "link.mp4"
    target.write_bytes(b"clip")
    link.symlink_to(target)
    with open_regular(target) as file:
        assert file.read() == b"clip"
    for path in (link, tmp_path, tmp_path / "nothing.mp4"):
        with pytest.raises(NotFound):
            open_regular(path)


def test_a_file_exchanged_in_between_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, other = tmp_path / "a.mp4", tmp_path / "b.mp4"
    target.write_bytes(b"clip")
    other.write_bytes(b"other")
    really_open = os.open
    monkeypatch.setattr("afterframe.web.auth.allowed_paths.os.open", lambda path, flags: really_open(other, flags))
    with pytest.raises(NotFound):
        open_regular(target)
