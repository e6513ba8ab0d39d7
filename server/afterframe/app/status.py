"""What Afterframe is doing, read from the state file; and a link to the running daemon's page."""

from __future__ import annotations

from typing import Any

from afterframe.app import folders
from afterframe.app.client import request
from afterframe.config import Home
from afterframe.domain import JobState
from afterframe.errors import WrongState
from afterframe.intake.passed_over import reasons
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.held_folders import HeldFolders
from afterframe.state.queue import Queue
from afterframe.system.locks import is_alive
from afterframe.system.runtime_files import read_daemon


def release_dead_and_report(home: Home) -> dict[str, Any]:
    """As JSON: daemon, queue counts, renders under way (with why one waits), recent failures, last cancelled,
    clips made last and what they cost, refused photos, folders, and the files in them that are passed over.
    """
    database = Database(home.make().database)
    try:
        queue, catalog, known = Queue(database), Catalog(database), FolderList(database)
        queue.release_dead(lambda process: is_alive(home.owners, process))  # nobody renders what a killed one did
        failed, _ = queue.page(states=[JobState.FAILED], limit=10)
        cancelled, _ = queue.page(states=[JobState.CANCELLED], limit=5)
        return {
            "daemon": read_daemon(home),
            "paused": queue.paused,
            "counts": queue.counts(),
            "renders": [
                {
                    "id": j.id,
                    "photo": j.photo_path,
                    "state": j.state,
                    "progress": j.progress,
                    "eta_s": j.eta_s,
                    "error": j.error.to_dict() if j.error else None,
                }
                for j in queue.unfinished(limit=20)
            ],
            "failed": [
                {"id": j.id, "photo": j.photo_path, "error": j.error.to_dict() if j.error else None} for j in failed
            ],
            "cancelled": [{"id": j.id, "photo": j.photo_path} for j in cancelled],
            "made": [{"clip": clip.path, "cost": clip.cost} for clip in catalog.newest_clips(limit=5)],
            "refused": [{"photo": path, "error": why.to_dict()} for path, why in catalog.problems(limit=10)],
            "held_folders": [folder.to_dict() for folder in HeldFolders(database).all()],
            "folders": [folders.as_json(folder) for folder in known.all()],
            "passed_over": [
                {"folder": str(folder.path), **reason}
                for folder in known.all()
                for reason in reasons(known.passed_over(folder.path))
            ],
        }
    finally:
        database.close()


def login_link(home: Home) -> str:
    """A one-time link that logs a browser in.

    Raises:
        WrongState: no daemon is running, or it does not answer.
    """
    daemon = read_daemon(home)
    if daemon is None:
        raise WrongState("No daemon is running.", "`afterframe serve` starts it.")
    return str(daemon["url"]) + str(request(home, daemon, "POST", "/api/login-code", {})["path"])
