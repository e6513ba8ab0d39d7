"""What Afterframe is doing, read from the state file; and a link to the running daemon's page."""

from __future__ import annotations

from typing import Any

from afterframe import folders
from afterframe.catalog import Catalog
from afterframe.client import ask
from afterframe.config import Home
from afterframe.daemon_file import read_daemon
from afterframe.db import Database
from afterframe.errors import WrongState
from afterframe.jobs import Queue
from afterframe.locks import is_alive
from afterframe.models import JobState


def report(home: Home) -> dict[str, Any]:
    """As JSON: daemon, queue counts, renders under way, recent failures, last cancelled, refused photos, folders."""
    database = Database(home.make().database)
    try:
        queue, catalog = Queue(database), Catalog(database)
        queue.release_dead(lambda process: is_alive(home.owners, process))  # nobody renders what a killed one did
        failed, _ = queue.page(states=[JobState.FAILED], limit=10)
        cancelled, _ = queue.page(states=[JobState.CANCELLED], limit=5)
        return {
            "daemon": read_daemon(home),
            "paused": queue.paused,
            "counts": queue.counts(),
            "renders": [
                {"id": j.id, "photo": j.photo_path, "state": j.state, "progress": j.progress, "eta_s": j.eta_s}
                for j in queue.waiting(limit=20)
            ],
            "failed": [
                {"id": j.id, "photo": j.photo_path, "error": j.error.to_dict() if j.error else None} for j in failed
            ],
            "cancelled": [{"id": j.id, "photo": j.photo_path} for j in cancelled],
            "refused": [{"photo": path, "error": why.to_dict()} for path, why in catalog.problems(limit=10)],
            "folders": [folders.as_json(folder) for folder in catalog.folders()],
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
    return str(daemon["url"]) + str(ask(home, daemon, "POST", "/api/login-code", {})["path"])
