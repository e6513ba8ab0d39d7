"""Hostile files in a watched folder: each is its own problem, and everything else goes on."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest
from faults_processes import Afterframe, clips_in, until

from factories import make_photo_file
from photometa import read_sidecar
from photometa.xmp.packets import packet

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of this kind are POSIX's"),
]


def test_pipes_and_sockets_of_every_name_stop_neither_the_watch_nor_its_end(
    afterframe: Afterframe, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = afterframe.serve(folder)
    for name in ("x_motion.jpg", "y.jpg", "a.xmp", "a.jpg.xmp", "a_motion.mp4.xmp", "b_motion.mp4", "afterframe.toml"):
        os.mkfifo(folder / name)
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("z.jpg")
    for name in ("a", "b"):
        make_photo_file(folder / f"{name}.jpg", seed=ord(name))
    until(lambda: afterframe.states() == {"done": 2}, f"{afterframe.states()} {afterframe.problems()}")
    assert afterframe.problems() == {}
    assert daemon.stop() == 0


def test_hostile_sidecars_and_settings_cost_only_their_own_photo(afterframe: Afterframe, folder: Path) -> None:
    home = folder.parent / "first-home"
    first = Afterframe(home, dict(afterframe.environment))
    first.settings()
    photos = [make_photo_file(folder / f"{name}.jpg", seed=ord(name)) for name in "abcd"]
    assert {result["state"] for result in first.animate(*photos)} == {"done"}
    spoil = {
        "a": {"afterframe:recipe": "[" * 100_000},
        "b": {"afterframe:recipe": "[1]"},
        "c": {"afterframe:photoPSNR": "nan", "xmp:Rating": "3.0"},
    }
    for name, changed in spoil.items():
        sidecar = folder / f"{name}_motion.mp4.xmp"
        said = read_sidecar(sidecar)
        said.update(changed)
        sidecar.write_bytes(packet(said))
    found = afterframe.ask("rebuild", folder)
    assert sorted(Path(problem["path"]).name for problem in found["problems"]) == [
        *("a_motion.mp4.xmp", "b_motion.mp4.xmp")
    ]
    assert sorted(Path(path).name for path in found["clips"]) == ["c_motion.mp4", "d_motion.mp4"]

    hostile = folder / "hostile"
    hostile.mkdir()
    (hostile / "afterframe.toml").write_text("a" + ".a" * 30_000 + " = 1")
    shutil.copy(photos[0], hostile / "e.jpg")
    daemon = afterframe.serve(folder)
    until(lambda: afterframe.problems() == {str(hostile / "e.jpg"): "recipe"}, f"{afterframe.problems()}")
    until(lambda: afterframe.states() == {"done": 2}, f"{afterframe.states()}")  # a and b are animated again
    assert len(clips_in(folder)) == 6
    assert [row["rating"] for row in afterframe.rows("SELECT rating FROM clips WHERE path LIKE '%c_motion.mp4'")] == [3]
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.said() + (afterframe.home / "logs" / "afterframe.log").read_text()
