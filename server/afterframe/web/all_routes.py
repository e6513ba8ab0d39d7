"""Every route of the API and the pages."""

from __future__ import annotations

from afterframe.web.api import (
    about,
    animate,
    audit,
    clip_list,
    clips,
    events,
    folders,
    media,
    metrics,
    models,
    photos,
    pictures,
    posters,
    queue,
    render_list,
    renders,
    sessions,
    settings,
    storage,
    takes,
    uploads,
)
from afterframe.web.http.routes import Route
from afterframe.web.openai import create, files, remix, unsupported, videos
from afterframe.web.pages import interactive, pages

ROUTES: tuple[Route, ...] = (
    *about.ROUTES,
    *animate.ROUTES,
    *photos.ROUTES,
    *renders.ROUTES,
    *render_list.ROUTES,
    *uploads.ROUTES,
    *clip_list.ROUTES,
    *clips.ROUTES,
    *media.ROUTES,
    *posters.ROUTES,
    *takes.ROUTES,
    *pictures.ROUTES,
    *interactive.ROUTES,
    *folders.ROUTES,
    *audit.ROUTES,
    *storage.ROUTES,
    *metrics.ROUTES,
    *models.ROUTES,
    *sessions.ROUTES,
    *settings.ROUTES,
    *queue.ROUTES,
    *events.ROUTES,
    *pages.ROUTES,
    *create.ROUTES,
    *videos.ROUTES,
    *remix.ROUTES,
    *unsupported.ROUTES,
    *files.ROUTES,
)
