"""What is in a folder, and whether the system tells of its changes."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from afterframe.domain import Stamp
from afterframe.imaging.decode import is_photo
from afterframe.intake.foreign_files import is_note
from afterframe.intake.foreign_names import KNOWN_NAMES, ForeignNames
from afterframe.intake.passed_over import is_counted, suffix_counted
from afterframe.naming import UPLOAD_PREFIX, is_passing, job_of_temporary
from afterframe.publish.folder_check import note_in_use

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "fuse.sshfs", "9p", "vboxsf", "fuse.rclone", "davfs"}
)


@dataclass(slots=True)
class Scan:
    """What one look through a folder found."""

    photos: dict[str, Stamp] = field(default_factory=dict)
    clips: set[str] = field(default_factory=set)
    sidecars: dict[str, int] = field(default_factory=dict)
    """Sidecars of clips -> when they were changed, nanoseconds."""
    notes: dict[str, Stamp] = field(default_factory=dict)
    """What may say something about photos: sidecars of theirs, and afterframe.toml."""
    temporaries: list[Path] = field(default_factory=list)
    """Files of ours that a render was writing, and folders that held an upload."""
    closed: list[tuple[Path, OSError]] = field(default_factory=list)
    """Folders that cannot be listed, each with the reason; what is in them is not known."""
    passed_over: Counter[str] = field(default_factory=Counter)
    """Suffix -> files that are no photos."""
    entries: int = 0
    foreign: ForeignNames = KNOWN_NAMES
    """What is left alone."""

    def add(self, entry: os.DirEntry[str]) -> bool:
        """Note what an entry is; whether it is a folder to scan as well."""
        self.entries += 1
        if entry.name.startswith("."):
            self._add_hidden(Path(entry.path))
        elif entry.is_dir(follow_symlinks=False):
            return not self.foreign.has_folder(entry.name)
        elif not self.foreign.has_file(entry.name):
            with contextlib.suppress(OSError):
                self._add_file(entry)
        return False

    def _add_hidden(self, path: Path) -> None:
        if job_of_temporary(path) or is_passing(path) or path.name.startswith(UPLOAD_PREFIX):
            self.temporaries.append(path)

    def _add_file(self, entry: os.DirEntry[str]) -> None:
        name = entry.name.lower()
        if name.endswith(".mp4"):
            self.clips.add(entry.path)
        elif name.endswith(".mp4.xmp"):
            self.sidecars[entry.path] = entry.stat().st_mtime_ns
        elif is_note(Path(entry.name)):
            if entry.is_file():
                self.notes[entry.path] = Stamp.of(entry.stat())
        elif is_photo(Path(entry.name)):
            if entry.is_file():
                self.photos[entry.path] = Stamp.of(entry.stat())
        elif is_counted(entry.name):
            self.passed_over[suffix_counted(entry.name)] += 1


def scan(root: Path, foreign: ForeignNames = KNOWN_NAMES) -> Scan:
    """Scan a folder and everything below it; hidden and foreign folders are left out.

    Args:
        foreign: which are.
    Raises:
        OSError: the root itself cannot be listed (an unmounted share, say).
    """
    found = Scan(foreign=foreign)
    pending = [str(root)]
    while pending:
        folder = pending.pop()
        try:
            listing = list(os.scandir(folder))
        except OSError as error:
            if folder == str(root):
                raise
            if not isinstance(error, FileNotFoundError | NotADirectoryError):  # it vanished
                found.closed.append((Path(folder), error))
            continue
        if listing:
            note_in_use(Path(folder))
        pending += [entry.path for entry in listing if found.add(entry)]
    return found


def on_network(path: Path) -> bool:
    """Whether a folder is on a network share, where change events do not arrive."""
    if str(path).startswith("\\\\"):
        return True
    best, kind = "", ""
    with contextlib.suppress(OSError):
        for partition in psutil.disk_partitions(all=True):
            mount = partition.mountpoint
            if (path == Path(mount) or path.is_relative_to(mount)) and len(mount) >= len(best):
                best, kind = mount, partition.fstype.lower() + partition.opts.lower() * (os.name == "nt")
    return kind in NETWORK_FILE_SYSTEMS or "remote" in kind
