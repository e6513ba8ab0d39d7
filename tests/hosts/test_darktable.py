"""The plugin inside a real darktable, clicked with a real pointer, with a real daemon beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from darktable_host import DEADLINE_S, Darktable, Display, play, until
from faults_processes import Afterframe
from PIL import Image

import photometa
from afterframe.publish.sidecar import read_clip
from afterframe.system.hashing import sha256_of
from factories import make_photo_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COLOURS = {"animate": (255, 0, 254), "approve": (0, 254, 255), "reject": (254, 255, 0)}
"""Our buttons are painted, by darktable's user.css, so that they can be found on the screen."""
PANELS = {
    "plugins/lighttable/afterframe/expanded": "TRUE",
    "plugins/lighttable/export/storage_name": "afterframe",
    "plugins/lighttable/export/format_name": "jpeg",
}
DEVELOPED = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:darktable="http://darktable.sf.net/" darktable:xmp_version="5"
 darktable:history_end="1"><darktable:history><rdf:Seq><rdf:li darktable:num="0" darktable:operation="exposure"
 darktable:enabled="1" darktable:modversion="6" darktable:params="00000000000000000000803f00004842000080c000000000"
 darktable:multi_name="" darktable:multi_priority="0"/></rdf:Seq></darktable:history></rdf:Description></rdf:RDF>
