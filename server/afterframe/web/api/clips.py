"""One clip: what is known about it, the photographer's verdict, and refining it into a new variant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from stat import S_ISREG
from typing import Any

from afterframe.domain import Clip, Job, Photo, Recipe, Verdict
from afterframe.errors import AfterframeError, NotFound, WrongState
from afterframe.intake.composition import Basis
from afterframe.intake.extension import extension_of
from afterframe.intake.ingest import RenderRequest
from afterframe.intake.late_words import words_of
from afterframe.intake.reseed import really_other
from afterframe.publish.sidecar import write_verdict
from afterframe.recipe import SETTINGS, validate
from afterframe.recipe.sighting import seen
from afterframe.web.api.animate import resolve_generator
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.resources import clip_json, render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of, ref

ROUTES = Routes()


@ROUTES.add("GET", "/api/clips/<clip_id>", "One clip.", answer=ref("Clip"))
def get_clip(call: Call) -> Json:
    """One clip."""
    return clip_json(call.services.catalog.clip(call.args["clip_id"]))


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/context",
    "A clip's context: what its photo's file says, what was seen in it, and every clip of that photo, oldest first.",
    answer=form(
        {
            "facts": {"type": "object", "description": "As `afterframe facts --json` gives them; empty: unknown."},
            "clips": listed(ref("Clip")),
            "seen": ref("MaybeSeen"),
        }
    ),
)
def get_context(call: Call) -> Json:
    """A clip's photo and its other clips."""
    catalog = call.services.catalog
    clip = catalog.clip(call.args["clip_id"])
    photo = catalog.photo_at(Path(clip.photo_path))
    return {
        "facts": dict(photo.facts) if photo else {},
        "clips": [clip_json(other) for other in catalog.clips_of(clip.photo_id) if other.present],
        "seen": _seen_json(call, clip, photo) if photo and photo.sha256 == clip.photo_sha256 else None,
    }


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/seen",
    "What is seen in a clip's photo, which is looked at for it if need be: its context only says what is known.",
    lane=Lane.PHOTOS,
    answer=form({"seen": ref("MaybeSeen")}),
)
def get_seen(call: Call) -> Json:
    """What is seen in a clip's photo."""
    clip = call.services.catalog.clip(call.args["clip_id"])
    return {"seen": _seen_json(call, clip, seen_photo(call, clip))}


def _seen_json(call: Call, clip: Clip, photo: Photo) -> Json | None:
    """What was seen in a photo, and the part of it that the clip shows; None: nobody looked."""
    if not (photo.scene.current and photo.upright_size):
        return None
    part = call.services.pictures.part_shown(photo, clip.recipe, clip.generator)
    return {**seen(photo.scene), "frame": asdict(part)}


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/outdated",
    "What has changed since a clip was made: its photo's caption or keywords, or its folder's settings.",
    lane=Lane.PHOTOS,
    answer=form({"outdated": listed(one_of("words", "settings"))}),
)
def get_outdated(call: Call) -> Json:
    """What a clip was made without."""
    services = call.services
    clip = services.catalog.clip(call.args["clip_id"])
    maker, photo = services.queue.maker_of(clip.id), services.catalog.photo_at(Path(clip.photo_path))
    if maker is None or maker.basis is None or photo is None or photo.sha256 != clip.photo_sha256:
        return {"outdated": []}
    basis = Basis.from_dict(maker.basis)
    return {"outdated": services.ingest.composer.changed(Path(photo.path), basis, words_of(photo))}


@ROUTES.add(
    "POST",
    "/api/clips/<clip_id>/renew",
    "Make a clip again with what its photo and folder say now; in its place, if nobody has judged it.",
    lane=Lane.PHOTOS,
    answer=form({"renders": listed(ref("Render"))}),
    status=202,
)
def renew_clip(call: Call) -> Json:
    """Queue a clip anew."""
    services = call.services
    clip = services.catalog.clip(call.args["clip_id"])
    maker = services.queue.maker_of(clip.id)
    if maker is None or maker.basis is None:
        raise WrongState(
            f"How {Path(clip.path).name} came about is not known any more.",
            "Make another clip of the photo instead.",
        )
    path = Path(source_photo(call, clip).path)
    judged = clip.verdict is not Verdict.NONE or clip.rating > 0
    job = services.ingest.make_again(path, maker, None if judged else clip.id)
    return {"renders": [render_json(job, clip.photo_path)]}


VERDICT = {"verdict": one_of(*Verdict), "rating": {"type": "integer", "minimum": 0, "maximum": 5}}


@ROUTES.add(
    "POST",
    "/api/clips/<clip_id>/verdict",
    "Record the photographer's decision, in the sidecar first. What is omitted stays as it is.",
    lane=Lane.VERDICTS,
    body=form(VERDICT, needs=(), at_least=1),
    answer=ref("Clip"),
)
def judge_clip(call: Call) -> Json:
    """Judge one clip."""
    return clip_json(_judge(call, call.args["clip_id"]))


@ROUTES.add(
    "POST",
    "/api/clips/verdicts",
    "The same for many clips. Those that cannot be judged are listed with the reason.",
    lane=Lane.VERDICTS,
    body=form({"clips": listed(schemas.ID, at_most=schemas.MAX_PHOTOS), **VERDICT}, needs=("clips",), at_least=2),
    answer=form({"clips": listed(ref("Clip")), "refused": listed(form({"id": schemas.ID, "reason": ref("Reason")}))}),
)
def judge_clips(call: Call) -> Json:
    """Judge many clips."""
    clips, refused = [], []
    for clip_id in dict.fromkeys(call.body["clips"]):
        try:
            clips.append(clip_json(_judge(call, clip_id)))
        except AfterframeError as error:
            refused.append({"id": clip_id, "reason": error.to_dict()})
    return {"clips": clips, "refused": refused}


