"""Clips that lie in a folder already: moved or copied with their photo, or made by an Afterframe that is forgotten.

The folder is the durable record. It is asked before a photo is rendered, so that a lost state file, an older one, or
another daemon on the same folder makes no clip twice.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from afterframe.domain import Clip, Job
from afterframe.errors import PhotoError
from afterframe.naming import bases_for, clip_path, is_our_poster, poster_of, sidecar_of
from afterframe.publish.folder_check import is_there
from afterframe.publish.sidecar import read_clip, write_identity, write_photo_link
from afterframe.state.catalog import Catalog
from afterframe.system.hashing import sha256_of
from afterframe.system.paths import are_one, stands_as_spelled
from photometa.rename import move_to_free_name

log = logging.getLogger(__name__)


ReadClip = Callable[[Path], Clip | None]
"""Reads a sidecar, see :func:`afterframe.publish.sidecar.read_clip`."""


def clips_beside(photo: Path, sha256: str, read_clip: ReadClip, others: Iterable[Path] = ()) -> list[Clip]:
    """Clips of this very photo that lie beside it: it was moved with them, or the state file was lost.

    A sidecar whose clip was deleted counts too: the photographer did not want it.

    Args:
        read_clip: where the folder may be anybody's, in a process that can be killed.
        others: sidecars that are to be looked at though their names do not begin as the photo's does.
    """
    found = []
    for sidecar in dict.fromkeys([*map(photo.with_name, _sidecar_names(photo)), *others]):
        clip = _read(sidecar, read_clip)
        if clip and clip.photo_sha256 == sha256 and _may_be_of(clip, photo):
            found.append(_hashed(clip))
    return [clip for clip in found if clip]


def _may_be_of(clip: Clip, photo: Path) -> bool:
    """Whether a clip names this photo, or one that is not there: the two were renamed together."""
    return clip.photo_path == str(photo) or not stands_as_spelled(Path(clip.photo_path), [photo.parent])


def _sidecar_names(photo: Path) -> list[str]:
    """What may be sidecars of a photo's clips, by name; listed once, for a folder may hold thousands."""
    try:
        names = os.listdir(photo.parent)  # noqa: PTH208 - names alone
    except OSError:
        return []
    bases = tuple(base.casefold() for base in bases_for(photo))  # it may have been renamed in its case alone
    return sorted(name for name in names if name.casefold().startswith(bases) and name.endswith(".mp4.xmp"))


def clip_at(sidecar: Path, read_clip: ReadClip) -> Clip | None:
    """The clip of a sidecar, with its hash; None where there is none that can be trusted."""
    clip = _read(sidecar, read_clip)
    return clip and _hashed(clip)


def _read(sidecar: Path, read_clip: ReadClip) -> Clip | None:
    try:
        return read_clip(sidecar)
    except (PhotoError, OSError) as error:
        log.warning("%s", error)
        return None


def _hashed(clip: Clip) -> Clip | None:
    try:
        return replace(clip, sha256=sha256_of(Path(clip.path)) if clip.present else "")
    except OSError as error:
        log.warning("%s", error)
        return None


