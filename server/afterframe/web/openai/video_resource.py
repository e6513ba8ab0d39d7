"""A video of /v1: its record, its render and its clip as one object of the protocol."""

from __future__ import annotations

import contextlib
from pathlib import Path

from afterframe.domain import Clip, Job, JobState
from afterframe.errors import NotFound, WrongState
from afterframe.naming import poster_of
from afterframe.web.http import schemas
from afterframe.web.http.context import Services
from afterframe.web.http.schemas import Json, form, one_of
from afterframe.web.openai.upload_store import UploadRecord, UploadStore

STATUS = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "in_progress",
    JobState.PUBLISHING: "in_progress",
    JobState.DONE: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "failed",
}
VIDEO: Json = form(
    {
        "id": schemas.ID,
        "object": one_of("video"),
        "status": one_of("queued", "in_progress", "completed", "failed"),
        "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "created_at": {**schemas.WHOLE, "description": "Unix time, seconds."},
        "completed_at": {"type": ["integer", "null"]},
        "expires_at": {"type": ["integer", "null"], "description": "Always null: it is kept until it is deleted."},
        "model": schemas.TEXT,
        "prompt": schemas.MAYBE_TEXT,
        "seconds": schemas.TEXT,
        "size": schemas.TEXT,
        "remixed_from_video_id": schemas.MAYBE_TEXT,
        "error": {**form({"code": schemas.TEXT, "message": schemas.TEXT}), "type": ["object", "null"]},
    }
)


def video_store(services: Services) -> UploadStore:
    """The folder of the videos."""
    return UploadStore(services.home.uploads / "videos", "video_")


def render_of(services: Services, record: UploadRecord) -> Job | None:
    """A video's own render: the first one of its photo (a photographer may have refined it since)."""
    photo = services.catalog.photo_at(video_store(services).photo(record))
    jobs = services.queue.of_photo(photo.id) if photo else []
    return jobs[0] if jobs else None


def clip_of(services: Services, record: UploadRecord) -> Clip | None:
    """The clip of its render; after the database was rebuilt, the first clip beside its photo."""
    job = render_of(services, record)
    if job is not None:
        with contextlib.suppress(NotFound):  # another clip took its place
            return services.catalog.clip(job.clip_id) if job.clip_id else None
        return None
    photo = services.catalog.photo_at(video_store(services).photo(record))
    return next(iter(services.catalog.clips_of(photo.id)), None) if photo else None


def video_json(services: Services, record: UploadRecord) -> Json:
    """A video as the protocol has it."""
    job, clip = render_of(services, record), clip_of(services, record)
    made = job or clip
    about = {
        "id": record.id,
        "object": "video",
        "created_at": int(record.created_at),
        "completed_at": int(clip.created_at) if clip else None,
        "expires_at": None,
        "remixed_from_video_id": record.remixed_from,
    }
    if made is None:
        return {**about, **_interrupted(record)}
    return {
        **about,
        "status": STATUS[job.state] if job else "completed",
        "progress": 100 if clip or job is None else min(99, int(job.progress * 100)),
        "model": record.model or made.generator,
        "prompt": record.prompt or made.recipe.prompt,
        "seconds": f"{made.recipe.duration_s:g}",
        "size": "{}x{}".format(*made.recipe.size),
        "error": _error(job) if job else None,
    }


def _interrupted(record: UploadRecord) -> Json:
    """The daemon ended between the photo and its render."""
    return {
        "status": "failed",
        "progress": 0,
        "model": record.model,
        "prompt": record.prompt or None,
        "seconds": "0",
        "size": "0x0",
        "error": {
            "code": "interrupted",
            "message": "Afterframe stopped before this was queued. Request it again.",
        },
    }


def _error(job: Job) -> Json | None:
    if job.state is JobState.CANCELLED:
        return {"code": "cancelled", "message": "This render was cancelled."}
    if job.state is not JobState.FAILED or job.error is None:
        return None
    return {"code": job.error.code, "message": f"{job.error.message} {job.error.hint}".strip()}


def finished_clip(services: Services, record: UploadRecord) -> Clip:
    """A video's clip.

    Raises:
        NotFound: it does not exist yet, or no longer (404, as OpenAI answers).
    """
    clip = clip_of(services, record)
    if clip is None:
        raise NotFound(
            "Video is not ready yet.", f"GET /v1/videos/{record.id} says how far it is.", code="video_not_ready"
        )
    if not clip.present or not Path(clip.path).is_file():
        raise NotFound(f"{Path(clip.path).name} was deleted.", "Request it again.", code="file_gone")
    return clip


def remove_deleted(services: Services) -> None:
    """Remove the files of videos that were deleted while their renders were still stopping."""
    for record in video_store(services).deleted():
        remove_video(services, record)


def remove_video(services: Services, record: UploadRecord) -> bool:
    """Stop a deleted video's render and remove its files; False: it has not stopped yet, or a file is in use."""
    store, job = video_store(services), render_of(services, record)
    if job and not job.state.ended and not _stopped(services, job):
        return False
    clip = clip_of(services, record)
    if job and _is_shared(services, job):
        gone = clip is None or _remove_files(clip, store.folder(record))
        if gone:
            store.keep_files(record)
    else:
        gone = store.remove(record)
    if gone and clip:
        services.catalog.mark_absent(clip.id)
    return gone


def _stopped(services: Services, job: Job) -> bool:
    if job.cancel_requested or job.state is JobState.PUBLISHING:
        return False  # within a frame; or its clip is there in a moment, and can go then
    try:
        return services.queue.cancel(job.id).state.ended
    except WrongState:
        return False


def _remove_files(clip: Clip, folder: Path) -> bool:
    """Remove a clip, its sidecar and its poster; False: one is still in use (Windows)."""
    try:
        for path in (Path(clip.path), Path(clip.sidecar_path), poster_of(Path(clip.path))):
            if path.parent == folder:
                path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _is_shared(services: Services, job: Job) -> bool:
    """Whether the photo has further renders or clips, made on the page for example, which must stay."""
    others = [other for other in services.queue.of_photo(job.photo_id) if other.id != job.id]
    clips = [clip for clip in services.catalog.clips_of(job.photo_id) if clip.id != job.clip_id]
    return any(not other.state.ended for other in others) or any(clip.present for clip in clips)
