"""Private files that lead a browser to a one-time link.

Every user of a machine can read the arguments of its processes, and a browser is told its address as one. So it is
given the address of such a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import os
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from afterframe.config import Home
from afterframe.system.files import write_file
from afterframe.web.auth.login_codes import CODE_VALID_S

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={link}">
<title>Afterframe</title>
</head>
<body><p><a href="{link}">Afterframe</a></p></body>
</html>
"""


def write_login_page(home: Home, link: str) -> Path:
    """Make the file that leads to a link.

    Raises:
        OSError: it cannot be written.
    """
    sweep_login_pages(home, older_than_s=CODE_VALID_S)
    file = home.login_pages / _name_for(parse_qs(urlsplit(link).query)["code"][0])
    file.parent.mkdir(exist_ok=True, mode=0o700)
    write_file(file, PAGE.format(link=html.escape(link)).encode(), private=True)
    return file


def remove_login_page(home: Home, code: str) -> None:
    """Remove the file of a code that was used."""
    with contextlib.suppress(OSError):
        (home.login_pages / _name_for(code)).unlink(missing_ok=True)


def sweep_login_pages(home: Home, *, older_than_s: float = 0.0) -> None:
    """Remove the files of codes that are of no use any more."""
    try:
        found = list(os.scandir(home.login_pages))
    except FileNotFoundError:
        return
    for entry in found:
        with contextlib.suppress(OSError):
            if time.time() - entry.stat(follow_symlinks=False).st_mtime >= older_than_s:
                os.unlink(entry.path)  # noqa: PTH108 - of scandir


def _name_for(code: str) -> str:
    return f"{hashlib.sha256(code.encode()).hexdigest()[:32]}.html"