</x:xmpmeta>
"""
"""As darktable writes it: one step of history, exposure +1 EV."""
STANDINGS = """
local lines = {}
for _, image in ipairs(dt.database) do
  local tags = {}
  for _, tag in ipairs(image:get_tags()) do
    tags[#tags + 1] = tag.name:match("^darktable|afterframe|(.*)")
  end
  lines[#lines + 1] = table.concat({ image.filename, image.group_leader.filename, table.concat(tags, ",") }, ";")
end
return table.concat(lines, "\\n")
"""


class Lighttable:
    """darktable with our plugin, photos imported."""

    def __init__(self, darktable: Darktable, display: Display, photos: Path) -> None:
        self._darktable = darktable
        self._display = display
        count = len([path for path in photos.iterdir() if path.suffix in (".jpg", ".tif")])
        self.lua(f"dt.database.import({quoted(str(photos))})")
        until(lambda: self.lua("return #dt.database") == str(count), "the photos to be imported")
        until(lambda: self._display.where(COLOURS["animate"]), "our panel")

    def lua(self, code: str) -> str:
        return self._darktable.lua(code)

    def select(self, *names: str) -> None:
        """Select images by their file names; the panel shows them."""
        wanted = "{" + ", ".join(f"[{quoted(name)}] = true" for name in names) + "}"
        self.lua(
            f"local wanted, chosen = {wanted}, {{}} for _, image in ipairs(dt.database) do "
            "if wanted[image.filename] then chosen[#chosen + 1] = image end end dt.gui.selection(chosen)"
        )

    def press(self, button: str) -> None:
        """Click one of our buttons."""
        at = until(lambda: self._display.where(COLOURS[button]), f"the button {button} to be seen")
        self._display.click(at)

    def export(self) -> None:
        """Press darktable's own export button."""
        self.lua('dt.gui.action("lib/export/export", 0, "", "", 1.0)')

    def standings(self) -> dict[str, tuple[str, str]]:
        """File name -> the name of its group's leader, and our tags."""
        rows = (line.split(";") for line in self.lua(STANDINGS).splitlines())
        return {name: (leader, tags) for name, leader, tags in rows}

    def until(self, name: str, standing: tuple[str, str]) -> None:
        until(lambda: self.standings().get(name) == standing, f"{name} to be {standing}: {self.standings()}")


@contextmanager
def darktable(
    display: Display, folder: Path, afterframe: Afterframe, photos: Path, **more: Any
) -> Iterator[Lighttable]:
    """Install the plugin as a user does, start darktable, import the photos; at the end, quit."""
    config = folder / "darktable config"
    config.mkdir(parents=True)
    afterframe.ask("plugin", "install", "darktable", "--folder", config)
    rules = (
        f"#afterframe-{name} {{ background: rgb{colour}; color: rgb{colour}; border: none; box-shadow: none; "
        "background-image: none; text-shadow: none; }"
        for name, colour in COLOURS.items()
    )
    (config / "user.css").write_text("\n".join(rules))
    # Its environment names no AFTERFRAME_HOME, as on a desktop: the installed plugin knows.
    environ = {name: value for name, value in os.environ.items() if name != "AFTERFRAME_HOME"}
    host = Darktable(display, config, settings=PANELS, environ=environ, **more)
    try:
        yield Lighttable(host, display, photos)
        assert host.quit() == 0, host.said()
        assert "LUA ERROR" not in host.said()
    finally:
        host.close()


def quoted(text: str) -> str:
    """As a string in Lua."""
    return json.dumps(text, ensure_ascii=False)


def make_photos(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for seed, name in enumerate(names):
        make_photo_file(folder / name, (480, 320), seed)
    return folder


def exiftool(path: Path) -> dict[str, Any]:
    """Everything that a file's XMP says, structures kept, without what exiftool says of the file itself."""
    done = subprocess.run(["exiftool", "-j", "-struct", "-G1", "-XMP:all", path], capture_output=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)[0]
    return {name: value for name, value in said.items() if name.startswith("XMP")}


def test_a_click_animates_a_photo_and_its_poster_joins_its_group(
    display: Display, tmp_path: Path, afterframe: Afterframe
) -> None:
    exports = make_photos(tmp_path / "exports")
    afterframe.serve(exports)

    def scene(attempt: int) -> None:
        folder = tmp_path / f"try {attempt}"
        photos = make_photos(folder / "Fotos “Sommer” 'n Meer", "DSC_0042.jpg", "Zwei Wörter.jpg", "another.jpg")
        hashes = {path: sha256_of(path) for path in photos.iterdir()}
        with darktable(display, folder, afterframe, photos) as lighttable:
            lighttable.select("DSC_0042.jpg", "Zwei Wörter.jpg")
            lighttable.press("animate")
            for stem in ("DSC_0042", "Zwei Wörter"):
                lighttable.until(f"{stem}.jpg", (f"{stem}.jpg", "done"))
                lighttable.until(f"{stem}_motion.jpg", (f"{stem}.jpg", "poster"))
            assert lighttable.standings()["another.jpg"] == ("another.jpg", "")
            lighttable.press("approve")
            lighttable.until("DSC_0042.jpg", ("DSC_0042.jpg", "approved"))
            lighttable.select("Zwei Wörter_motion.jpg")  # a poster stands for its photo
            lighttable.press("reject")
            lighttable.until("Zwei Wörter.jpg", ("Zwei Wörter.jpg", "rejected"))
            Image.fromarray(display.picture()).save(folder / "screen.png")
        verdicts = {stem: read_clip(photos / f"{stem}_motion.mp4.xmp") for stem in ("DSC_0042", "Zwei Wörter")}
        assert {stem: clip and str(clip.verdict) for stem, clip in verdicts.items()} == {
            "DSC_0042": "approved",
            "Zwei Wörter": "rejected",
        }
        assert {path: sha256_of(path) for path in hashes} == hashes

    play(scene)


def test_exported_photos_are_animated_in_the_watched_folder(
    display: Display, tmp_path: Path, afterframe: Afterframe
) -> None:
    exports = make_photos(tmp_path / "exports")
    afterframe.serve(exports)

    def scene(attempt: int) -> None:
        for left in exports.iterdir():
            left.unlink()
        folder = tmp_path / f"try {attempt}"
        photos = make_photos(folder / "photos", "DSC_0042.jpg", "developed.jpg")
        (photos / "developed.jpg.xmp").write_text(DEVELOPED)
        with darktable(display, folder, afterframe, photos) as lighttable:
            lighttable.select("DSC_0042.jpg")
            lighttable.export()
            lighttable.until("DSC_0042.jpg", ("DSC_0042.jpg", "done"))
            lighttable.until("DSC_0042_motion.jpg", ("DSC_0042.jpg", "poster"))
            # A developed photo is not what its file shows: the button hands over a rendition.
            lighttable.select("developed.jpg")
            lighttable.press("animate")
            lighttable.until("developed.jpg", ("developed.jpg", "done"))
            lighttable.until("developed_motion.jpg", ("developed.jpg", "poster"))
            # What darktable has forgotten, a refresh brings back: of all photos, when none is selected.
            lighttable.lua(
                "dt.gui.selection({}) for _, image in ipairs(dt.database) do for _, tag in ipairs(image:get_tags()) do "
                'if tag.name:match("afterframe|done") then image:detach_tag(tag) end end end'
            )
            lighttable.lua('dt.gui.action("lua/Afterframe: refresh", 0, "", "", 1.0)')
            lighttable.until("developed.jpg", ("developed.jpg", "done"))
            lighttable.until("DSC_0042.jpg", ("DSC_0042.jpg", "done"))
            # Our tags reach neither darktable's sidecars nor what it exports; exported again, a photo keeps its name.
            exported = (exports / "DSC_0042.jpg").stat().st_mtime_ns
            lighttable.select("DSC_0042.jpg")
            lighttable.export()
            until(lambda: (exports / "DSC_0042.jpg").stat().st_mtime_ns > exported, "the photo to be exported again")
            lighttable.until("DSC_0042.jpg", ("DSC_0042.jpg", "done"))
        for file in (exports / "DSC_0042.jpg", *photos.glob("*.xmp")):
            assert "afterframe" not in str(exiftool(file))
        ends = (".jpg", "_motion.jpg", "_motion.mp4", "_motion.mp4.xmp")
        expected = {f"{stem}{end}" for stem in ("DSC_0042", "developed") for end in ends}
        # The daemon may still be at the clip of what was exported again.
        until(
            lambda: {path.name for path in exports.iterdir() if not path.name.endswith(".jpg.xmp")} == expected,
            f"the folder to hold {sorted(expected)} alone",
        )
        assert brightness(exports / "developed.jpg") > brightness(photos / "developed.jpg") + 20
        assert not list(photos.glob("*_motion*"))

    play(scene)


def brightness(path: Path) -> float:
    """Mean grey of a picture, 0-255."""
    with Image.open(path) as image:
        return float(np.asarray(image.convert("L")).mean())


@pytest.mark.parametrize("back_link", [False, True])
def test_what_darktable_wrote_of_a_photo_stays(
    display: Display, tmp_path: Path, afterframe: Afterframe, back_link: bool
) -> None:
    afterframe.settings(render={"back_link": back_link})
    exports = make_photos(tmp_path / "exports")
    afterframe.serve(exports)

    def scene(attempt: int) -> None:
        folder = tmp_path / f"try {attempt}"
        photos = make_photos(folder / "photos", "DSC_0042.jpg")
        sidecar = photos / "DSC_0042.jpg.xmp"
        with darktable(display, folder, afterframe, photos) as lighttable:
            lighttable.lua(
                'local image = dt.database[1] image.rating = 4 image.title = "Am Meer" image.red = true '
                'image:attach_tag(dt.tags.create("places|Rügen"))'
            )
            until(lambda: sidecar.is_file() and "Rügen" in sidecar.read_text("utf-8"), "darktable's sidecar")
            before, bytes_before = exiftool(sidecar), sidecar.read_bytes()
            a_minute_ago = sidecar.stat().st_mtime - 60
            os.utime(sidecar, (a_minute_ago, a_minute_ago))  # it stood still long enough to be touched
            afterframe.ask("animate", photos / "DSC_0042.jpg")
            after = exiftool(sidecar)
            ours = {name: value for name, value in after.items() if name.startswith("XMP-afterframe")}
            assert {**after, **ours} == {**before, **ours}
            assert bool(ours) == back_link
            assert back_link or sidecar.read_bytes() == bytes_before
            # darktable goes on writing; what is its own is as before, and our two properties stay.
            lighttable.lua("dt.database[1].rating = 5")
            until(lambda: exiftool(sidecar).get("XMP-xmp:Rating") == 5, "darktable to write again")
            assert without_dates(exiftool(sidecar)) == without_dates({**after, "XMP-xmp:Rating": 5})
        if back_link:
            assert photometa.read_sidecar(sidecar)["afterframe:clip"] == "DSC_0042_motion.mp4"

    play(scene)


def without_dates(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if not name.endswith(("timestamp", "Timestamp"))}


def test_darktable_quits_while_a_clip_is_under_way(display: Display, tmp_path: Path, afterframe: Afterframe) -> None:
    afterframe.serve(make_photos(tmp_path / "exports"))
    pause(afterframe)

    def scene(attempt: int) -> None:
        folder = tmp_path / f"try {attempt}"
        photos = make_photos(folder / "photos", "DSC_0042.jpg")
        with darktable(display, folder, afterframe, photos) as lighttable:
            lighttable.select("DSC_0042.jpg")
            lighttable.press("animate")
            lighttable.until("DSC_0042.jpg", ("DSC_0042.jpg", "queued"))
        assert set(afterframe.states()) == {"queued"}  # what was asked for goes on without darktable

    play(scene)


def pause(afterframe: Afterframe) -> None:
    """Hold the queue back."""
    url = json.loads((afterframe.home / "daemon.json").read_text())["url"]
    token = (afterframe.home / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/queue", b'{"paused": true}', headers)
    urllib.request.urlopen(request, timeout=DEADLINE_S).close()


def test_a_darktable_that_dead_locks_is_killed_by_its_own_id_and_played_again(
    display: Display, tmp_path: Path, afterframe: Afterframe
) -> None:
    photos = make_photos(tmp_path / "photos", "DSC_0042.jpg")
    pids: list[int] = []

    def hang_once(pid: int) -> None:
        pids.append(pid)
        if len(pids) == 1:
            os.kill(pid, signal.SIGSTOP)  # as dead-locked: it lives, and answers nothing

    def scene(attempt: int) -> int:
        more = {"started": hang_once, **({"patience_s": 1.0} if attempt == 0 else {})}
        with darktable(display, tmp_path / f"try {attempt}", afterframe, photos, **more) as lighttable:
            assert set(lighttable.standings()) == {"DSC_0042.jpg"}
        return attempt

    assert play(scene) >= 1
    assert len(set(pids)) == len(pids) >= 2
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
