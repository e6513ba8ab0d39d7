"""Opens Afterframe's page in the user's browser, which is let in by a one-time link."""

from __future__ import annotations

import webbrowser

from afterframe.config import Home
from afterframe.web.auth.login_pages import write_login_page


def open_login_page(home: Home, link: str) -> bool:
    """Have the browser follow a one-time link; False: no browser could be started, or the file not be written."""
    try:
        file = write_login_page(home, link)
    except OSError:
        return False
    return webbrowser.open(file.as_uri())
