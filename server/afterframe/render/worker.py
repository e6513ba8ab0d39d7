"""The slow half of a photo's path, in a process of its own: claim -> generate -> grade -> encode -> publish."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import cv2

from afterframe.config import Home, Settings
from afterframe.domain import Clip, Job, Recipe, Verdict
from afterframe.encode.encode import Encoding, decode_clip, encode, verify, write_poster
from afterframe.errors import (
    AfterframeError,
    Cancelled,
    EncodeError,
    GenerateError,
    OutOfMemory,
    PhotoError,
    PublishError,
    Unavailable,
)
from afterframe.generators import registry
from afterframe.generators.describer import SIDE
from afterframe.generators.describer import describe as describe_picture
from afterframe.generators.interface import Generator
from afterframe.grade.fidelity import Fidelity
from afterframe.grade.match import match_grade
from afterframe.imaging.decode import decode
from afterframe.imaging.frames import EncodedClip, Frames, PreparedPhoto, buffered, every_processor
from afterframe.imaging.framing import frame
from afterframe.naming import POSTER_MARK, poster_of, preview_of, sidecar_of, temporary_for
from afterframe.publish.backlink import write_back_link
from afterframe.publish.files import Publication, check_folder, choose_name, discard, embed_packet, place
from afterframe.publish.sidecar import MadeBy, describe, read_clip
from afterframe.recipe import add_description, needs_description
from afterframe.render.previews import with_live_preview
from afterframe.render.slots import GpuStagger, WorkerSpec
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import LeaseLost, Queue
from afterframe.system import logs
from afterframe.system.hashing import sha256_of
from afterframe.system.signals import hear_interrupts
from afterframe.vision import analyse
from photometa.xmp.packets import packet as packet_of

BEAT_S = 0.5
"""How often progress is told and a wish to stop is noticed, seconds."""
IDLE_S = 0.2
"""How often an idle worker looks for a job, seconds."""
UNAVAILABLE_S = 5.0
"""Until the next job is tried on a server or cluster that was not there, seconds."""
ANY_PLACE = WorkerSpec(lane="")

log = logging.getLogger("afterframe.render.worker")  # __name__ is "__main__" in the process of its own


class Heartbeat:
    """Keeps a job's lease while it makes progress, tells how far it is, and hears a wish to stop."""

    def __init__(self, queue: Queue, job: Job, owner: str, stopping: threading.Event, stall_s: float) -> None:
        self._queue = queue
        self._job = job
        self._owner = owner
        self._stopping = stopping
        self._stall_s = stall_s
        self._wake = threading.Event()
        self._cancelled = False
        self._device_free = threading.Event()
        self._share = 0.0
        self._told_eta: tuple[float, float] | None = None
        self._began = self._moved = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="heartbeat")

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """No more beats: the job is about to change its state."""
        self._wake.set()
        self._thread.join()

    def progress(self, share: float, eta_s: float | None = None) -> None:
        """Tell the share that is done, 0-1; it never goes back: encoding counts the frames a second time."""
        self._moved = time.monotonic()
        if share >= self._share:
            self._share = share
            self._told_eta = None if eta_s is None else (self._moved, eta_s)

    def hand_over(self) -> None:
        """The clip is made: the next render may have the device while this one is finished."""
        self._device_free.set()

    def handed_over(self, timeout_s: float) -> bool:
        """Whether the device is free; waits for it so long at most, seconds."""
        return self._device_free.wait(timeout_s)

    def stopped(self) -> bool:
        """Whether to stop: the user cancelled, the daemon ends, or the job was given to another."""
        return self._cancelled or self._stopping.is_set()

    def _eta_s(self) -> float | None:
        """Time left as the generator told, else at the pace so far; None until there is a pace to speak of."""
        if self._told_eta:
            told_at, eta_s = self._told_eta
            return max(0.0, eta_s - (time.monotonic() - told_at))
        elapsed = time.monotonic() - self._began
        return elapsed / self._share * (1 - self._share) if self._share > 0.03 and elapsed > 1 else None

    def _run(self) -> None:
        while not self._wake.wait(BEAT_S):
            if time.monotonic() - self._moved > self._stall_s:
                self._queue.expire_lease(self._job.id, self._owner)  # the supervisor ends this process
                return
            try:
                cancelled = self._queue.heartbeat(self._job.id, self._owner, self._share, self._eta_s())
            except LeaseLost:
                cancelled = True
            self._cancelled = self._cancelled or cancelled