def _judge(call: Call, clip_id: str) -> Clip:
    """Write a verdict: the sidecar first, because it is the authority, then the catalogue."""
    catalog = call.services.catalog
    with call.context.verdict_lock:
        clip = catalog.clip(clip_id)
        written = _sidecar_of(clip, call.services.foreign_files.clip)
        verdict = Verdict(call.body.get("verdict", written.verdict))
        rating = int(call.body.get("rating", written.rating))
        write_verdict(clip, verdict, rating, call.services.home.backups)
        return catalog.set_verdict(clip.id, verdict, rating)


def _sidecar_of(clip: Clip, read_clip: Callable[[Path], Clip | None]) -> Clip:
    """What the clip's sidecar says now.

    Raises:
        WrongState: it is gone, or something else stands in its place.
        PhotoError: it is damaged.
    """
    sidecar = Path(clip.sidecar_path)
    try:
        regular = S_ISREG(sidecar.lstat().st_mode)
    except OSError as error:
        raise WrongState(
            f"The sidecar {sidecar.name} is missing, so the verdict cannot be saved.",
            "Put it back beside the clip, or render the clip again.",
            code="no_sidecar",
        ) from error
    written = read_clip(sidecar) if regular else None
    if written is None or written.id != clip.id:
        raise WrongState(
            f"{sidecar.name} is no longer the sidecar of this clip.",
            "Put the right one back beside the clip, or render the clip again.",
            code="sidecar_foreign",
        )
    return written


@ROUTES.add(
    "POST",
    "/api/clips/<clip_id>/refine",
    "Make a new variant of a clip with some settings changed; it names the clip as its parent.",
    lane=Lane.PHOTOS,
    body=form({"changes": {**schemas.OVERRIDES, "minProperties": 1}, "generator": schemas.NAME}, needs=("changes",)),
    answer=form({"renders": listed(ref("Render"))}),
    status=202,
)
def refine_clip(call: Call) -> Json:
    """Queue a variant of a clip."""
    services = call.services
    clip = services.catalog.clip(call.args["clip_id"])
    changes = call.body["changes"]
    validate([("the request", changes)])
    settings = services.settings
    named = resolve_generator(call.body.get("generator"), settings)
    generator = named or resolve_generator(clip.generator, settings, folders=True)
    path = Path(source_photo(call, clip).path)
    changes = dict(really_other(changes, clip.recipe, generator, recipes_of(call, clip.photo_id)))
    order = RenderRequest({"variants": 1, **changes}, unchanged_settings(clip, changes), generator, parent_clip=clip.id)
    return {"renders": [render_json(job, clip.photo_path) for job in services.ingest.request(path, order)]}


@ROUTES.add(
    "POST",
    "/api/clips/<clip_id>/extend",
    "Make a clip longer: a new variant, the clip followed by another part that begins with its last frame.",
    lane=Lane.PHOTOS,
    body=form({"seconds": {"type": "number", "description": "How long the part is."}}),
    answer=form({"renders": listed(ref("Render"))}),
    status=202,
)
def extend_clip(call: Call) -> Json:
    """Queue a longer clip."""
    services = call.services
    clip = present_clip(call)
    generator = resolve_generator(clip.generator, services.settings, folders=True) or clip.generator
    order = extension_of(clip, call.body["seconds"], generator)
    path = Path(source_photo(call, clip).path)
    return {"renders": [render_json(job, clip.photo_path) for job in services.ingest.request(path, order)]}


def recipes_of(call: Call, photo_id: int) -> list[Recipe]:
    """The recipes of all clips and renders of a photo."""
    services = call.services
    made = [clip.recipe for clip in services.catalog.clips_of(photo_id)]
    return made + [job.recipe for job in services.queue.of_photo(photo_id)]


def unchanged_settings(clip: Clip, changes: dict[str, Any]) -> dict[str, object]:
    """The clip's own values of the settings that the changes leave alone."""
    values = {name: value for name, value in clip.recipe.to_dict().items() if name in SETTINGS}
    if "long_side" in changes and "size" not in changes:
        del values["size"]
    return values


def source_photo(call: Call, made: Clip | Job) -> Photo:
    """The photo of a clip or a render, as it was when it was requested.

    Raises:
        NotAllowed, PhotoError: it may not be read, or no longer exists.
        WrongState: the file has changed since.
    """
    path = call.context.paths.photo(made.photo_path)
    photo = call.services.catalog.photo_at(path)
    if photo is None or photo.sha256 != made.photo_sha256:
        raise WrongState(
            f"{path.name} has been exported again since this clip was made.",
            "Animate the new photo instead.",
            code="photo_changed",
        )
    return photo


def seen_photo(call: Call, made: Clip | Job) -> Photo:
    """The same, with what is seen in it.

    Raises:
        NotAllowed, PhotoError, WrongState: as :func:`source_photo`.
    """
    return call.services.ingest.looked_at(source_photo(call, made))


def present_clip(call: Call) -> Clip:
    """The clip that an address names, if its file still exists.

    Raises:
        NotFound: no such clip, or its file was deleted.
    """
    clip = call.services.catalog.clip(call.args["clip_id"])
    if not clip.present:
        raise NotFound(
            f"{Path(clip.path).name} was deleted.",
            "Retry its render to make it again.",
            code="file_gone",
        )
    return clip
