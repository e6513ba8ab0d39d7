"""The fast half of a photo's path: a settled file -> facts -> recipe -> render job.

Automatic ingest and explicit requests go through the same stages; they differ only in what
makes them the same as an earlier one.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from afterframe.config import Settings
from afterframe.domain import Clip, Failure, Job, JobState, Photo, Recipe, Stamp
from afterframe.errors import FolderUnavailable, PhotoError, RecipeError, Stopping
from afterframe.generators import registry
from afterframe.intake.composition import Basis, Composer, Overrides
from afterframe.intake.end_photo import check_end_photo
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.photo_reader import Reading
from afterframe.naming import fits, longest_names, sidecar_of
from afterframe.publish.adoption import Adoption, clip_at, clips_beside, stands
from afterframe.publish.folder_check import is_there, unlisted, widest_fault
from afterframe.publish.photo_hashes import PhotoHashes
from afterframe.recipe import validate
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.held_folders import HeldFolders
from afterframe.state.queue import NewJob, Queue
from afterframe.system.hashing import sha256_of
from afterframe.system.paths import spelled_below, stands_as_spelled
from photometa.rename import move_to_free_name

STILL_ARRIVING = frozenset({"empty", "truncated", "not_a_photo", "changing", "no_permission", "unreadable"})
"""What a file may look like only because it is not all there yet."""
OF_FOLDERS = frozenset({"unreadable", "no_permission", "missing", "photo"})
"""What a photo may look like only because its folder is away, its disk fails, or nobody may read it for now."""

MAX_PARALLEL_READS = max(1, min(4, os.cpu_count() or 1))
"""Photos read at a time when many are asked for."""
T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What somebody asks for beyond the photo itself."""

    overrides: Overrides
    """Recipe fields that the user set for this photo."""
    refined: Overrides = field(default_factory=dict)
    """The fields of the clip that this one refines; the user's own win over them."""
    generator: str | None = None
    parent_clip: str | None = None
    reserved_for: str | None = None
    look: bool = False
    """Add the look that the camera gave to the prompt that somebody wrote."""
    extends: str = ""
    """The id of the clip to which another part is added."""


