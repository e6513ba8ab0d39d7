"""What Afterframe is doing, read from the state file; and a link to the running daemon's page."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from afterframe.catalog import Catalog
from afterframe.config import Home
from afterframe.daemon_file import make_token, read_daemon
from afterframe.db import Database
from afterframe.errors import WrongState
from afterframe.jobs import Queue
from afterframe.models import JobState

ASK_S = 5.0


def report(home: Home) -> dict[str, Any]:
    """As JSON: daemon, queue counts, renders under way, recent failures, refused photos, folders."""
    database = Database(home.make().database)
    try:
        queue, catalog = Queue(database), Catalog(database)
        failed, _ = queue.page(states=[JobState.FAILED], limit=10)
        return {
            "daemon": read_daemon(home),
            "paused": queue.paused,
            "counts": queue.counts(),
            "renders": [
                {"id": j.id, "photo": j.photo_path, "state": j.state, "progress": j.progress, "eta_s": j.eta_s}
                for j in queue.waiting(limit=20)
            ],
            "failed": [{"photo": j.photo_path, "error": j.error.to_dict() if j.error else None} for j in failed],
            "refused": [{"photo": path, "error": why.to_dict()} for path, why in catalog.problems(limit=10)],
            "folders": [
                {"path": str(f.path), "watch": f.watch, "waiting": f.waiting, "missing": not f.path.is_dir()}
                for f in catalog.folders()
            ],
        }
    finally:
        database.close()


def login_link(home: Home) -> str:
    """A one-time link that logs a browser in.

    Raises:
        WrongState: no daemon runs, or it does not answer.
    """
    daemon = read_daemon(home)
    if daemon is None:
        raise WrongState("No daemon is running.", "`afterframe serve` starts it.")
    request = urllib.request.Request(  # noqa: S310 - our own daemon's address
        f"{daemon['url']}/api/login-code",
        data=b"{}",
        headers={"Authorization": f"Bearer {make_token(home)}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=ASK_S) as answer:  # noqa: S310 - our own daemon's address
            return str(daemon["url"]) + str(json.load(answer)["path"])
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        raise WrongState(f"The daemon does not answer ({error}).", "Stop it and start it again.") from error
