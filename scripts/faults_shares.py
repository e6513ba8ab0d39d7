"""Photos on what behaves as an SMB share does, and as a vfat stick does; see faults_shim/share.c."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from faults_processes import Daemon

from afterframe.naming import sidecar_of
from afterframe.system.hashing import sha256_of
from factories import make_photo_file
from faults_edits import judge, label_of, write_label
from faults_rig import FAST, Rig, ask, preload, send

LIKES = ("smb", "vfat")
LABELS = 5
"""How often another program writes the sidecar of a clip that is being judged."""
LISTED = """SELECT photos.path, photos.sha256, COUNT(*) AS clips, SUM(clips.photo_sha256 = photos.sha256) AS fresh
            FROM photos JOIN clips ON clips.photo_id = photos.id WHERE clips.present GROUP BY photos.id"""


@dataclass
class Share:
    """One folder, the photos on it by what is done to them, and the strangers' files beside them."""

    rig: Rig
    folder: Path
    keeps_names: bool
    """Clips keep their names when their photo is renamed."""
    strangers: dict[Path, str] = field(default_factory=dict)
    deeds: list[Callable[[], None]] = field(default_factory=list)
    """What is to be done to the photos once they have their clips."""

    def export(self, number: int) -> None:
        """Export a photo, and note what is to be done to it; each number is another case."""
        case = (self._renamed_in_case, self._renamed, self._again, self._judged, self._sent)[number % 5]
        name = f"DSC_{len(self.rig.originals):05}"
        if number % 3 == 0:
            self._stranger(f"{name.lower()}_MOTION.MP4{'.xmp' if number % 2 else ''}")
        if case == self._sent:
            data = make_photo_file(self.rig.place / "sent.jpg", seed=1000 + len(self.rig.originals)).read_bytes()
            send(self.rig, f"{name}.jpg", data, self.folder)
            photo = self.folder / f"{name}.jpg"
            self.rig.originals[photo] = sha256_of(photo)
        else:
            photo = self.rig.photo(self.folder)
        self.deeds.append(partial(case, photo))

    def _stranger(self, name: str) -> None:
        path = self.folder / name
        path.write_bytes(b"somebody else's")
        self.strangers[path] = sha256_of(path)

    def _renamed_in_case(self, photo: Path) -> None:
        self._rename(photo, photo.with_name(f"{photo.stem.lower()}.JPG"))

    def _renamed(self, photo: Path) -> None:
        self._rename(photo, photo.with_name(f"Trip_{photo.stem}.jpg"))

    def _rename(self, photo: Path, target: Path) -> None:
        photo.rename(target)
        self.rig.originals[target] = self.rig.originals.pop(photo)
        if self.keeps_names:
            self.rig.stems[target] = photo.stem

    def _again(self, photo: Path) -> None:
        """Its clip is untouched and is replaced."""
        made = make_photo_file(self.rig.place / "new.jpg", seed=2000 + len(self.deeds) + sum(map(ord, photo.name)))
        self.rig.originals[photo] = sha256_of(made)
        shutil.move(made, photo)

    def _judged(self, photo: Path) -> None:
        """Its clip is judged while another program writes its sidecar; then the photo is exported again."""
        rig = self.rig
        (clip,) = rig.afterframe.rows(
            "SELECT clips.id, clips.path FROM clips JOIN photos ON photos.id = photo_id WHERE photos.path = ?",
            str(photo),
        )
        ended, sidecar = threading.Event(), sidecar_of(Path(clip["path"]))
        judging = threading.Thread(target=judge, args=(rig, clip["id"], ended, 0.2))
        judging.start()
        for number in range(LABELS):
            write_label(rig, sidecar, f"{photo.name} {number}")
            time.sleep(0.3)
        ended.set()
        judging.join()
        verdict = json.dumps({"verdict": "approved", "rating": 4}).encode()
        ask(rig, "POST", f"/api/clips/{clip['id']}/verdict", verdict, "application/json")
        rig.tally.lost += label_of(rig, sidecar) != f"{photo.name} {LABELS - 1}"
        rig.wanted[photo] = 2
        self._again(photo)

    def _sent(self, photo: Path) -> None:
        """Sent again under its name in another case: the same bytes are kept once, others beside them."""
        name = f"{photo.stem.lower()}.JPG"
        send(self.rig, name, photo.read_bytes(), self.folder)
        other = make_photo_file(self.rig.place / "sent.jpg", seed=3000 + len(self.rig.originals)).read_bytes()
        send(self.rig, name, other, self.folder)
        kept = [path for path in self.folder.iterdir() if path.name.startswith(photo.stem.lower()) and is_photo(path)]
        self.rig.tally.doubled += len(kept) - 1
        self.rig.originals.update({path: sha256_of(path) for path in kept})

    def is_as_wanted(self) -> bool:
        """Whether each photo has its clips, one of them of its content, by the catalogue; and nothing else has."""
        listed = {Path(row["path"]): row for row in self.rig.afterframe.rows(LISTED)}
        return self.rig.afterframe.idle() and all(
            photo in listed
            and listed[photo]["clips"] == self.rig.wanted.get(photo, 1)
            and listed[photo]["sha256"] == sha256
            and listed[photo]["fresh"]
            for photo, sha256 in self.rig.originals.items()
        )


def is_photo(path: Path) -> bool:
    """Whether a file is a photo of the rig, not a clip or what belongs to one."""
    return path.suffix.lower() == ".jpg"


def shares(rig: Rig, times: int, likes: Sequence[str] = LIKES) -> None:
    """Rename, re-export, judge and send photos on an SMB share and on a vfat stick, with a kill in between."""
    for like in likes:
        folder = rig.folder / like
        folder.mkdir()
        keeps_names = like == "smb"
        rig.afterframe.settings(watch=FAST, files={"rename_clips": not keeps_names})
        library = preload("share.c", rig.place)
        rig.afterframe.environment = {"LD_PRELOAD": str(library), "SHARE_FOLDER": str(folder), "SHARE_LIKE": like}
        try_share(Share(rig, folder, keeps_names), times)
    rig.count()


def try_share(share: Share, times: int) -> None:
    """Export so many photos, and do to each what is to be done; each half is interrupted by a kill."""
    rig = share.rig
    daemon = rig.serve(share.folder)
    for number in range(times):
        if number == times // 2:
            daemon = killed(share, daemon)
        share.export(number)
    rig.until(share.is_as_wanted)
    for number, deed in enumerate(share.deeds):
        if number == times // 2:
            daemon = killed(share, daemon)
        deed()
        rig.tally.times += 1
    rig.until(share.is_as_wanted)
    daemon.stop()
    rig.tally.changed += sum(not path.exists() or sha256_of(path) != was for path, was in share.strangers.items())
    rows = rig.afterframe.rows(LISTED)
    rig.tally.doubled += sum(Path(row["path"]) not in rig.originals for row in rows)


def killed(share: Share, daemon: Daemon) -> Daemon:
    """Kill everything at a random moment, and start it again."""
    time.sleep(share.rig.random.uniform(0.0, 1.0))
    daemon.kill()
    return share.rig.serve(share.folder)
