"""Sidecars and afterframe.toml that arrive, or change, after their photo was read.

Photo programs write a photo first and its sidecar later, and photographers caption what they have exported already. A
render that has not begun takes the new words. A clip that the watch made, and nobody judged, is made again once, when
the words changed soon after the photo had come and then stood still. For every other clip the page offers it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from afterframe.config import Settings
from afterframe.domain import Clip, Job, JobState, Photo, Verdict
from afterframe.errors import PhotoError, RecipeError, Stopping
from afterframe.formats import strict_json
from afterframe.generators import registry
from afterframe.intake.composition import Basis, Composed
from afterframe.intake.foreign_files import FOLDER_FILE
from afterframe.intake.ingest import Ingest
from afterframe.intake.photo_reader import Reading
from afterframe.recipe import own_words
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import NewJob, Queue
from photometa import Facts
from photometa.sidecar import sidecar_paths

SOON_S = 600.0
"""So long after a photo came, changed words make its clip again, seconds."""
STILL_S = 60.0
"""So long must they have stood still, seconds."""
AT_ONCE = 8
"""Renders composed again in one step."""

log = logging.getLogger(__name__)


class LateWords:
    """Composes recipes again when what was said about a photo has changed.

    Args:
        ingest: reads and composes.
        read_facts: reads a photo's metadata alone, with its sidecar, in a process that can be killed.
    """

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        queue: Queue,
        settings: Settings,
        ingest: Ingest,
        read_facts: Callable[[Path], Facts],
    ) -> None:
        self._db = database
        self._catalog = catalog
        self._queue = queue
        self._settings = settings
        self._ingest = ingest
        self._read_facts = read_facts
        self._pending: dict[str, None] = {}
        """Ids of renders that are to be composed again, in the order in which they will be done."""

    def note(self, path: Path) -> bool:
        """A sidecar or an afterframe.toml has arrived or changed, or an afterframe.toml is gone.

        Returns:
            False: the readers were closed, ask again.
        """
        if path.name == FOLDER_FILE:
            self._pending |= dict.fromkeys(job.id for job in self._queue.queued_under(path.parent))
            return True
        try:
            for photo in self._catalog.photos_named(path.parent, path.stem):
                if str(path) in sidecar_paths(photo.path):
                    self._read_again(photo)
        except Stopping:
            return False
        return True

    def step(self) -> bool:
        """Compose some renders again, and make again what has stood still; whether more is to be done at once."""
        try:
            for job_id in list(self._pending)[:AT_ONCE]:
                del self._pending[job_id]
                self._compose_again(self._queue.get(job_id))
            for photo, changed_at in self._catalog.words_still_for(STILL_S):
                self._deal_with(photo, changed_at)
        except Stopping:
            return False
        return bool(self._pending)

    def _read_again(self, photo: Photo) -> None:
        try:
            facts = self._read_facts(Path(photo.path))
        except PhotoError as error:
            log.warning("%s: its sidecar is not read again: %s", photo.path, error)
            return
        said = strict_json.loads(strict_json.dumps(facts.to_dict()))
        changed = said != photo.facts
        if changed:
            self._catalog.renew_facts(photo.id, said, words_changed=own_words(facts) != words_of(photo))
        for job in self._queue.of_photo(photo.id):
            is_open = job.photo_sha256 == photo.sha256 and (job.state is JobState.QUEUED or job.state.retryable)
            # Somebody may have asked for the photo meanwhile: its facts are new then, and this render is not.
            if is_open and job.basis and (changed or Basis.from_dict(job.basis).words != own_words(facts)):
                self._compose_again(job)

    def _compose_again(self, job: Job) -> None:
        photo = self._catalog.photo_at(Path(job.photo_path))
        if photo is None or photo.sha256 != job.photo_sha256 or job.basis is None:
            return
        try:
            composed = self._compose(photo, Basis.from_dict(job.basis))
        except (PhotoError, RecipeError) as error:
            log.warning("%s is rendered as it was queued: %s", job.photo_path, error)
            return
        self._queue.renew_recipe(job, composed.recipe, composed.basis.to_dict())

    def _compose(self, photo: Photo, basis: Basis) -> Composed:
        path = Path(photo.path)
        photo = self._ingest.looked_at(photo)
        if photo.upright_size is None:  # an earlier version read it
            return self._ingest.composer.compose(path, self._ingest.inspect(path), basis)
        facts = self._read_facts(path)
        reading = Reading(photo.sha256, photo.size, photo.mtime_ns, facts, photo.scene, photo.upright_size)
        return self._ingest.composer.compose(path, reading, basis)

    def _deal_with(self, photo: Photo, changed_at: float) -> None:
        """Make a photo's clip again, if the rule says so; else the page offers it."""
        jobs = [job for job in self._queue.of_photo(photo.id) if job.photo_sha256 == photo.sha256]
        of_watch = [job for job in jobs if job.origin == "watch"]
        if any(job.state.held for job in of_watch):
            return  # it is being made; looked at when it is done
        clip = self._clip_to_replace(photo, of_watch) if changed_at - _arrival(of_watch) <= SOON_S else None
        try:
            composed = self._compose(photo, Basis()) if clip else None
        except (PhotoError, RecipeError) as error:
            log.warning("%s is not made again: %s", clip and clip.path, error)
            composed = None
        with self._db.transaction():
            if not self._catalog.settle_words(photo.id, make_again=composed is not None) or not (clip and composed):
                return
            generator = registry.resolve(self._settings.config.render.generator, self._settings)
            self._queue.enqueue(
                NewJob(
                    photo,
                    composed.recipe,
                    generator,
                    origin="watch",
                    basis=composed.basis.to_dict(),
                    replaces=clip.id,
                )
            )

    def _clip_to_replace(self, photo: Photo, of_watch: list[Job]) -> Clip | None:
        """The clip that the watch made of a photo with other words, if nobody has judged it."""
        done = [job for job in of_watch if job.state is JobState.DONE and job.clip_id]
        if not done or done[-1] is not of_watch[-1] or not done[-1].basis:
            return None
        clip = self._catalog.find_clip(done[-1].clip_id or "")
        if clip is None or not clip.present or clip.rating or clip.verdict is not Verdict.NONE:
            return None
        is_old = Basis.from_dict(done[-1].basis).words != words_of(photo)
        return clip if is_old and not self._catalog.refined(clip.id) else None


def words_of(photo: Photo) -> tuple[str, ...]:
    """A photo's title, caption and keywords, as the catalogue knows them."""
    said = photo.facts
    keywords = tuple(str(keyword) for keyword in said.get("keywords") or ())
    persons = tuple(str(person) for person in said.get("persons") or ())
    return own_words(Facts(title=said.get("title"), caption=said.get("caption"), keywords=keywords, persons=persons))


def _arrival(jobs: list[Job]) -> float:
    return jobs[0].created_at if jobs else float("-inf")
