"""The daemon: makes every part, starts them in order, stops them in reverse."""

from __future__ import annotations

import logging
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from afterframe.app.held_folder_check import BackgroundProbes, HeldFolderCheck
from afterframe.app.recovery import Leftovers, recover
from afterframe.config import Config, Home, Settings
from afterframe.errors import AfterframeError
from afterframe.intake.folder_rules import absolute, addable_folder, configured_folders
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.ingest import MAX_PARALLEL_READS, Ingest
from afterframe.intake.late_words import LateWords
from afterframe.intake.photo_reader import PhotoReader
from afterframe.intake.watcher import Handlers, Watcher
from afterframe.publish.publisher import Publisher
from afterframe.render.derived_files import DerivedFiles
from afterframe.render.drafts import DraftMaker
from afterframe.render.pictures import PictureMaker
from afterframe.render.slots import WorkerGroup, worker_specs
from afterframe.render.state_outage import OutageLog
from afterframe.render.supervisor import Supervisor
from afterframe.render.takes import drop_old_takes
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.held_folders import HeldFolders
from afterframe.state.idempotency import IdempotencyStore
from afterframe.state.queue import Queue
from afterframe.system.background import Background
from afterframe.system.locks import DaemonLock, Owner, sweep_owners
from afterframe.system.runtime_files import make_token, write_daemon
from afterframe.web.app import create_app
from afterframe.web.auth.login_codes import LoginCodes
from afterframe.web.auth.login_pages import remove_login_page, sweep_login_pages
from afterframe.web.http.context import Services
from afterframe.web.metrics import Metrics
from afterframe.web.server import WebServer

EVENTS_INTERVAL_S = 0.5
"""How often new events are passed on, seconds."""

log = logging.getLogger(__name__)


