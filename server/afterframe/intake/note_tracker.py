"""Which sidecars and settings files of a folder have to be read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from afterframe.domain import Stamp
from afterframe.intake.foreign_files import FOLDER_FILE
from photometa.sidecar import sidecar_paths

CLOCKS_APART_S = 600.0
"""By so much may the clock that files are stamped by differ from ours, seconds."""


@dataclass(slots=True)
class NoteTracker:
    """What may say something about photos, as it was when last looked at."""

    _known: dict[str, Stamp] = field(default_factory=dict)

    def dealt_with(self, path: Path, stamp: Stamp) -> None:
        """A file was read as it is now."""
        self._known[str(path)] = stamp

    def fresh(self, found: Mapping[str, Stamp], read_times: Callable[[], Mapping[str, float]]) -> set[str]:
        """Those that are new or have changed.

        Of sidecars that are seen for the first time since the start, the ones that are older than the reading of their
        photo were read with it.

        Args:
            found: what a scan found.
            read_times: photo -> when it was read, Unix time in seconds.
        """
        unknown = {path: stamp for path, stamp in found.items() if path not in self._known}
        fresh = {path for path, stamp in found.items() if path not in unknown and not stamp.agrees(self._known[path])}
        if unknown:
            fresh |= {path for path in unknown if os.path.basename(path) == FOLDER_FILE}  # noqa: PTH119 - for speed
            for photo, read_at in read_times().items():
                sidecars = [path for path in sidecar_paths(photo) if path in unknown]
                fresh |= {path for path in sidecars if _changed_at(unknown[path]) > read_at - CLOCKS_APART_S}
        self._known.update(found)
        return fresh


def _changed_at(stamp: Stamp) -> float:
    return max(stamp.mtime_ns, stamp.ctime_ns or 0) / 1e9
