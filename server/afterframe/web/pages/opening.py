"""The two pages that show nothing of the user's: one opens the page that was asked for, one keeps the secret."""

from __future__ import annotations

from flask import Request, Response, make_response, render_template

from afterframe.web.pages.i18n import language_of, translator


def opening_page(request: Request) -> Response:
    """What a page's address gives to a cookie alone: a script that asks for the page's key, if it has the secret."""
    return _page(request, "opening.html")


def login_page(request: Request, secret: str) -> Response:
    """What a one-time link gives: a script that keeps the session's second secret in our origin's storage."""
    return _page(request, "login.html", secret=secret)


def _page(request: Request, template: str, **more: str) -> Response:
    language = language_of(request)
    return make_response(render_template(template, language=language, t=translator(language), **more))