class Daemon:
    """Everything that `afterframe serve` runs.

    Args:
        folders: folders to watch, beyond those that are known already.
        take_backlog: animate a folder's photos even when there are very many.
    """

    def __init__(self, home: Home, config: Config, folders: Sequence[Path] = (), *, take_backlog: bool = False) -> None:
        self._settings = Settings(home.make(), config)
        self._home = home
        self._config = config
        self._folders = folders
        self._take_backlog = take_backlog
        self._stopping = threading.Event()

    def run(self, ready: Callable[[str, str], None], on_event: Callable[[dict[str, Any]], None]) -> None:
        """Run until :meth:`stop`.

        Args:
            ready: called with the page's address and a one-time link to it, once everything runs.
            on_event: called with every event from then on.
        Raises:
            AlreadyRunning: another daemon holds this home.
            ConfigError: the port is taken, or config.toml names a folder that may not be added.
            UsageError: a folder given may not be added.
        """
        with ExitStack() as stack:
            start = stack.enter_context  # what was started last is stopped first
            start(DaemonLock(self._home.root))
            owner = start(Owner(self._home.owners, "daemon"))
            sweep_owners(self._home.owners, time.time())
            state = start(_opened(self._home))
            self._add_folders(state.folders)
            publisher = Publisher(state.database, self._settings)
            recover(publisher, state.queue, self._home)
            reader = start(closing(PhotoReader(self._config.limits, MAX_PARALLEL_READS, self._settings.detectors)))
            foreign = start(closing(ForeignFiles(self._config.limits)))
            files = start(closing(DerivedFiles(self._settings)))
            ingest = Ingest(state.database, state.catalog, state.queue, self._settings, reader.read, foreign)
            late = LateWords(state.database, state.catalog, state.queue, self._settings, ingest, reader.facts)
            watcher = self._watcher(state, ingest, late)
            supervisor = self._supervisor(state, publisher, owner, watcher, (reader, foreign, files))
            cursor, held = _at_start(state.database)
            start(_running(supervisor))
            start(_running(watcher))
            metrics = start(self._website(self._services(state, ingest, foreign, files, watcher), ready))
            for readers in (reader, foreign, files):  # first of all: who waits for one must not hold up the end
                stack.callback(readers.close)
            for event in held:
                on_event(event)
            self._pass_events_on(state.database, cursor, (metrics.note_event, on_event))
            log.info("stopping")

    def stop(self, number: int = 0, stack_frame: FrameType | None = None) -> None:
        """End :meth:`run`; also a signal handler."""
        self._stopping.set()

    def _add_folders(self, folders: FolderList) -> None:
        named = [(addable_folder(absolute(folder), self._home.root), True) for folder in self._folders]
        for folder, watch in [*named, *configured_folders(self._config.watch, self._home)]:
            folders.put(folder, watch=watch)

    def _supervisor(
        self, state: _State, publisher: Publisher, owner: Owner, watcher: Watcher, pools: Sequence[_Rests]
    ) -> Supervisor:
        held = HeldFolderCheck(HeldFolders(state.database), watcher.rescan, can_be_used=BackgroundProbes())
        recovery = Background[None]("recovery")

        def tidy() -> None:
            for pool in pools:
                pool.rest(self._config.render.keep_warm_s)
            held.look()
            drop_old_takes(self._home.cache / "takes", time.time())
            if done := recovery.ask("recover", partial(recover, publisher, state.queue, self._home)):
                done.result()

        return Supervisor(state.queue, publisher, WorkerGroup(owner.id, worker_specs(self._config)), tidy=tidy)

    def _watcher(self, state: _State, ingest: Ingest, late: LateWords) -> Watcher:
        leftovers = Leftovers(state.queue, self._home, time.time())
        for folder in state.folders.all():
            if not folder.watch:
                leftovers.clear_unwatched(folder.path)

        def step() -> bool:
            ingest.adoption.follow_moved()
            return late.step()

        handlers = Handlers(
            photo=ingest.accept,
            temporary=leftovers.clear,
            clip=ingest.accept_clip,
            note=late.note,
            step=step,
            closed=ingest.hold_unlisted,
        )
        return Watcher(state.catalog, state.folders, self._config.watch, handlers, take_backlog=self._take_backlog)

    def _services(
        self, state: _State, ingest: Ingest, foreign: ForeignFiles, files: DerivedFiles, watcher: Watcher
    ) -> Services:
        return Services(
            settings=self._settings,
            database=state.database,
            catalog=state.catalog,
            folders=state.folders,
            answers=IdempotencyStore(state.database),
            queue=state.queue,
            ingest=ingest,
            foreign_files=foreign,
            pictures=PictureMaker(files),
            drafts=DraftMaker(files),
            token=make_token(self._home),
            folders_changed=watcher.refresh,
            rescan=watcher.rescan,
            stopping=self._stopping,
        )

    @contextmanager
    def _website(self, services: Services, ready: Callable[[str, str], None]) -> Iterator[Metrics]:
        codes = LoginCodes(used=partial(remove_login_page, self._home))
        sweep_login_pages(self._home)
        app = create_app(services, codes)
        server = self._config.server
        door = app.extensions["afterframe_door"]
        website = WebServer(app, server.host, server.port, door=door, spool_folder=self._home.received)
        try:
            write_daemon(self._home, website.url)
            ready(website.url, f"{website.url}/login?code={codes.issue()}")
            context = app.extensions["afterframe"]
            with suppress(sqlite3.Error, AfterframeError):  # a page of a damaged state file says so itself
                for listing in (context.clips, context.renders):
                    listing.facets()  # read now, so that the first page need not wait for it
            yield context.metrics
        finally:
            self._home.daemon.unlink(missing_ok=True)
            sweep_login_pages(self._home)
            website.stop()

    def _pass_events_on(
        self, database: Database, cursor: int, listeners: Sequence[Callable[[dict[str, Any]], None]]
    ) -> None:
        outages, told = OutageLog("events"), False
        while not self._stopping.wait(EVENTS_INTERVAL_S):
            if database.damage and not told:
                told = True
                _tell(listeners, {"kind": "damage", "error": database.damage.to_dict()})
            try:
                for event in database.events_since(cursor):
                    cursor = event["cursor"]
                    _tell(listeners, event)
            except (sqlite3.Error, ValueError) as error:  # a damaged state file must not end what does without it
                outages.note(error)
            else:
                outages.over()


class _Rests(Protocol):
    """Has processes that end when nobody needs them."""

    def rest(self, idle_s: float) -> None:
        """End those that nobody has needed for this long, seconds."""
        ...


@dataclass(frozen=True, slots=True)
class _State:
    """The state file, and the views of it that the daemon's parts share."""

    database: Database
    catalog: Catalog
    folders: FolderList
    queue: Queue


@contextmanager
def _opened(home: Home) -> Iterator[_State]:
    with closing(Database(home.database)) as database:
        database.look_for_damage()
        if database.damage:
            log.warning("%s %s", database.damage.message, database.damage.hint)
        yield _State(database, Catalog(database), FolderList(database), Queue(database))


def _at_start(database: Database) -> tuple[int, list[dict[str, Any]]]:
    """The cursor of the last event before this start, and the events of folders that have been held since then."""
    try:
        held = [{"kind": "folders", **folder.to_dict()} for folder in HeldFolders(database).all()]
        return database.last_cursor(), held
    except (sqlite3.Error, ValueError, TypeError):  # damaged, which is told elsewhere
        return 0, []


def _tell(listeners: Sequence[Callable[[dict[str, Any]], None]], event: dict[str, Any]) -> None:
    for listener in listeners:
        listener(event)


@contextmanager
def _running(part: Supervisor | Watcher) -> Iterator[None]:
    part.start()
    try:
        yield
    finally:
        part.stop()


def handle_signals(daemon: Daemon) -> None:
    """Ctrl-C and a polite kill end the daemon in order. The end of its terminal does not, nor of those it started."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited by every process that it starts
    signal.signal(signal.SIGINT, daemon.stop)
    signal.signal(signal.SIGTERM, daemon.stop)
