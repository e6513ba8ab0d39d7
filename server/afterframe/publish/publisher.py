"""How a rendered clip becomes a published one: its name, its packet, its place beside the photo, its catalogue row.

The renderer begins and finishes a publication; the daemon and ``afterframe animate`` roll forward what a crash
interrupted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from afterframe.config import Settings
from afterframe.domain import Clip, Job, Verdict
from afterframe.errors import AfterframeError, PhotoError, PublishError
from afterframe.imaging.frames import Frames
from afterframe.naming import poster_of, sidecar_of
from afterframe.publish.backlink import write_back_link
from afterframe.publish.free_name import choose_name
from afterframe.publish.placement import Publication, discard, embed_and_write_sidecar, place
from afterframe.publish.sidecar import MadeBy, read_clip, sidecar_properties
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of
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

    @property
    def duration_s(self) -> float:
        """Length, seconds."""
        return self.frames.count / self.frames.fps


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
        photo = self._catalog.photo_at(Path(rendered.job.photo_path))
        with _restored_on_error(rendered.temporary), self._db.transaction():
            clip, replaces_sha256 = self._new_clip(rendered)
            packet = packet_of(
                sidecar_properties(clip, rendered.made_by, photo.facts if photo else {}, rendered.frames.count)
            )
            clip = replace(clip, sha256=embed_and_write_sidecar(rendered.temporary, packet))
            publication = _publication(rendered.temporary, clip, packet, replaces_sha256)
            self._queue.begin_publish(rendered.job.id, owner, clip.path, publication.to_dict())
        return publication

    def _new_clip(self, rendered: RenderedClip) -> tuple[Clip, str | None]:
        """The catalogue's row of the new clip, and the hash of the earlier clip that it replaces."""
        job, frames = rendered.job, rendered.frames
        path, variant, replaces_sha256 = self._name(job)
        clip = Clip(
            id=str(uuid.uuid4()),
            photo_id=job.photo_id,
            photo_path=job.photo_path,
            photo_sha256=job.photo_sha256,
            path=str(path),
            sidecar_path=str(sidecar_of(path)),
            sha256="",
            recipe=replace(job.recipe, size=frames.size, fps=frames.fps, duration_s=rendered.duration_s),
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
        )
        return clip, replaces_sha256

    def _name(self, job: Job) -> tuple[Path, int, str | None]:
        """Path and variant of the new clip, and the hash of the clip that stands there and is replaced."""
        outdated = self._outdated(job)
        if outdated:
            return Path(outdated.path), outdated.variant, outdated.sha256
        ours = {clip.path for clip in self._catalog.clips_of(job.photo_id)}
        path, variant = choose_name(Path(job.photo_path), ours, lambda other: self._queue.is_reserved(str(other)))
        return path, variant, None

    def _outdated(self, job: Job) -> Clip | None:
        """The clip of the photo's earlier content, if nobody rated, approved, refined or edited it."""
        for clip in self._catalog.clips_of(job.photo_id):
            untouched = clip.verdict == Verdict.NONE and clip.rating == 0 and not self._catalog.refined(clip.id)
            if clip.present and clip.photo_sha256 != job.photo_sha256 and untouched:
                path = Path(clip.path)
                if path.is_file() and sha256_of(path) == clip.sha256:
                    return clip
        return None

    def publish(self, job_id: str, publication: Publication) -> None:
        """Put a clip in place and record it. Doing it again is harmless.

        A clip that was lost, or whose name a stranger's file has taken, is rendered again.

        Raises:
            PublishError: the folder cannot be written, say.
            sqlite3.OperationalError: the state file cannot be written. Call again.
        """
        try:
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
                    self.publish(job_id, Publication.from_dict(body))
                except AfterframeError as error:
                    log.error("%s: %s", body.get("clip"), error)  # noqa: TRY400 - it says it all in words
                    self._queue.fail(job_id, owner, error)


def _publication(temporary: Path, clip: Clip, packet: bytes, replaces_sha256: str | None) -> Publication:
    poster = temporary.with_suffix(".jpg")
    return Publication(
        temporary=str(temporary),
        clip=clip.path,
        clip_sha256=clip.sha256,
        sidecar=clip.sidecar_path,
        packet=packet.decode(),
        replaces_sha256=replaces_sha256,
        poster_temporary=str(poster) if poster.exists() else None,
        poster=str(poster_of(Path(clip.path))) if poster.exists() else None,
        record=clip.to_dict(),
    )


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
