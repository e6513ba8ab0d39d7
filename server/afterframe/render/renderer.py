"""One render: describe, prepare, generate, grade, encode, publish."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from afterframe.config import Settings
from afterframe.domain import Job, Photo, Recipe
from afterframe.encode.process import Encoding
from afterframe.encode.stills import write_poster
from afterframe.errors import Cancelled, PhotoError
from afterframe.generators import describer, registry
from afterframe.generators.interface import Generator, MakesTakes
from afterframe.imaging.decode import decode
from afterframe.imaging.frames import Pixels, PreparedPhoto
from afterframe.naming import POSTER_MARK, preview_of, temporary_for
from afterframe.publish.adoption import Adoption, standing_clip
from afterframe.publish.folder_check import check_folder, check_is_there, room_for
from afterframe.publish.placement import Publication, discard
from afterframe.publish.publisher import Publisher, RenderedClip, check_real_folder
from afterframe.publish.reservation import Reservations, machine_id
from afterframe.publish.sidecar import MadeBy
from afterframe.recipe import add_description, add_reason
from afterframe.render.cost import CostMeter
from afterframe.render.derived_files import load_pixels
from afterframe.render.extension import Extension
from afterframe.render.heartbeat import Heartbeat
from afterframe.render.making import ClipMaking, MadeClip
from afterframe.render.preparation import prepare
from afterframe.render.previews import LivePreview
from afterframe.render.takes import TakeChoice, TakeFolder
from afterframe.scene import Scene
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.held_folders import HeldFolders
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of

_WITHOUT_TAKES = {
    "parallax": "parallax moves the photo's own pixels, whatever the seed: there is nothing to choose from"
}
"""Why a generator makes one take, whatever the recipe says."""

log = logging.getLogger(__name__)


class Renderer:
    """Renders jobs, one after the other.

    Args:
        owner: the id under which the jobs' leases are held.
        load: makes a generator, as :func:`afterframe.generators.registry.load`.
    """

    def __init__(
        self, database: Database, settings: Settings, owner: str, load: Callable[..., Generator] = registry.load
    ) -> None:
        self._catalog = Catalog(database)
        self._queue, self._folders = Queue(database), FolderList(database)
        self.held = HeldFolders(database)
        self._reservations = Reservations(machine_id(settings.home.root))
        self._adoption = Adoption(self._catalog, settings.home.backups)
        self._publisher = Publisher(database, settings)
        self._settings = settings
        self._config = settings.config
        self._owner = owner
        self._load = load
        render = settings.config.render
        self._encoding = Encoding(render.ffmpeg, render.preset, render.crf)
        self._generators: dict[tuple[str, int], Generator] = {}

    def render(self, job: Job, beat: Heartbeat) -> None:
        """The path of one photo, from the claimed job to the published clip.

        Raises:
            AfterframeError: it did not work; nothing is left behind.
        """
        with self._reservations.reserve(job):
            publication = self._make(job, beat)
            if publication is not None:
                beat.retry_through_outage(partial(self._publisher.publish, job.id, publication))

    def _make(self, job: Job, beat: Heartbeat) -> Publication | None:
        """Make the clip and commit what is to be published; None: it stands beside the photo already."""
        with _temporary_of(job, self.folders()) as temporary:
            generator = self._generator(job)
            adopt = partial(self._adopt_standing, job, generator)
            if beat.retry_through_outage(adopt):
                return None
            rendered = self._rendered(job, generator, temporary, beat)
            beat.stop()
            if beat.retry_through_outage(adopt):  # made elsewhere meanwhile
                discard(temporary)
                return None
            check_is_there(Path(job.photo_path), self.folders())  # the drive may have been pulled meanwhile
            return beat.retry_through_outage(partial(self._publisher.begin, rendered, self._owner))

    def _rendered(self, job: Job, generator: Generator, temporary: Path, beat: Heartbeat) -> RenderedClip:
        meter = CostMeter()
        recipe = self._with_caption(job, generator)
        extension = self._extension(recipe, beat)
        recipe = generator.adapt(extension.part_of(recipe) if extension else recipe)
        own = photo = self._prepare(job, recipe, generator.overscan(recipe), beat)
        if extension:
            extension.check(recipe)
            photo = extension.last_frame(own, self._settings.detectors)

        def release() -> None:
            meter.frames_made()
            beat.release_device()

        with LivePreview(preview_of(self._settings.home.cache, job.id)) as preview:
            may_release = None if job.exclusive else release
            making = ClipMaking(generator, own, photo, beat, preview, self._encoding, may_release, extension)
            made = self._made(job, recipe, making, temporary)
        if self._config.render.poster:
            write_poster(temporary, temporary.with_suffix(".jpg"), self._encoding, mark=POSTER_MARK)
        made_by = MadeBy(generator.name, generator.version, generator.capabilities.trained, made.frames.model)
        cost = meter.read(here=not generator.capabilities.elsewhere)
        return RenderedClip(replace(job, recipe=made.recipe), temporary, made_by, made.frames, made.measures, cost)

    def _extension(self, recipe: Recipe, beat: Heartbeat) -> Extension | None:
        if not recipe.extends:
            return None
        clip = beat.retry_through_outage(partial(self._catalog.clip, recipe.extends))
        return Extension(clip, self._encoding)

    def _made(self, job: Job, recipe: Recipe, making: ClipMaking, temporary: Path) -> MadeClip:
        if recipe.takes == 1:
            return making.make(recipe, temporary)
        if isinstance(making.generator, MakesTakes):
            return TakeChoice(making, making.generator, TakeFolder(self._settings.home, job.id)).best(recipe, temporary)
        name = making.generator.name
        why = _WITHOUT_TAKES.get(name, f"{name} makes each clip once: takes need a model on this machine")
        return making.make(add_reason(recipe, "takes", why), temporary)

    def _adopt_standing(self, job: Job, generator: Generator) -> bool:
        """Whether the clip lies beside the photo already: another Afterframe made it, or this one before it forgot."""
        clip = standing_clip(replace(job, recipe=generator.adapt(job.recipe)))
        if clip is None:
            return False
        log.info("%s stands already", clip.path)
        clip = self._adoption.adopt(clip, job.photo_id, self.folders())
        self._queue.finish(job.id, clip.id)
        return True

    def _generator(self, job: Job) -> Generator:
        """The job's generator; it stays for the next job, with whatever it has loaded."""
        wanted = (job.generator, job.plan)
        if wanted not in self._generators:
            self.close()
            self._generators = {wanted: self._load(job.generator, self._settings, job.plan)}
        return self._generators[wanted]

    def _with_caption(self, job: Job, generator: Generator) -> Recipe:
        """The recipe; with what a describer sees in the photo where nobody wrote a word that the model could follow."""
        weights = Path(self._config.vision.describer).expanduser()
        if not (self._config.vision.describer and generator.capabilities.trained and job.recipe.needs_description):
            return job.recipe
        side = describer.SIDE
        pixels, _ = decode(Path(job.photo_path), megapixels=self._config.limits.megapixels, at_least=(side, side))
        words = describer.caption(pixels, weights)
        return add_description(job.recipe, words, weights.name) if words else job.recipe

    def _prepare(self, job: Job, recipe: Recipe, overscan: float, beat: Heartbeat) -> PreparedPhoto:
        path = Path(job.photo_path)
        known = beat.retry_through_outage(partial(self._catalog.photo_at, path))

        def load(at_least: tuple[int, int]) -> Pixels:
            try:
                return decode(path, megapixels=self._config.limits.megapixels, at_least=at_least)[0]
            finally:
                _check_unchanged(path, job)  # a photo that is being replaced looks damaged, too

        photo = known or Photo(job.photo_id, job.photo_path, job.photo_sha256, 0, 0, {})

        def keep(scene: Scene) -> None:
            beat.retry_through_outage(partial(self._catalog.renew_scene, photo.id, photo.sha256, scene))

        prepared = prepare(photo, recipe.size, overscan, load, self._settings.detectors, keep)
        return replace(prepared, end=self._end_photo(recipe)) if recipe.end_photo else prepared

    def _end_photo(self, recipe: Recipe) -> Pixels:
        """The photo that the clip ends with, framed like the first.

        Raises:
            PhotoError: it is gone or cannot be read.
        """
        path = Path(recipe.end_photo)
        load = partial(load_pixels, self._settings, path)
        photo = Photo(0, recipe.end_photo, sha256_of(path) if path.is_file() else "", 0, 0, {})
        return np.ascontiguousarray(prepare(photo, recipe.size, 0.0, load, self._settings.detectors).pixels)

    def folders(self) -> list[Path]:
        """The folders that Afterframe knows."""
        return [folder.path for folder in self._folders.all()]

    def close(self) -> None:
        """Give back what the generators hold."""
        for generator in self._generators.values():
            generator.close()
        self._generators = {}


def leave_cores_to_the_encoder() -> None:
    """Limit OpenCV's threads in this process: x264 takes every core while frames are made."""
    cv2.setNumThreads(max(1, (os.cpu_count() or 1) // 4))


@contextlib.contextmanager
def _temporary_of(job: Job, roots: Sequence[Path]) -> Iterator[Path]:
    """Where a job's clip grows; removed when the block fails.

    Raises:
        PublishError: its folder cannot be written.
    """
    folder = Path(job.photo_path).parent
    check_is_there(Path(job.photo_path), roots)
    check_folder(folder, room_for(job.recipe))
    check_real_folder(job)
    temporary = temporary_for(folder, job.id)
    discard(temporary)
    try:
        yield temporary
    except BaseException:
        discard(temporary)
        raise


def _check_unchanged(path: Path, job: Job) -> None:
    if not path.is_file() or sha256_of(path) == job.photo_sha256:
        return
    if job.origin == "watch":
        raise Cancelled(f"{path.name} was exported again; the new version is animated instead.")
    raise PhotoError(
        f"{path.name} was exported again since this render was requested.", "Request it again.", code="changed"
    )
