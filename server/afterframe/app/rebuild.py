"""Rebuilds the catalogue from the sidecars: the state file can be lost without losing what a user decided."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from afterframe.domain import Clip, Photo, Stamp
from afterframe.errors import PhotoError
from afterframe.intake.foreign_names import KNOWN_NAMES
from afterframe.intake.photo_reader import Reading
from afterframe.publish.adoption import Adoption
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.system.hashing import sha256_of


@dataclass(slots=True)
class RebuildReport:
    """What a rebuild found."""

    clips: list[Path] = field(default_factory=list)
    deleted: list[Path] = field(default_factory=list)
    """Clips whose sidecar is there but whose file the photographer deleted: they stay deleted."""
    problems: list[tuple[Path, PhotoError]] = field(default_factory=list)

    def __iadd__(self, other: RebuildReport) -> Self:
        self.clips += other.clips
        self.deleted += other.deleted
        self.problems += other.problems
        return self

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "clips": [str(path) for path in self.clips],
            "deleted": [str(path) for path in self.deleted],
            "problems": [{"path": str(path), "error": error.to_dict()} for path, error in self.problems],
        }


def rebuild(
    folder: Path,
    database: Database,
    adoption: Adoption,
    read: Callable[[Path], Reading],
    read_clip: Callable[[Path], Clip | None],
    progress: Callable[[Path], None] = lambda path: None,
) -> RebuildReport:
    """Read every sidecar of ours under a folder into the catalogue. Repeating it changes nothing.

    Args:
        read: reads a photo, for its facts.
        read_clip: reads a sidecar. Both in a process that can be killed: one bad file must not stop the others.
    """
    found = RebuildReport()
    for sidecar in _sidecars(folder):
        progress(sidecar)
        try:
            clip = read_clip(sidecar)
            if clip is None:
                continue
            with database.transaction():
                _restore(clip, adoption, Catalog(database), read)
        except PhotoError as error:
            found.problems.append((sidecar, error))
            continue
        except OSError as error:
            found.problems.append((sidecar, _unreadable(sidecar, error)))
            continue
        (found.clips if clip.present else found.deleted).append(Path(clip.path))
    return found


def _unreadable(sidecar: Path, error: OSError) -> PhotoError:
    return PhotoError(
        f"{sidecar.name} or its clip cannot be read: {error.strerror or error}.", "Check the disk.", code="unreadable"
    )


def _restore(clip: Clip, adoption: Adoption, catalog: Catalog, read: Callable[[Path], Reading]) -> None:
    photo = _photo(Path(clip.photo_path), clip, catalog, read)
    if clip.present:
        clip = replace(clip, sha256=sha256_of(Path(clip.path)))
    adoption.adopt(clip, photo.id)
    catalog.mark_auto_animated(Path(clip.photo_path), clip.photo_sha256)


def _sidecars(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not KNOWN_NAMES.has_folder(name))
        yield from (Path(root, name) for name in sorted(names) if name.endswith(".mp4.xmp"))


def _photo(path: Path, clip: Clip, catalog: Catalog, read: Callable[[Path], Reading]) -> Photo:
    known = catalog.photo_at(path)
    if known:
        return known
    try:
        reading = read(path)
    except PhotoError:
        # The photo was moved or is damaged; its clip is kept all the same.
        return catalog.put_photo(path, Stamp(0, 0), clip.photo_sha256, {})
    if reading.sha256 != clip.photo_sha256:
        # Exported again since: with this stamp the next scan takes it for a new photo.
        return catalog.put_photo(path, Stamp(0, 0), clip.photo_sha256, {})
    return catalog.put_photo(
        path, reading.stamp, reading.sha256, reading.facts.to_dict(), reading.scene, reading.upright_size
    )
