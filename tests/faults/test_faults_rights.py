"""A daemon that is not root, and what it may not read or write: told, nothing lost, and it goes on with the rights."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from faults_processes import Afterframe, clips_in, hashes, hidden_in, until
from test_faults_ordinary_days import RESCAN, done, held, listed, strikes

import photometa
from afterframe.naming import sidecar_of
from factories import make_photo_file

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights of this kind are POSIX's"),
]

WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Root without its capabilities: the rights of files hold for it as for anybody (capabilities(7))."""


@pytest.fixture
def plain(afterframe: Afterframe, tmp_path: Path) -> Iterator[Afterframe]:
    """A home whose commands have no rights but its user's; every right is given back at the end."""
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("only setpriv takes root's privileges away")
        afterframe.through = WITHOUT_PRIVILEGES
    afterframe.settings(watch=RESCAN)
    yield afterframe
    for daemon in afterframe.daemons:
        daemon.end()
    give_back(tmp_path)


def give_back(place: Path) -> None:
    place.chmod(0o700)
    for entry in place.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            give_back(entry)


def told_on_the_page(afterframe: Afterframe) -> dict[str, str]:
    """The held folders, each with its code, as `afterframe status` tells them."""
    return {Path(one["path"]).name: one["error"]["code"] for one in afterframe.ask("status")["held_folders"]}


def judge(afterframe: Afterframe, clip_id: str) -> dict[str, Any]:
    """Approve a clip as a plug-in does; the answer."""
    url = urlsplit(json.loads((afterframe.home / "daemon.json").read_text())["url"])
    headers = {"Authorization": f"Bearer {(afterframe.home / 'token').read_text().strip()}"}
    with closing(http.client.HTTPConnection(url.netloc, timeout=30)) as connection:
        body = json.dumps({"verdict": "approved"})
        connection.request(
            "POST", f"/api/clips/{clip_id}/verdict", body, headers | {"Content-Type": "application/json"}
        )
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    return answer


def test_what_may_not_be_read_or_written_is_told_and_animated_once_it_may(plain: Afterframe, folder: Path) -> None:
    def photo(place: str) -> Path:
        (folder / place).mkdir(exist_ok=True)
        return make_photo_file(folder / place / "a.jpg", seed=sum(place.encode()))

    closed, sealed, secret, wordless = photo("closed").parent, photo("sealed").parent, photo("secret"), photo("words")
    (wordless.parent / "afterframe.toml").write_text('prompt = "a calm lake"')
    rights = {closed: 0, sealed: 0o555, secret: 0, wordless.parent / "afterframe.toml": 0}
    for path, mode in rights.items():
        path.chmod(mode)
    make_photo_file(folder / "fine.jpg", seed=5)
    daemon = plain.serve(folder)
    until(lambda: plain.states() == {"done": 1, "queued": 1}, f"{plain.states()}")
    until(lambda: plain.problems() == {str(secret): "no_permission", str(wordless): "recipe"}, f"{plain.problems()}")
    until(lambda: sorted(held(plain)) == ["no_permission", "read_only"], f"{held(plain)}")
    assert told_on_the_page(plain) == {"closed": "no_permission", "sealed": "read_only"}
    for words in (f"{closed} cannot be read", f"{sealed} cannot be written", "secret", "afterframe.toml may not"):
        assert words in daemon.said()
    for path in rights:
        path.chmod(0o755)
    until(done(plain, 5), f"{plain.states()} {plain.problems()} {held(plain)}")
    assert (held(plain), plain.problems(), strikes(plain)) == ([], {}, 0)
    assert len(clips_in(folder)) == 5
    assert hidden_in(folder) == []
    assert photometa.read_sidecar(wordless.parent / "a_motion.mp4.xmp")["afterframe:prompt"] == "a calm lake"
    assert daemon.stop() == 0
    assert daemon.said().count("cannot be read") == 2  # once for the folder, once for the photo


def test_a_watched_folder_that_is_closed_and_opened_keeps_its_clips(plain: Afterframe, folder: Path) -> None:
    for number in range(2):
        make_photo_file(folder / f"{number}.jpg", seed=number)
    daemon = plain.serve(folder)
    until(done(plain, 2), "the clips")
    before = listed(plain)
    folder.chmod(0)
    until(lambda: held(plain) == ["no_permission"], "the folder to be held")
    assert listed(plain) == before
    assert daemon.stop() == 0
    daemon = plain.serve()  # also when it starts like that
    assert told_on_the_page(plain) == {"photos": "no_permission"}
    assert listed(plain) == before
    folder.chmod(0o755)
    make_photo_file(folder / "later.jpg", seed=9)
    until(done(plain, 3), "a later photo")
    until(lambda: held(plain) == [], "the folder to be released")
    assert before < listed(plain)
    assert daemon.stop() == 0


def test_a_folder_that_loses_its_rights_in_mid_render_costs_no_strike(plain: Afterframe, folder: Path) -> None:
    plain.settings(watch=RESCAN, recipe={"duration_s": 4.0, "fps": 24, "size": [640, 426]})
    make_photo_file(folder / "a.jpg")
    originals = hashes(folder)
    plain.serve(folder)
    until(lambda: any(path.stat().st_size for path in folder.glob(".afterframe-*.mp4")), "the render to be on its way")
    folder.chmod(0o555)
    until(lambda: held(plain) == ["read_only"], "the folder to be held")
    folder.chmod(0o755)
    until(done(plain, 1), "the clip")
    assert strikes(plain) == 0
    assert clips_in(folder) == ["a_motion.mp4"]
    until(lambda: hidden_in(folder) == [], "what was under way to be swept", 90)
    assert hashes(folder) == originals


def test_a_verdict_that_may_not_be_written_is_told_and_not_half_given(plain: Afterframe, folder: Path) -> None:
    photo = make_photo_file(folder / "a.jpg")
    (made,) = plain.animate(photo)
    sidecar = sidecar_of(Path(made["clips"][0]["path"]))
    before = sidecar.read_bytes()
    folder.chmod(0o555)
    daemon = plain.serve()
    (row,) = plain.rows("SELECT id FROM clips")
    answer = judge(plain, row["id"])
    assert answer["error"]["hint"]
    assert sidecar.name in answer["error"]["message"]
    assert sidecar.read_bytes() == before
    assert [row["verdict"] for row in plain.rows("SELECT verdict FROM clips")] == ["none"]
    folder.chmod(0o755)
    judge(plain, row["id"])
    assert [row["verdict"] for row in plain.rows("SELECT verdict FROM clips")] == ["approved"]
    assert b"approved" in sidecar.read_bytes()
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("part", "mode"),
    [("", 0o500), ("config.toml", 0), ("state.db", 0o400), ("owners", 0), ("token", 0)],
)
def test_a_home_that_may_not_be_used_is_one_line_and_works_again_with_its_rights(
    plain: Afterframe, folder: Path, part: str, mode: int
) -> None:
    plain.serve(folder).stop()
    place = plain.home / part
    before = stat.S_IMODE(place.stat().st_mode)
    place.chmod(mode)
    out, err = plain.command("serve", "--port", "0", "--no-open").communicate(timeout=60)
    said = (out + err).decode()
    assert len(said.strip().splitlines()) == 1, said
    assert str(place) in said
    assert "ermission" in said
    place.chmod(before)
    make_photo_file(folder / "a.jpg")
    daemon = plain.serve()
    until(done(plain, 1), daemon.said())
    assert daemon.stop() == 0
