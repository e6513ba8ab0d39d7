"""Files that the version before the packages wrote are opened by this one, and nothing in them is lost.

``version_0_1_0`` was written by that version: its state file as SQL (``{root}`` stands for the folder it lay in), its
config.toml, photos, and the clips and sidecars that it published.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from afterframe.app.rebuild import rebuild
from afterframe.config import read_config
from afterframe.domain import JobState, Verdict
from afterframe.intake.ingest import Ingest
from afterframe.publish.adoption import Adoption
from afterframe.publish.sidecar import read_clip
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.idempotency import IdempotencyStore
from afterframe.state.list_index import ListFilter
from afterframe.state.listings import ClipListing, RenderListing
from afterframe.state.queue import Queue
from factories import listed_clips, make_settings
from fakes import FakeReader, open_files

RENAMED = {("jobs", "alone"): "exclusive", ("jobs", "place"): "position"}
"""Table and column -> what the column is called now."""
DERIVED = ("clip_keys", "render_keys")
"""Tables that are made again; what they hold depends on this machine's time zone."""
KEPT = Path(__file__).with_name("version_0_1_0")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder as that version left it: state.db, config.toml, and photos/ with clips."""
    root = tmp_path / "before"
    shutil.copytree(KEPT, root)
    connection = sqlite3.connect(root / "state.db")
    connection.executescript((root / "state.sql").read_text("utf-8").replace("{root}", str(root)))
    for path, mtime_ns in connection.execute("SELECT path, mtime_ns FROM photos").fetchall():
        os.utime(path, ns=(mtime_ns, mtime_ns))
    connection.close()
    return root


@pytest.fixture
def state(root: Path) -> Database:
    return Database(root / "state.db")


def test_its_config_is_read(root: Path) -> None:
    config = read_config(root / "config.toml")
    assert (config.server.port, config.watch.backlog_limit, config.render.crf) == (8724, 150, 23)
    assert dict(config.recipe) == {"long_side": 128, "fps": 8, "duration_s": 0.5}


def test_its_clips_keep_their_verdicts_recipes_and_places(root: Path, state: Database) -> None:
    clips = listed_clips(state)
    told = {Path(clip.path).name: (clip.verdict, clip.rating, clip.present) for clip in clips}
    assert told == {
        "Käthe ☀_motion.mp4": (Verdict.APPROVED, 5, True),
        "DSC_0042_motion-v2.mp4": (Verdict.REJECTED, 0, True),
        "DSC_0042_motion.mp4": (Verdict.NONE, 0, True),
    }
    assert all(clip.recipe.size == (128, 86) and clip.recipe.prompt and clip.measures for clip in clips)
    state.close()


def test_its_queue_goes_on(state: Database) -> None:
    queue = Queue(state)
    counts = {name: count for name, count in queue.counts().items() if count}
    assert counts == {"done": 3, "failed": 1, "cancelled": 1, "queued": 2}
    assert queue.paused
    queue.pause(paused=False)
    local, remote = queue.claim("worker-1/0", lane="local"), queue.claim("worker-1/1", lane="remote")
    assert local is not None
    assert local.generator == "parallax"
    assert remote is not None
    assert remote.generator == "remote"
    assert local.recipe.needs_description
    failed, _ = queue.page(states=[JobState.FAILED])
    assert queue.retry(failed[0].id).state == JobState.QUEUED
    state.close()


def test_the_page_lists_and_finds_them(root: Path, state: Database) -> None:
    gallery, unfinished = ClipListing(state), RenderListing(state, Queue(state))
    found, _ = gallery.page(ListFilter(text="harbour dusk"), "taken")
    assert {Path(clip.path).name for clip in found} == {"DSC_0042_motion.mp4", "DSC_0042_motion-v2.mp4"}
    assert gallery.facets()["camera"] == ["NIKON D750"]
    assert gallery.facets()["folder"] == [str(root / "photos")]
    states = {job.state for job in unfinished.page(ListFilter(), "newest")[0]}
    assert states == {JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}
    state.close()


def test_what_it_refused_folders_and_answers_are_known(root: Path, state: Database) -> None:
    ((path, why),) = Catalog(state).problems()
    assert (Path(path).name, why.code) == ("broken.jpg", "truncated")
    (folder,) = FolderList(state).all()
    assert (folder.path, folder.watch) == (root / "photos", True)
    assert IdempotencyStore(state).get("animate:one") == {"asked": "x", "answer": {"renders": [], "refused": []}}
    state.close()


def test_its_photos_are_not_animated_again(root: Path, state: Database) -> None:
    catalog, queue, reader = Catalog(state), Queue(state), FakeReader()
    ingest = Ingest(state, catalog, queue, make_settings(), reader.read, open_files())
    before = sum(queue.counts().values())
    for photo in sorted((root / "photos").glob("*.jpg")):
        if photo.name != "broken.jpg":
            assert ingest.accept(photo)
    assert sum(queue.counts().values()) == before
    state.close()


def test_no_row_of_it_is_lost(root: Path, tmp_path: Path, state: Database) -> None:
    before = sqlite3.connect(tmp_path / "untouched.db")
    before.executescript((root / "state.sql").read_text("utf-8").replace("{root}", str(root)))
    tables = [row[0] for row in before.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        columns = [row[1] for row in before.execute(f"PRAGMA table_info({table})")]
        columns = columns[:1] if table in DERIVED else columns
        renamed = [RENAMED.get((table, column), column) for column in columns]
        then = before.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()
        now = [tuple(row) for row in state.connection.execute(f"SELECT {', '.join(renamed)} FROM {table} ORDER BY 1")]
        assert set(now) >= set(then), table
        assert len(now) == before.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] + (table == "settings"), table
    before.close()
    state.close()


def test_its_sidecars_rebuild_the_catalogue(root: Path, tmp_path: Path) -> None:
    fresh = Database(tmp_path / "fresh.db")
    adoption = Adoption(Catalog(fresh), tmp_path / "backups")
    found = rebuild(root / "photos", fresh, adoption, FakeReader().read, open_files().clip)
    assert not found.problems
    clips = listed_clips(fresh)
    assert {(Path(clip.path).name, clip.verdict, clip.rating) for clip in clips} == {
        ("Käthe ☀_motion.mp4", Verdict.APPROVED, 5),
        ("DSC_0042_motion-v2.mp4", Verdict.REJECTED, 0),
        ("DSC_0042_motion.mp4", Verdict.NONE, 0),
    }
    fresh.close()


def test_its_sidecars_say_what_its_state_file_says(root: Path, state: Database) -> None:
    for clip in listed_clips(state):
        read = read_clip(Path(clip.sidecar_path))
        assert read is not None
        known, told = clip.to_dict(), read.to_dict()
        for name in ("photo_id", "sha256", "created_at"):  # only the state file has these, or to the second
            del known[name], told[name]
        assert json.loads(json.dumps(known)) == json.loads(json.dumps(told))
    state.close()
