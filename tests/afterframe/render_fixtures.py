"""A renderer with a fake generator, one photo, and a loop over them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from afterframe.config import Config, RenderConfig
from afterframe.domain import Clip, Job, Stamp
from afterframe.errors import AfterframeError
from afterframe.publish.publisher import Publisher
from afterframe.render.heartbeat import Heartbeat, WorkerContext
from afterframe.render.loop import WorkerLoop
from afterframe.render.renderer import Renderer
from afterframe.render.slots import WorkerSpec
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import NewJob, Queue
from afterframe.system.hashing import sha256_of
from factories import make_photo_file, make_recipe, make_settings
from fakes import FakeGenerator

OWNER = "daemon-1-aa/0"
FAST = Config(render=RenderConfig(preset="ultrafast"))


class Studio:
    """A renderer with a fake generator, and one photo."""

    def __init__(self, database: Database, folder: Path, config: Config = FAST) -> None:
        settings = make_settings(config)
        self.generator = FakeGenerator()
        self.renderer = Renderer(database, settings, OWNER, load=lambda *_: self.generator)
        self.publisher = Publisher(database, settings)
        self.database, self.catalog, self.queue = database, Catalog(database), Queue(database)
        self.stopping = threading.Event()
        self.worker = WorkerContext(OWNER, self.stopping, stall_s=60)
        self.folder = folder
        self.photo = make_photo_file(folder / "DSC_0042.jpg")

    def order(
        self, seed: int = 7, origin: str = "watch", parent: str | None = None, replaces: str | None = None
    ) -> Job:
        photo = self.catalog.put_photo(self.photo, Stamp.of(self.photo.stat()), sha256_of(self.photo), {"iso": 100})
        job, _ = self.queue.enqueue(NewJob(photo, make_recipe(seed=seed), "fake", origin, parent, replaces=replaces))
        return job

    def claim(self) -> Job:
        job = self.queue.claim(OWNER)
        assert job is not None
        return job

    def render(self) -> AfterframeError | None:
        """Claim the next job and render it."""
        job = self.claim()
        with Heartbeat(self.queue, job, self.worker) as beat:
            try:
                self.renderer.render(job, beat)
            except AfterframeError as error:
                return error
        return None

    def loop(self, renderer: Any = None, keep_warm_s: float = 60.0) -> WorkerLoop:
        return WorkerLoop(renderer or self.renderer, self.queue, self.worker, WorkerSpec(lane=""), keep_warm_s)

    def clip_of(self, job: Job) -> Clip:
        return self.catalog.clip(str(self.queue.get(job.id).clip_id))

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.is_file()}


@pytest.fixture(name="studio")
def make_studio(database: Database, tmp_path: Path) -> Studio:
    folder = tmp_path / "photos ünï"
    folder.mkdir()
    return Studio(database, folder)
