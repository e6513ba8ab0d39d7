"""Every route of the API and the page, gathered from the modules that own them."""

from __future__ import annotations

from afterframe.web import (
    about,
    auditing,
    clips,
    disk,
    events,
    folders,
    grid,
    interactive,
    media,
    models,
    pictures,
    posters,
    preferences,
    renders,
    review,
    steering,
    unfinished,
    uploads,
    videos,
    videos_files,
    videos_refused,
)
from afterframe.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *about.ROUTES,
    *renders.ROUTES,
    *unfinished.ROUTES,
    *uploads.ROUTES,
    *grid.ROUTES,
    *clips.ROUTES,
    *media.ROUTES,
    *posters.ROUTES,
    *pictures.ROUTES,
    *interactive.ROUTES,
    *folders.ROUTES,
    *auditing.ROUTES,
    *disk.ROUTES,
    *models.ROUTES,
    *preferences.ROUTES,
    *steering.ROUTES,
    *events.ROUTES,
    *review.ROUTES,
    *videos.ROUTES,
    *videos_refused.ROUTES,
    *videos_files.ROUTES,
)
