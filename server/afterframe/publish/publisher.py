"""How a rendered clip becomes a published one: its name, its packet, its place beside the photo, its catalogue row.

The renderer begins and finishes a publication; the daemon and ``afterframe animate`` roll forward what a crash
interrupted.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from afterframe.config import Settings
from afterframe.domain import Clip, Job, Recipe, Verdict
from afterframe.errors import AfterframeError, Cancelled, FolderUnavailable, PhotoError, PublishError, Unavailable
from afterframe.imaging.frames import Frames
from afterframe.naming import poster_of, sidecar_of
from afterframe.publish.backlink import write_back_link
from afterframe.publish.folder_check import check_is_there, explained
from afterframe.publish.free_name import choose_name
from afterframe.publish.placement import Publication, discard, embed_and_write_sidecar, place
from afterframe.publish.sidecar import MadeBy, read_clip, sidecar_properties
from afterframe.publish.taken import tag_clip
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of
from photometa import MetadataError
from photometa.containers.mp4 import read_xmp
from photometa.xmp.packets import packet as packet_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RenderedClip:
    """A clip that was encoded and verified, and is not published yet."""

    job: Job
    """The render that it came from, with the recipe as the generator adapted it."""
    temporary: Path
    """The clip under its hidden name; a poster may stand beside it."""
    made_by: MadeBy
    frames: Frames
    """What was encoded, read to its end."""
    measures: Mapping[str, float]
    """How true it is to its photo, see ``afterframe.grade.fidelity``."""
    cost: Mapping[str, float]
    """What it cost, see ``afterframe.render.cost``."""

    @property
    def duration_s(self) -> float:
        """Length, seconds."""
        return self.frames.count / self.frames.fps


@dataclass(frozen=True, slots=True)
class _Replaced:
    """What a new clip takes the place of: the hashes of the earlier clip and its sidecar."""

    clip_sha256: str
    sidecar_sha256: str


class Publisher:
    """Puts clips beside their photos and into the catalogue."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._db = database
        self._settings = settings
        self._catalog = Catalog(database)
        self._queue = Queue(database)

    def begin(self, rendered: RenderedClip, owner: str) -> Publication:
        """Commit what is about to be published. The name is chosen and reserved in one transaction.

        Args:
            owner: the id under which the job's lease is held.
        Returns:
            What :meth:`publish` takes.
        Raises:
            LeaseLost, WrongState: the job was given to another worker, or cancelled.
            PublishError: no name can be found, or the disk is full.
            sqlite3.OperationalError: the state file cannot be written. The clip is as it was: call again.
        """
        check_real_folder(rendered.job)
        rendered = replace(rendered, job=self._as_called_now(rendered.job))
        photo = self._catalog.photo_at(Path(rendered.job.photo_path))
        facts = photo.facts if photo else {}
        _tag(rendered.temporary, facts)
        with _restored_on_error(rendered.temporary), self._db.transaction():
            clip, replaced = self._new_clip(rendered)
            packet = packet_of(sidecar_properties(clip, rendered.made_by, facts, rendered.frames.count))
            clip = replace(clip, sha256=embed_and_write_sidecar(rendered.temporary, packet))
            publication = _publication(rendered.temporary, clip, packet, replaced)
            self._queue.begin_publish(rendered.job.id, owner, clip.path, publication.to_dict())
        return publication

    def _as_called_now(self, job: Job) -> Job:
        """With the name that the photo has now: it may have been renamed while it was rendered.

        Raises:
            Unavailable: it was moved to another folder.
        """
        path = Path(self._queue.get(job.id).photo_path)
        if path.parent != Path(job.photo_path).parent:
            raise Unavailable(f"{path.name} was moved while it was rendered.", "It is rendered again.", code="moved")
        return replace(job, photo_path=str(path))

    def _new_clip(self, rendered: RenderedClip) -> tuple[Clip, _Replaced | None]:
        """The catalogue's row of the new clip, and what it replaces."""
        job, frames = rendered.job, rendered.frames
        path, variant, replaced = self._name(job)
        clip = Clip(
            id=str(uuid.uuid4()),
            photo_id=job.photo_id,
            photo_path=job.photo_path,
            photo_sha256=job.photo_sha256,
            path=str(path),
            sidecar_path=str(sidecar_of(path)),
            sha256="",
            recipe=_as_made(job.recipe, frames),
            generator=job.generator,
            generator_version=rendered.made_by.version,
            variant=variant,
            parent_clip=job.parent_clip,
            duration_s=rendered.duration_s,
            verdict=Verdict.NONE,
            rating=0,
            created_at=time.time(),
            present=True,
            measures=rendered.measures,
            cost=rendered.cost,
        )
        return clip, replaced

    def _name(self, job: Job) -> tuple[Path, int, _Replaced | None]:
        """Path and variant of the new clip, and what stands there and is replaced."""
        for clip in self._catalog.clips_of(job.photo_id):
            if replaced := self._replaceable(clip, job):
                return Path(clip.path), clip.variant, replaced
        if job.replaces and job.origin == "watch":
            raise Cancelled(f"The clip of {Path(job.photo_path).name} was judged meanwhile; it stays as it is.")
        ours = {clip.path for clip in self._catalog.clips_of(job.photo_id)}
        path, variant = choose_name(Path(job.photo_path), ours, lambda other: self._queue.is_reserved(str(other)))
        return path, variant, None

    def _replaceable(self, clip: Clip, job: Job) -> _Replaced | None:
        """A clip of the photo's earlier content or words, if nobody rated, approved, refined or edited it.

        The sidecar is the authority: any byte of it that we did not write when the clip was published counts.
        """
        untouched = clip.verdict == Verdict.NONE and clip.rating == 0 and not self._catalog.refined(clip.id)
        is_old = clip.photo_sha256 != job.photo_sha256 or clip.id == job.replaces
        if not (clip.present and is_old and untouched):
            return None
        if Path(clip.path).parent != Path(job.photo_path).parent:
            return None
        path, sidecar = Path(clip.path), Path(clip.sidecar_path)
        try:
            if path.is_file() and sha256_of(path) == clip.sha256 and sidecar.is_file():
                standing = sidecar.read_bytes()
                if standing == read_xmp(path):
                    return _Replaced(clip.sha256, hashlib.sha256(standing).hexdigest())
        except (OSError, MetadataError) as error:
            log.warning("%s is left alone: %s", path, error)
        return None

    def publish(self, job_id: str, publication: Publication) -> None:
        """Put a clip in place and record it. Doing it again is harmless.

        A clip that was lost, or whose name a stranger's file has taken, is rendered again.

        Raises:
            PublishError: the folder cannot be written, say.
            sqlite3.OperationalError: the state file cannot be written. Call again.
        """
        try:
            check_real_folder(self._queue.get(job_id))
            place(publication)
        except PublishError as error:
            if error.error_code in ("name_taken", "lost"):
                log.warning("%s; it is rendered again", error)
                self._queue.requeue_publication(job_id)
                return
            discard(Path(publication.temporary))
            raise
        clip = _as_judged(Clip.from_dict(publication.record))
        with self._db.transaction():
            self._catalog.put_clip(clip)
            self._queue.finish(job_id, clip.id)
        log.info("%s", publication.clip)
        if self._settings.config.render.back_link:
            write_back_link(clip, self._settings.home.backups)

    def roll_forward(self, is_gone: Callable[[str], bool]) -> None:
        """Finish the publications that workers began and did not live to finish.

        Args:
            is_gone: whether the worker of an owner id has ended.
        """
        for job_id, owner, body in self._queue.intents():
            if is_gone(owner):
                try:
                    check_is_there(Path(body["clip"]))
                    self.publish(job_id, Publication.from_dict(body))
                except FolderUnavailable as error:
                    log.warning("%s is put in place later: %s", body.get("clip"), error)
                except AfterframeError as error:
                    log.error("%s: %s", body.get("clip"), error)  # noqa: TRY400 - it says it all in words
                    self._queue.fail(job_id, owner, error)