class Adoption:
    """Takes clips that were found in folders into the catalogue.

    Args:
        backups: where sidecars are kept before they are changed.
        rename_clips: clips are renamed with their photo.
    """

    def __init__(self, catalog: Catalog, backups: Path, *, rename_clips: bool = False) -> None:
        self._catalog = catalog
        self._backups = backups
        self._rename_clips = rename_clips
        self._following = threading.Lock()

    def adopt(self, clip: Clip, photo_id: int, roots: Iterable[Path] = ()) -> Clip:
        """Put a clip into the catalogue. A copy of a clip that still stands elsewhere gets an id of its own.

        Args:
            roots: the folders that Afterframe knows.
        """
        clip = replace(clip, photo_id=photo_id)
        known = self._catalog.find_clip(clip.id)
        if known and known.path != clip.path and _stands_elsewhere(Path(known.path), Path(clip.path), roots):
            clip = self._with_own_id(clip)
        elif known and not clip.present:
            clip = replace(clip, sha256=known.sha256)  # by which it is known again when it comes back
        self._catalog.put_clip(clip)
        return clip

    def _with_own_id(self, clip: Clip) -> Clip:
        """The row that the catalogue has for the copy already, or a new one, whose id its sidecar gets."""
        earlier = self._catalog.clip_at(Path(clip.path))
        own = replace(clip, id=earlier.id if earlier else str(uuid.uuid4()))
        try:
            write_identity(own, self._backups)
        except PhotoError as error:
            log.warning("%s: its sidecar keeps the id of the clip that it is a copy of: %s", clip.path, error)
        return own

    def follow_moved(self) -> None:
        """Let the files of moved photos' clips follow them; also what a crash interrupted.

        Outside of any transaction: a folder may be slow, and nobody else could write meanwhile.
        """
        while photos := self._catalog.moved_photos():
            if not self._following.acquire(blocking=False):
                return  # another thread is at it, and looks again
            try:
                for photo_id in photos:
                    try:
                        self.follow(photo_id)
                    except Exception:  # one strange file must not be met again for ever
                        log.exception("the clips of photo %s", photo_id)
                    self._catalog.clips_followed(photo_id)
            finally:
                self._following.release()

    def follow(self, photo_id: int) -> None:
        """Let the sidecars of a moved photo's clips name it as it is called now."""
        for known in self._catalog.clips_of(photo_id):
            clip = self._renamed(known) if self._rename_clips else known
            if clip.present and os.path.lexists(clip.sidecar_path):
                try:
                    write_photo_link(clip, self._backups)
                except PhotoError as error:
                    log.warning("%s: its sidecar still names the photo as it was called: %s", clip.path, error)

    def _renamed(self, clip: Clip) -> Clip:
        """A clip under the name that its photo gives it; it keeps its own where that is taken or cannot be given."""
        photo = Path(clip.photo_path)
        for base in bases_for(photo):
            target = clip_path(photo, base, clip.variant)
            if target == Path(clip.path) or not (clip.present or _is_renamed(clip, target)):
                return clip
            try:
                if not _move_with_sidecar(clip, target):
                    continue
            except OSError as error:
                log.warning("%s keeps its name: %s", clip.path, error)
                return clip
            moved = replace(clip, path=str(target), sidecar_path=str(sidecar_of(target)), present=True)
            self._catalog.put_clip(moved)
            return self._catalog.clip(clip.id)
        return clip


def _is_renamed(clip: Clip, target: Path) -> bool:
    """Whether a clip stands under its new name already: a crash came before its sidecar, or the catalogue, followed."""
    try:
        return not os.path.lexists(clip.path) and sha256_of(target) == clip.sha256
    except OSError:
        return False


def _move_with_sidecar(clip: Clip, target: Path) -> bool:
    """Rename a clip, its sidecar and its poster; whether the names were free. It can be repeated after a crash.

    Raises:
        OSError: they cannot be renamed; the clip and its sidecar are as they were.
    """
    source = Path(clip.path)
    pairs = ((source, target), (sidecar_of(source), sidecar_of(target)))
    taken = [new for old, new in pairs if os.path.lexists(new) and not are_one(old, new)]
    if taken and not _is_renamed(clip, target):
        return False
    if not taken:
        _rename(source, target)
    try:
        if os.path.lexists(sidecar_of(source)):
            _rename(sidecar_of(source), sidecar_of(target))
    except OSError:
        _rename(target, source)
        raise
    with contextlib.suppress(OSError):
        if is_our_poster(poster_of(source)):
            _rename(poster_of(source), poster_of(target))
    return True


def _rename(source: Path, target: Path) -> None:
    if are_one(source, target):
        source.rename(target)  # only the case of its name changes: to the system, the new name is taken
    else:
        move_to_free_name(source, target)


def standing_clip(job: Job) -> Clip | None:
    """A clip beside the photo that makes a render needless.

    A photo is animated by itself only once, so that any clip of it will do; one that was asked for must be the same.
    """
    for clip in clips_beside(Path(job.photo_path), job.photo_sha256, read_clip):
        is_any = job.origin == "watch" and not job.replaces
        if clip.present and clip.id != job.replaces and (is_any or _is_same(clip, job)):
            return clip
    return None


def _is_same(clip: Clip, job: Job) -> bool:
    """Whether a clip is what a job would make. Its length is a whole number of frames."""
    recipe = replace(clip.recipe, duration_s=job.recipe.duration_s)
    made = (recipe.hash, recipe.seed, clip.generator, clip.parent_clip)
    as_long = abs(clip.duration_s - job.recipe.duration_s) <= 1 / job.recipe.fps
    return as_long and made == (job.recipe.hash, job.recipe.seed, job.generator, job.parent_clip)


def _stands_elsewhere(known: Path, path: Path, roots: Iterable[Path]) -> bool:
    return stands(known, roots) and not are_one(known, path)


def stands(path: Path, roots: Iterable[Path] = ()) -> bool:
    """Whether a file is there, or may be: its folder is away."""
    return os.path.lexists(path) or not is_there(path.parent, roots)
