"""Which photo each clip in a folder was made of, by its bytes: a renamed photo's clips keep their names."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from photometa.regular import NotRegular, open_regular
from photometa.sidecar import MAX_BYTES

FOLDERS_KEPT = 8
"""Folders that are remembered."""
_HASH = re.compile(rb"""photoSHA256\s*(?:=\s*["']|[^<>]*>\s*)([0-9a-f]{64})""")
"""As an attribute, or as an element: other programs write packets anew."""

Hashes = Mapping[Path, str]
_Stamp = tuple[int, int]
"""Size and modification time."""


def photo_hashes(sidecars: Iterable[Path]) -> dict[Path, str]:
    """The hash of the photo that each sidecar names; empty where there is none. For a process that can be killed."""
    return {path: _photo_hash(path) for path in sidecars}


def _photo_hash(sidecar: Path) -> str:
    try:
        with open(open_regular(sidecar), "rb") as file:  # noqa: PTH123 - a descriptor
            found = _HASH.search(file.read(MAX_BYTES))
    except (OSError, NotRegular):
        return ""
    return found[1].decode() if found else ""


class PhotoHashes:
    """The photos' hashes in the sidecars of folders; each is read once for as long as it stays as it is.

    Args:
        read: see :func:`photo_hashes`.
    """

    def __init__(self, read: Callable[[list[Path]], Hashes]) -> None:
        self._read = read
        self._folders: OrderedDict[Path, dict[Path, tuple[_Stamp, str]]] = OrderedDict()

    def sidecars_of(self, folder: Path, sha256: str, known: Collection[str]) -> list[Path]:
        """The sidecars in a folder of clips that were made of a photo with this hash.

        Args:
            known: paths of clips that need not be looked at.
        """
        kept = self._folders.pop(folder, {})
        standing = _sidecars(folder, known)
        unread = [path for path, stamp in standing.items() if path not in kept or kept[path][0] != stamp]
        read = self._read(unread) if unread else {}
        now = {path: (standing[path], read.get(path, "")) for path in unread}
        now |= {path: kept[path] for path in standing if path not in now}
        self._folders[folder] = now
        while len(self._folders) > FOLDERS_KEPT:
            self._folders.popitem(last=False)
        return sorted(path for path, (_, of) in now.items() if of == sha256)


def _sidecars(folder: Path, known: Collection[str]) -> dict[Path, _Stamp]:
    """The sidecars in a folder of clips that are not known."""
    found = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = folder / entry.name
                if entry.name.endswith(".mp4.xmp") and str(path)[:-4] not in known:
                    status = entry.stat()
                    found[path] = (status.st_size, status.st_mtime_ns)
    except OSError:
        pass
    return found