class Ingest:
    """Photos in, jobs out.

    Args:
        read: reads one photo, in a process that can be killed.
        files: reads what else lies in the photo's folder, likewise.
    """

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        queue: Queue,
        settings: Settings,
        read: Callable[[Path], Reading],
        files: ForeignFiles,
    ) -> None:
        self._db = database
        self._catalog = catalog
        self._queue = queue
        self._settings = settings
        self._config = settings.config
        self._read = read
        self._files = files
        self.composer = Composer(settings, files)
        self._hashes = PhotoHashes(files.photo_hashes)
        self._folders, self._held = FolderList(database), HeldFolders(database)
        self.adoption = Adoption(catalog, settings.home.backups, rename_clips=settings.config.files.rename_clips)

    def accept(self, path: Path, *, final: bool = True) -> bool:
        """Animate a settled photo by itself, once per path and content.

        Args:
            final: False: the file may still be arriving; a broken one is left for later.
        Returns:
            Whether the file is settled for good: queued, known already, or refused.
        """
        if self._is_as_read(path):
            return True
        try:
            self._check_name(path)
            validate(self._files.folder_settings(path.parent))  # first: it is cheaper than to read the photo
            reading = self._read(path)
            composed = self.composer.compose(path, reading)
            clips = clips_beside(path, reading.sha256, self._files.clip, self._other_sidecars(path, reading.sha256))
        except Stopping:
            return False
        except (PhotoError, RecipeError) as error:
            if error.error_code == "own_output":
                return True
            if not final and error.error_code in STILL_ARRIVING:
                return False
            if fault := self._folder_fault(path, error):
                self._held.hold(fault.folder, Failure(**fault.to_dict()))
            else:
                self._refuse(path, error)
            return True
        with self._db.transaction():
            photo = self._remember(path, reading)
            for clip in clips:
                self.adoption.adopt(clip, photo.id, self._roots())
                self._catalog.let_clips_follow(photo.id)  # they may have been renamed together with it
            if self._catalog.mark_auto_animated(path, reading.sha256) and not clips:
                self._drop_outdated(photo)
                generator = registry.resolve(self._config.render.generator, self._settings)
                self._queue.enqueue(
                    NewJob(photo, composed.recipe, generator, origin="watch", basis=composed.basis.to_dict())
                )
        self.adoption.follow_moved()
        return True

    def _is_as_read(self, path: Path) -> bool:
        """Whether a photo has the bytes that it had, though its rights have changed, say, or it was put there anew."""
        known = self._catalog.photo_at(path)
        try:
            stamp = Stamp.of(path.stat())
            if not (known and stamp == known.stamp and sha256_of(path) == known.sha256):
                return False
        except OSError:
            return False
        if self._catalog.problem_at(path):
            return False
        self._catalog.renew_stamp(path, stamp)
        return True

    def as_spelled(self, path: Path) -> Path:
        """A path as a user spelled it, as its folders do: below one of ours, or from the top."""
        return spelled_below(path, self._roots())

    def request(self, path: Path, wanted: RenderRequest) -> list[Job]:
        """Animate a photo because somebody asked; one job for each variant.

        Raises:
            PhotoError: the photo cannot be animated.
            RecipeError: a setting cannot be used.
            NotFound: there is no such generator.
        """
        generator = self._generator(wanted)
        jobs = self._queue_renders(path, self._read_photo(path), wanted, generator)
        self.adoption.follow_moved()
        return jobs

    def request_many(self, paths: Sequence[Path], wanted: RenderRequest) -> Iterator[list[Job] | Exception]:
        """:meth:`request` for each photo, in order; several are read at a time. An error stands for its photo."""
        generator = self._generator(wanted)
        with ThreadPoolExecutor(MAX_PARALLEL_READS) as threads:
            for path, reading in zip(paths, threads.map(partial(_or_error, self._read_photo), paths), strict=True):
                if isinstance(reading, Exception):
                    yield reading
                else:
                    yield _or_error(partial(self._queue_renders, path, reading, wanted), generator)
        self.adoption.follow_moved()

    def adopt_upload(self, staged: Path, path: Path, wanted: RenderRequest | None) -> list[Job]:
        """Put a photo that was sent to us in place, known before it can be seen, so that the watch leaves it alone.

        Args:
            staged: the photo under its own name, in a hidden folder on the same disk.
            wanted: what to make of it; None: nothing.
        Raises:
            FileExistsError: something stands at ``path``; nothing has changed.
            PhotoError, RecipeError, NotFound: as :meth:`request`; nothing has changed.
        """
        generator = self._generator(wanted) if wanted else ""
        reading = self._read_photo(staged)
        with self._db.transaction():
            if wanted:
                jobs = self._queue_renders(path, reading, wanted, generator)
            else:
                jobs = []
                self._remember(path, reading)
                self._catalog.mark_auto_animated(path, reading.sha256)
            # Last: until the commit no worker claims the job, and no other ingest gets past mark_auto_animated.
            move_to_free_name(staged, path)
            with contextlib.suppress(OSError):
                self._catalog.renew_stamp(path, Stamp.of(path.stat()))  # moving it has changed its time of change
        self.adoption.follow_moved()
        return jobs

    def _generator(self, wanted: RenderRequest) -> str:
        return registry.resolve(wanted.generator or self._config.render.generator, self._settings)

    def _queue_renders(self, path: Path, reading: Reading, wanted: RenderRequest, generator: str) -> list[Job]:
        basis = Basis(wanted.overrides, wanted.refined, look=wanted.look, extends=wanted.extends)
        end = {**wanted.refined, **wanted.overrides}.get("end_photo")
        check_end_photo(end, None if wanted.reserved_for else self._roots())
        variants = self.composer.variants(path, reading, basis, generator)
        with self._db.transaction():
            photo = self._remember(path, reading)
            self._catalog.mark_auto_animated(path, reading.sha256)
            self._notice_deleted(photo.id)
            orders = [
                NewJob(
                    photo,
                    composed.recipe,
                    generator,
                    parent_clip=wanted.parent_clip,
                    reserved_for=wanted.reserved_for,
                    basis=composed.basis.to_dict(),
                )
                for composed in variants
            ]
            return [self._queue.enqueue(order)[0] for order in orders]

    def make_again(self, path: Path, maker: Job, replaces: str | None) -> Job:
        """Queue a clip anew, with what photo and folder say by now and whatever was asked for.

        Args:
            maker: the render that it came from, with its basis.
            replaces: the clip whose place it takes; None: it becomes a further variant.
        Raises:
            PhotoError, RecipeError: as :meth:`request`.
        """
        reading = self._read_photo(path)
        composed = self.composer.compose(path, reading, Basis.from_dict(maker.basis or {}))
        order = NewJob(
            self._remember(path, reading),
            replace(composed.recipe, variants=1),
            maker.generator,
            parent_clip=maker.parent_clip,
            basis=composed.basis.to_dict(),
            replaces=replaces,
        )
        job, _ = self._queue.enqueue(order)
        self.adoption.follow_moved()
        return job

    def inspect(self, path: Path) -> Reading:
        """Read a photo; nothing is kept or queued.

        Raises:
            PhotoError: it cannot be animated.
        """
        return self._read_photo(path)

    def looked_at(self, photo: Photo) -> Photo:
        """A photo with what is seen in it today.

        One that nobody looked at, or an earlier version did, is looked at now, and what is seen is kept.

        Raises:
            PhotoError: it cannot be read.
        """
        if photo.scene.current and photo.upright_size:
            return photo
        reading = self.inspect(Path(photo.path))
        if reading.sha256 != photo.sha256:
            return photo  # exported again: it is read anew as that
        self._catalog.renew_scene(photo.id, photo.sha256, reading.scene, reading.upright_size)
        return replace(photo, scene=reading.scene, upright_size=reading.upright_size)

    def recipe_for(self, path: Path, overrides: Overrides) -> Recipe:
        """The recipe that would be used, with its reasons; nothing is queued.

        Raises:
            PhotoError, RecipeError: as :meth:`request`.
        """
        return self.composer.compose(path, self._read_photo(path), Basis(overrides)).recipe

    # -- the stages --------------------------------------------------------------------------

    def _read_photo(self, path: Path) -> Reading:
        self._check_name(path)
        return self._read(path)

    def _check_name(self, path: Path) -> None:
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            shown = str(path).encode("utf-8", "replace").decode()
            raise PhotoError(f"{shown}: the name is not valid Unicode.", "Rename the file.", code="bad_name") from error
        if self._files.is_our_poster(path):
            raise PhotoError(
                f"{path.name} is a poster that Afterframe made.", "Name the photo itself.", code="own_output"
            )
        if not fits(longest_names(path)):
            raise PhotoError(
                f"{path.name}: the name is too long, with what the names of clip and sidecar add to it.",
                "Give the photo or its folders shorter names.",
                code="name_too_long",
            )

    def known_clip(self, path: Path) -> Clip:
        """The clip of a file, listed if it was not yet.

        Raises:
            PhotoError: it is no clip of ours, or its photo is gone or another one by now.
        """
        if self._catalog.clip_at(path) is None and (clip := clip_at(sidecar_of(path), self._files.clip)):
            photo = Path(clip.photo_path)
            reading = self._read_photo(photo)
            known_photo = self._remember(photo, reading)
            for one in clips_beside(photo, reading.sha256, self._files.clip):
                self.adoption.adopt(one, known_photo.id, self._roots())
        known = self._catalog.clip_at(path)
        if known is None or not path.is_file():
            raise PhotoError(
                f"{path.name} is no clip that Afterframe made.",
                "Name a clip (…_motion.mp4) that lies beside its photo, with its sidecar.",
                code="no_clip",
            )
        return known

    def accept_clip(self, path: Path) -> bool:
        """List a clip again whose file came back, or take one of a known photo that the catalogue does not know.

        A file that is not the one that was there is left alone.

        Returns:
            Whether there is nothing more to find out: False where its photo is not known yet.
        """
        clip = clip_at(sidecar_of(path), self._files.clip)
        if clip is None:
            return True
        known = self._catalog.clip_at(path)
        if known and known.id == clip.id and known.sha256 == clip.sha256:
            self._catalog.mark_present(known.id, clip.verdict, clip.rating)
            return True
        photo = self._photo_of(clip)
        if photo is None or (known and known.sha256):
            return known is not None
        with self._db.transaction():
            adopted = self.adoption.adopt(clip, photo.id, self._roots())
            for job in self._queue.of_photo(photo.id):
                same = job.origin == "watch" and job.photo_sha256 == clip.photo_sha256
                if job.state is JobState.QUEUED and same and job.replaces != adopted.id:
                    self._queue.finish(job.id, adopted.id)  # made already
            self._catalog.let_clips_follow(photo.id)
        self.adoption.follow_moved()
        return True

    def _other_sidecars(self, path: Path, sha256: str) -> list[Path]:
        """Sidecars beside a photo that the catalogue does not know, under other names: it was renamed once."""
        if self._catalog.photos_like(sha256):
            return []
        return self._hashes.sidecars_of(path.parent, sha256, self._catalog.clip_paths(path.parent))

    def _photo_of(self, clip: Clip) -> Photo | None:
        """The photo that a clip names; else one with its bytes, whose name has changed since."""
        named = self._catalog.photo_at(Path(clip.photo_path))
        if named and named.sha256 == clip.photo_sha256:
            return named
        if stands_as_spelled(Path(clip.photo_path), self._roots()):
            return None
        return next(iter(self._catalog.photos_like(clip.photo_sha256)), None)

    def hold_unlisted(self, folder: Path, error: OSError) -> None:
        """Hold a folder that cannot be listed: that is told, and it is looked through once it can be."""
        self._held.hold(folder, Failure(**unlisted(folder, error).to_dict()))

    def _notice_deleted(self, photo_id: int) -> None:
        """Check that a photo's clips still exist, so that one that is gone can be made again."""
        roots = self._roots()
        for clip in self._catalog.clips_of(photo_id):
            if clip.present and not stands(Path(clip.path), roots):
                self._catalog.mark_absent(clip.id)

    def _roots(self) -> list[Path]:
        return [folder.path for folder in self._folders.all()]

    def _remember(self, path: Path, reading: Reading) -> Photo:
        moved = self._moved_to(path, reading.sha256)
        if moved:
            self._catalog.move_photo(moved, path)
            self._queue.retry_moved(moved.id)
        return self._catalog.put_photo(
            path, reading.stamp, reading.sha256, reading.facts.to_dict(), reading.scene, reading.upright_size
        )

    def _moved_to(self, path: Path, sha256: str) -> Photo | None:
        """The photo that was renamed or moved to a path: its bytes are not where they were. Else it is a copy."""
        known = self._catalog.photo_at(path)
        if known and known.sha256 == sha256:
            return None
        roots = self._roots()
        for photo in self._catalog.photos_like(sha256):
            if not self._is_still_at(Path(photo.path), photo, roots):
                return photo
        return None

    @staticmethod
    def _is_still_at(path: Path, photo: Photo, roots: Sequence[Path]) -> bool:
        try:
            if not stands_as_spelled(path, roots):  # a system that folds case finds it under its old name, too
                return not os.path.lexists(path) and not is_there(path.parent, roots)
            return Stamp.of(path.stat()).agrees(photo.stamp) or sha256_of(path) == photo.sha256
        except OSError:
            return stands(path, roots)

    def _drop_outdated(self, photo: Photo) -> None:
        """Cancel renders of what the file held before: that photo is gone."""
        for job in self._queue.of_photo(photo.id):
            if job.photo_sha256 != photo.sha256 and job.origin == "watch" and job.state.cancellable:
                self._queue.cancel(job.id)

    def _folder_fault(self, path: Path, error: PhotoError | RecipeError) -> FolderUnavailable | None:
        """What is wrong with the photo's folder, where that may be why the photo could not be read."""
        return widest_fault(path, self._roots()) if error.error_code in ("unreadable", "missing") else None

    def _refuse(self, path: Path, error: PhotoError | RecipeError) -> None:
        try:
            stat = path.stat()
        except OSError:
            return  # gone again: nothing to report
        # With this stamp every scan tries it again: settings may be mended, too.
        again = error.error_code in OF_FOLDERS or isinstance(error, RecipeError)
        self._catalog.record_rejection(path, Stamp(0, 0) if again else Stamp.of(stat), Failure(**error.to_dict()))


def _or_error(work: Callable[[T], R], what: T) -> R | Exception:
    try:
        return work(what)
    except Exception as error:  # noqa: BLE001 - one bad photo never stops the batch; the caller tells it
        return error
