"""What is in a folder, and whether its changes can be heard of."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from afterframe.domain import Stamp
from afterframe.imaging.decode import is_photo
from afterframe.naming import job_of_temporary

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "fuse.sshfs", "9p", "vboxsf", "fuse.rclone", "davfs"}
)
SKIPPED_SUFFIXES = frozenset({".lrdata", ".lrcat-data", ".cocatalog", ".photoslibrary"})
"""Folders that belong to a photo program."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look through a folder found."""

    photos: dict[str, Stamp]
    clips: frozenset[str]
    temporaries: tuple[Path, ...]
    entries: int


def scan(root: Path) -> Scan:
    """Look through a folder and everything below it; hidden and foreign programs' folders are left out.

    Raises:
        OSError: the root itself cannot be listed (an unmounted share, say).
    """
    photos: dict[str, Stamp] = {}
    clips: list[str] = []
    temporaries: list[Path] = []
    entries = 0
    pending = [str(root)]
    while pending:
        folder = pending.pop()
        try:
            listing = list(os.scandir(folder))
        except OSError:
            if folder == str(root):
                raise
            continue  # it vanished, or we may not look inside
        entries += len(listing)
        for entry in listing:
            name = entry.name
            if name.startswith("."):
                if job_of_temporary(Path(name)):
                    temporaries.append(Path(entry.path))
            elif name.lower().endswith(".mp4"):
                clips.append(entry.path)
            elif is_photo(Path(name)) and not entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    if entry.is_file():
                        photos[entry.path] = Stamp.of(entry.stat())
            elif entry.is_dir(follow_symlinks=False) and os.path.splitext(name)[1] not in SKIPPED_SUFFIXES:  # noqa: PTH122
                pending.append(entry.path)
    return Scan(photos, frozenset(clips), tuple(temporaries), entries)


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
