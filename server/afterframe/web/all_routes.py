"""Every route of the API and the page, gathered from the modules that own them."""

from __future__ import annotations

from afterframe.web.api import (
    about,
    audit,
    clip_list,
    clips,
    events,
    folders,
    media,
    models,
    pictures,
    posters,
    queue,
    render_list,
    renders,
    settings,
    storage,
    uploads,
)
from afterframe.web.http.routes import Route
from afterframe.web.openai import files, refused, videos
from afterframe.web.pages import interactive, pages

ROUTES: tuple[Route, ...] = (
    *about.ROUTES,
    *renders.ROUTES,
    *render_list.ROUTES,
    *uploads.ROUTES,
    *clip_list.ROUTES,
    *clips.ROUTES,
    *media.ROUTES,
    *posters.ROUTES,
    *pictures.ROUTES,
    *interactive.ROUTES,
    *folders.ROUTES,
    *audit.ROUTES,
    *storage.ROUTES,
    *models.ROUTES,
    *settings.ROUTES,
    *queue.ROUTES,
    *events.ROUTES,
    *pages.ROUTES,
    *videos.ROUTES,
    *refused.ROUTES,
    *files.ROUTES,
)