def check_real_folder(job: Job) -> None:
    """Check that a photo's folder is where it was when the render was requested: a link may lead elsewhere by now.

    Raises:
        PublishError: it is not; nothing may be written there.
    """
    folder = Path(job.photo_path).parent
    if job.real_folder is not None and os.path.realpath(folder) != job.real_folder:
        raise PublishError(
            f"The folder {folder} leads elsewhere now than when this clip was requested.",
            "If that is what you want, animate the photo again.",
            code="not_allowed",
        )


def _as_made(recipe: Recipe, frames: Frames) -> Recipe:
    """The recipe with size, rate and length of the clip that came of it: some servers choose their own."""
    made: dict[str, Any] = {"size": frames.size, "fps": frames.fps, "duration_s": frames.count / frames.fps}
    because = dict(recipe.because)
    if frames.size != recipe.size:
        because["size"] = (*because.get("size", ()), f"{frames.size[0]}x{frames.size[1]} is what came of it")
    if frames.count != recipe.frame_count:
        because["duration_s"] = (
            *because.get("duration_s", ()),
            f"{frames.count / frames.fps:.3g} s is what came of it",
        )
    return replace(recipe, **made, because=because)


def _publication(temporary: Path, clip: Clip, packet: bytes, replaced: _Replaced | None) -> Publication:
    poster = temporary.with_suffix(".jpg")
    return Publication(
        temporary=str(temporary),
        clip=clip.path,
        clip_sha256=clip.sha256,
        sidecar=clip.sidecar_path,
        packet=packet.decode(),
        replaces_sha256=replaced.clip_sha256 if replaced else None,
        poster_temporary=str(poster) if poster.exists() else None,
        poster=str(poster_of(Path(clip.path))) if poster.exists() else None,
        record=clip.to_dict(),
        replaces_sidecar_sha256=replaced.sidecar_sha256 if replaced else None,
    )


def _tag(temporary: Path, facts: Mapping[str, Any]) -> None:
    try:
        tag_clip(temporary, facts)
    except OSError as error:
        raise explained(error, temporary) from error


@contextlib.contextmanager
def _restored_on_error(temporary: Path) -> Iterator[None]:
    """Take an embedded packet off again, which is the end of the file: a clip can hold only one."""
    size = temporary.stat().st_size
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.truncate(temporary, size)
        raise


def _as_judged(clip: Clip) -> Clip:
    """With the verdict of the sidecar: the photographer may have given it before a crash was recovered from."""
    with contextlib.suppress(PhotoError):
        if written := read_clip(Path(clip.sidecar_path)):
            return replace(clip, verdict=written.verdict, rating=written.rating)
    return clip
