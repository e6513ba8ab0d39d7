"""A clip's poster beside the clip, for hosts that cannot show a video."""

from __future__ import annotations

from pathlib import Path

from afterframe.errors import PublishError, WrongState
from afterframe.publish.placement import put_poster
from afterframe.web.api.clips import present_clip
from afterframe.web.api.media import poster
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form

ROUTES = Routes()


@ROUTES.add(
    "POST",
    "/api/clips/<clip_id>/poster",
    "Write the clip's poster beside it, replacing only an earlier poster of Afterframe's.",
    lane=Lane.PICTURES,
    answer=form({"path": schemas.KEPT_PATH}),
)
def publish_poster(call: Call) -> Json:
    """Publish the poster, even where ``render.poster`` is off.

    Raises:
        NotFound: the clip's file is missing, or is not the one that we wrote.
        WrongState: somebody else's picture has the poster's name, or the folder cannot be written.
    """
    clip = present_clip(call)
    try:
        return {"path": str(put_poster(poster(call.context, clip), Path(clip.path)))}
    except PublishError as error:
        raise WrongState(error.message, error.hint, code=error.error_code) from error
