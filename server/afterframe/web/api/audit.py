"""Which photos of a folder are worth animating: the page lists them, then has them scored, a few at a time."""

from __future__ import annotations

from pathlib import Path

from afterframe.errors import AfterframeError
from afterframe.intake.audit import score_photo
from afterframe.intake.foreign_names import ForeignNames
from afterframe.intake.scan import scan
from afterframe.intake.scoring import SCORES
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, ref

ROUTES = Routes()
MOST = 10_000
"""Photos of one folder."""
AT_ONCE = 24
MARK = form({"score": schemas.SHARE, "reason": schemas.TEXT})


@ROUTES.add(
    "GET",
    "/api/folders/photos",
    "The photos in one of the folders and the folders below it.",
    lane=Lane.PICTURES,
    query={"path": schemas.PATH},
    answer=form(
        {
            "path": schemas.KEPT_PATH,
            "photos": listed(schemas.KEPT_PATH),
            "more": {**schemas.COUNT, "description": "Photos left out because there are too many."},
        }
    ),
)
def list_photos(call: Call) -> Json:
    """Scan a folder."""
    given = call.query.get("path", "")
    folder = call.context.paths.folder(given)
    foreign = ForeignNames(call.services.settings.config.watch.ignore)
    photos = sorted(scan(folder, foreign).photos)
    posters = call.services.foreign_files.our_posters(map(Path, photos))
    found = [path for path in photos if Path(path) not in posters]
    return {"path": given, "photos": found[:MOST], "more": max(0, len(found) - MOST)}


@ROUTES.add(
    "POST",
    "/api/audit",
    "Score how well photos lend themselves to animation. Nothing is queued; scores are cached.",
    lane=Lane.PHOTOS,
    body=form({"photos": listed(schemas.PATH, at_most=AT_ONCE)}),
    answer=form(
        {
            "photos": listed(
                form(
                    {
                        "path": schemas.KEPT_PATH,
                        "score": schemas.SHARE,
                        "readiness": form(dict.fromkeys(SCORES, MARK), needs=()),
                        "clips": {**schemas.COUNT, "description": "Clips it already has."},
                        "error": ref("MaybeReason"),
                    }
                )
            )
        }
    ),
)
def audit_photos(call: Call) -> Json:
    """Score some photos, in the order given."""
    return {"photos": [_marked(call, given) for given in call.body["photos"]]}


def _marked(call: Call, given: str) -> Json:
    services = call.services
    entry: Json = {"path": given, "score": 0.0, "readiness": {}, "clips": 0, "error": None}
    try:
        path = call.context.paths.photo(given)
    except AfterframeError as error:
        return {**entry, "error": error.to_dict()}
    marked = score_photo(str(path), services.ingest.inspect, call.context.scores)
    photo = services.catalog.photo_at(path)
    clips = [clip for clip in services.catalog.clips_of(photo.id) if clip.present] if photo else []
    return {**entry, "score": marked.score, "readiness": marked.readiness, "clips": len(clips), "error": marked.error}