class Worker:
    """Renders jobs, one after the other.

    Args:
        owner: the id under which it holds leases: the process's owner id, a slash, the slot.
    """

    def __init__(self, database: Database, settings: Settings, owner: str) -> None:
        self.catalog = Catalog(database)
        self.queue = Queue(database)
        self._db = database
        self._settings = settings
        self._config = settings.config
        self._owner = owner
        self.keep_warm_s = self._config.render.keep_warm_s
        self._encoding = Encoding(self._config.render.ffmpeg, self._config.render.preset, self._config.render.crf)
        self._generators: dict[tuple[str, int], Generator] = {}
        # x264 takes every core while frames are made; more threads here would only get in its way.
        cv2.setNumThreads(max(1, (os.cpu_count() or 1) // 4))

    def render(self, job: Job, beat: Heartbeat) -> None:
        """The path of one photo, from the claimed job to the published clip.

        Raises:
            AfterframeError: it did not work; nothing is left behind.
        """
        photo_path = Path(job.photo_path)
        check_folder(photo_path.parent)
        temporary = temporary_for(photo_path.parent, job.id)
        discard(temporary)
        committed = False
        try:
            generator = self._generator(job)
            recipe = generator.adapt(self._described(job, generator))
            photo = self._prepare(job, generator, recipe)
            made = generator.generate(photo, recipe, beat.progress, beat.stopped)
            frames = decode_clip(made, self._encoding) if isinstance(made, EncodedClip) else made
            if generator.capabilities.ahead and not job.exclusive:
                frames = buffered(frames)
                beat.hand_over()
            if generator.capabilities.graded:
                frames = match_grade(frames, photo)
            fidelity = Fidelity(photo, recipe)
            frames = with_live_preview(fidelity.watch(frames), preview_of(self._settings.home.cache, job.id))
            decoded = encode(frames, temporary, self._encoding, beat.progress, beat.stopped)
            verify(temporary, frames, self._encoding, decoded)
            if self._config.render.poster:
                write_poster(temporary, temporary.with_suffix(".jpg"), self._encoding, mark=POSTER_MARK)
            beat.stop()
            done = replace(job, recipe=recipe)
            publication = self._intend(done, generator, frames, temporary, fidelity.measures())
            committed = True
            self.publish(job.id, publication)
        finally:
            if not committed:
                discard(temporary)

    def _generator(self, job: Job) -> Generator:
        """The job's generator; it stays for the next job, with whatever it has loaded."""
        wanted = (job.generator, job.plan)
        if wanted not in self._generators:
            self.close()
            self._generators = {wanted: registry.load(job.generator, self._settings, job.plan)}
        return self._generators[wanted]

    def _described(self, job: Job, generator: Generator) -> Recipe:
        """The recipe; with what a describer sees in the photo where nobody wrote a word that the model could follow."""
        weights = Path(self._config.vision.describer).expanduser()
        if not (self._config.vision.describer and generator.capabilities.trained and needs_description(job.recipe)):
            return job.recipe
        pixels, _ = decode(Path(job.photo_path), megapixels=self._config.limits.megapixels, at_least=(SIDE, SIDE))
        words = describe_picture(pixels, weights)
        return add_description(job.recipe, words, weights.name) if words else job.recipe

    def _prepare(self, job: Job, generator: Generator, recipe: Recipe) -> PreparedPhoto:
        path = Path(job.photo_path)
        overscan = generator.overscan(recipe)
        surround = tuple(math.ceil(side * (1 + 2 * overscan)) + 2 for side in recipe.size)
        try:
            pixels, _ = decode(path, megapixels=self._config.limits.megapixels, at_least=(surround[0], surround[1]))
        finally:
            self._check_same(path, job)  # a photo that is being replaced looks damaged, too
        known = self.catalog.photo_at(path)
        facts = known.facts if known else {}
        # Seen when it was ingested; a photo known from a rebuild alone is looked at now.
        scene = known.scene if known and known.scene.measures else analyse(pixels)
        with every_processor():
            prepared = frame(pixels, scene, recipe.size, overscan)
        return replace(
            prepared,
            f_number=facts.get("f_number"),
            focal_35mm=facts.get("focal_35mm"),
            subject_distance_m=facts.get("subject_distance_m"),
        )

    def _check_same(self, path: Path, job: Job) -> None:
        if not path.is_file() or sha256_of(path) == job.photo_sha256:
            return
        if job.origin == "watch":
            raise Cancelled(f"{path.name} was exported again; the new version is animated instead.")
        raise PhotoError(
            f"{path.name} was exported again since this render was asked for.", "Ask again.", code="changed"
        )

    def _intend(
        self,
        job: Job,
        generator: Generator,
        frames: Frames,
        temporary: Path,
        measures: Mapping[str, float],
    ) -> Publication:
        """Commit what is about to be published. The name is chosen and promised in one transaction."""
        photo = self.catalog.photo_at(Path(job.photo_path))
        facts = photo.facts if photo else {}
        made_by = MadeBy(generator.name, generator.version, generator.capabilities.trained, frames.model)
        with self._db.transaction():
            clip, replaces_sha256 = self._clip(job, generator, frames)
            clip = replace(clip, measures=measures)
            packet = packet_of(describe(clip, made_by, facts, frames.count))
            clip = replace(clip, sha256=embed_packet(temporary, packet))
            poster = temporary.with_suffix(".jpg")
            publication = Publication(
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
            self.queue.begin_publish(job.id, self._owner, clip.path, publication.to_dict())
        return publication

    def _clip(self, job: Job, generator: Generator, frames: Frames) -> tuple[Clip, str | None]:
        """The catalogue's row of the new clip, and the hash of the earlier clip that it replaces."""
        replaced, replaces_sha256 = self._outdated(job)
        if replaced:
            path, variant = Path(replaced.path), replaced.variant
        else:
            ours = {clip.path for clip in self.catalog.clips_of(job.photo_id)}
            path, variant = choose_name(Path(job.photo_path), ours, lambda other: self.queue.is_reserved(str(other)))
        duration_s = frames.count / frames.fps
        clip = Clip(
            id=str(uuid.uuid4()),
            photo_id=job.photo_id,
            photo_path=job.photo_path,
            photo_sha256=job.photo_sha256,
            path=str(path),
            sidecar_path=str(sidecar_of(path)),
            sha256="",
            recipe=replace(job.recipe, size=frames.size, fps=frames.fps, duration_s=duration_s),
            generator=job.generator,
            generator_version=generator.version,
            variant=variant,
            parent_clip=job.parent_clip,
            duration_s=duration_s,
            verdict=Verdict.NONE,
            rating=0,
            created_at=time.time(),
            present=True,
        )
        return clip, replaces_sha256

    def _outdated(self, job: Job) -> tuple[Clip | None, str | None]:
        """The clip of the photo's earlier content, if nobody rated, approved or refined it; and its file's hash."""
        for clip in self.catalog.clips_of(job.photo_id):
            untouched = clip.verdict == Verdict.NONE and clip.rating == 0 and not self.catalog.refined(clip.id)
            if clip.present and clip.photo_sha256 != job.photo_sha256 and untouched:
                path = Path(clip.path)
                if path.is_file() and sha256_of(path) == clip.sha256:
                    return clip, clip.sha256
        return None, None

    def publish(self, job_id: str, publication: Publication) -> None:
        """Put a clip in place and tell the catalogue; also rolls a publish forward that a crash interrupted."""
        try:
            place(publication)
        except PublishError as error:
            if error.error_code in ("name_taken", "lost"):
                log.warning("%s; it is rendered again", error)
                self.queue.requeue_publication(job_id)
                return
            discard(Path(publication.temporary))
            raise
        clip = self._as_decided(Clip.from_dict(publication.record))
        with self._db.transaction():
            self.catalog.put_clip(clip)
            self.queue.finish(job_id, clip.id)
        log.info("%s", publication.clip)
        if self._config.render.back_link:
            write_back_link(clip, self._settings.home.backups)

    @staticmethod
    def _as_decided(clip: Clip) -> Clip:
        """With the verdict of the sidecar: the photographer may have given it before a crash was mended."""
        with contextlib.suppress(PhotoError):
            if written := read_clip(Path(clip.sidecar_path)):
                return replace(clip, verdict=written.verdict, rating=written.rating)
        return clip

    def roll_forward(self, may_finish: Callable[[str], bool]) -> None:
        """Finish what was committed to be published by workers that are gone.

        Args:
            may_finish: whether the worker of this owner id is gone.
        """
        for job_id, owner, body in self.queue.intents():
            if may_finish(owner):
                try:
                    self.publish(job_id, Publication.from_dict(body))
                except AfterframeError as error:
                    log.error("%s: %s", body.get("clip"), error)
                    self.queue.fail(job_id, owner, error)

    def close(self) -> None:
        """Give back what the generators hold."""
        for generator in self._generators.values():
            generator.close()
        self._generators = {}


def serve(
    worker: Worker,
    queue: Queue,
    owner: str,
    stopping: threading.Event,
    stall_s: float,
    reserved: bool,
    place: WorkerSpec = ANY_PLACE,
) -> None:
    """Claim and render until told to stop; return also when memory ran out, so that a fresh process goes on.

    Where a generator makes its clips ahead, one is finished (graded, encoded, published) while the next is made.
    """
    worked_at = time.monotonic()
    turn = GpuStagger(place.devices)
    finishing: Future[AfterframeError | None] | None = None
    with ThreadPoolExecutor(2, thread_name_prefix="render") as threads:
        while not stopping.is_set():
            if place.devices and queue.has_queued(place.lane):
                stopping.wait(turn.wait_s())
            job = queue.claim(owner, reserved_only=reserved, lane=place.lane)
            if job is None:
                if time.monotonic() - worked_at > worker.keep_warm_s:
                    worker.close()
                stopping.wait(IDLE_S)
                continue
            beat = Heartbeat(queue, job, owner, stopping, stall_s)
            making = threads.submit(_work, worker, queue, job, beat, owner, stopping, reserved, finishing)
            making.add_done_callback(lambda _, beat=beat: beat.hand_over())  # type: ignore[misc]
            while not beat.handed_over(BEAT_S):
                pass  # in pieces: on Windows a signal is heard between them only
            if finishing is not None:
                finishing.result()
            finishing = making
            error = making.result() if making.done() else None
            if isinstance(error, OutOfMemory):
                return
            if isinstance(error, Unavailable):
                stopping.wait(UNAVAILABLE_S)
            worked_at = time.monotonic()
        if finishing is not None:
            finishing.result()


def _work(
    worker: Worker,
    queue: Queue,
    job: Job,
    beat: Heartbeat,
    owner: str,
    stopping: threading.Event,
    reserved: bool,
    before: Future[AfterframeError | None] | None,
) -> AfterframeError | None:
    """One job from its claim to its end; what went wrong, if anything did."""
    with beat:
        if job.exclusive and before is not None:
            wait([before])
        error = _attempt(worker, job, beat)
    if stopping.is_set() and isinstance(error, Cancelled | EncodeError):
        queue.release(owner)  # a signal to the whole group ends ffmpeg too
    elif isinstance(error, Unavailable) and not reserved:
        log.warning("%s", error)
        queue.postpone(job.id, owner, error)
    elif error is not None:
        log.warning("%s: %s", job.photo_path, error)
        with contextlib.suppress(LeaseLost):
            queue.fail(job.id, owner, error)
    return error


def _attempt(worker: Worker, job: Job, beat: Heartbeat) -> AfterframeError | None:
    try:
        worker.render(job, beat)
    except LeaseLost:
        return None
    except AfterframeError as error:
        if Path(job.photo_path).name not in error.message:
            error.message = f"{Path(job.photo_path).name}: {error.message}"
        return error
    except MemoryError:
        return OutOfMemory(
            f"{Path(job.photo_path).name}: memory ran out.", "Choose a smaller size, or close other programs."
        )
    except Exception as error:
        # The barrier: one bad photo or generator must not stop the batch.
        log.exception("%s", job.photo_path)
        return GenerateError(
            f"{Path(job.photo_path).name}: {type(error).__name__}: {error}",
            "The log has the details.",
            code="unexpected",
            retryable=True,
        )
    return None


def _listen(stopping: threading.Event) -> None:
    """The supervisor's pipe: a line means stop; its end means that the supervisor is gone."""
    line = sys.stdin.readline()
    if not line:
        os._exit(1)
    stopping.set()


def main() -> None:
    """The worker process: ``python -m afterframe.render.worker OWNER reserved|any LANE GPU...``, its own GPU first."""
    owner, which, lane, *devices = sys.argv[1:]
    home = Home.find()
    logs.to_file(home.logs / "worker.log")
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C and service managers reach the whole group
        signal.signal(number, lambda *_: stopping.set())
    hear_interrupts()
    threading.Thread(target=_listen, args=(stopping,), daemon=True).start()
    settings = Settings(home)
    database = Database(home.database)
    worker = Worker(database, settings, owner)
    try:
        serve(
            worker,
            worker.queue,
            owner,
            stopping,
            settings.config.render.stall_s,
            which == "reserved",
            WorkerSpec(lane, tuple(devices)),
        )
    finally:
        worker.close()
        database.close()


if __name__ == "__main__":
    main()
