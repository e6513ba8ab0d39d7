"""The daemon: builds every part, starts them in order, stops them in reverse."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from afterframe.app.recovery import clear_stray, recover
from afterframe.config import ALL_INTERFACES, Config, Home, Settings
from afterframe.errors import ConfigError
from afterframe.intake.folders import absolute, addable_folder, configured_folders
from afterframe.intake.ingest import MAX_PARALLEL_READS, Ingest
from afterframe.intake.photo_reader import PhotoReader
from afterframe.intake.watcher import Watcher
from afterframe.publish.publisher import Publisher
from afterframe.render.drafts import DraftMaker
from afterframe.render.slots import WorkerGroup, worker_specs
from afterframe.render.supervisor import Supervisor
from afterframe.state.answers import Answers
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.queue import Queue
from afterframe.system.locks import DaemonLock, Owner
from afterframe.system.runtime_files import make_token, write_daemon
from afterframe.web.app import create_app, max_body
from afterframe.web.auth.session import LoginCodes
from afterframe.web.http.services import Services

THREADS = 24
"""Web requests at a time; event streams take one each and are limited to half of these."""

NARRATE_S = 0.5
"""How often what happened is told, seconds."""

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

    def run(self, ready: Callable[[str, str], None], tell: Callable[[dict[str, Any]], None]) -> None:
        """Run until :meth:`stop`.

        Args:
            ready: called with the page's address and a one-time link to it, once everything runs.
            tell: called with every event from then on.
        Raises:
            AlreadyRunning: another daemon holds this home.
            ConfigError: the port is taken, or config.toml names a folder that may not be added.
            UsageError: a folder given may not be added.
        """
        with ExitStack() as stack:
            lock = DaemonLock(self._home.root)
            lock.acquire()
            stack.callback(lock.release)
            owner = stack.enter_context(Owner(self._home.owners, "daemon"))
            database = Database(self._home.database)
            stack.callback(database.close)
            catalog, queue, folders = Catalog(database), Queue(database), FolderList(database)
            self._know_folders(folders)
            publisher = Publisher(database, self._settings)
            recover(publisher, queue, self._home)

            reader = PhotoReader(self._config.limits, MAX_PARALLEL_READS)
            stack.callback(reader.close)
            drafts = DraftMaker(self._settings)
            stack.callback(drafts.close)
            ingest = Ingest(database, catalog, queue, self._settings, reader.read)
            supervisor = Supervisor(
                queue,
                publisher,
                WorkerGroup(owner.id, worker_specs(self._config)),
                tidy=lambda: recover(publisher, queue, self._home),
            )
            supervisor.start()
            stack.callback(supervisor.stop)
            watcher = Watcher(
                catalog,
                folders,
                self._config.watch,
                ingest.take,
                lambda path: clear_stray(path, queue),
                take_backlog=self._take_backlog,
            )
            watcher.start()
            stack.callback(watcher.stop)

            codes = LoginCodes()
            services = Services(
                settings=self._settings,
                database=database,
                catalog=catalog,
                folders=folders,
                answers=Answers(database),
                queue=queue,
                ingest=ingest,
                drafts=drafts,
                token=make_token(self._home),
                folders_changed=watcher.refresh,
                rescan=watcher.rescan,
                stopping=self._stopping,
            )
            self._serve(stack, services, codes, ready)
            self._narrate(database, tell)
            log.info("stopping")

    def _narrate(self, database: Database, tell: Callable[[dict[str, Any]], None]) -> None:
        cursor = database.last_cursor()
        while not self._stopping.wait(NARRATE_S):
            for event in database.events_since(cursor):
                cursor = event["cursor"]
                tell(event)

    def stop(self, number: int = 0, stack_frame: FrameType | None = None) -> None:
        """End :meth:`run`; also a signal handler."""
        self._stopping.set()

    def _know_folders(self, folders: FolderList) -> None:
        named = [(addable_folder(absolute(folder), self._home.root), True) for folder in self._folders]
        for folder, watch in [*named, *configured_folders(self._config.watch, self._home)]:
            folders.put(folder, watch=watch)

    def _serve(
        self, stack: ExitStack, services: Services, codes: LoginCodes, ready: Callable[[str, str], None]
    ) -> None:
        host, port = self._config.server.host, self._config.server.port
        app = create_app(services, codes)
        server = WebServer(app, host, port, max_body(self._config.limits))
        stack.callback(server.stop)
        shown = "127.0.0.1" if host in ALL_INTERFACES else host
        url = f"http://{f'[{shown}]' if ':' in shown else shown}:{server.port}"
        write_daemon(self._home, url)
        stack.callback(self._home.daemon.unlink, missing_ok=True)
        ready(url, f"{url}/login?code={codes.issue()}")
        context = app.extensions["afterframe"]
        for listing in (context.clips, context.renders):
            listing.facets()  # read now, so that the first page need not wait for it


def handle_signals(daemon: Daemon) -> None:
    """Ctrl-C and a polite kill end the daemon in order."""
    signal.signal(signal.SIGINT, daemon.stop)
    signal.signal(signal.SIGTERM, daemon.stop)


class WebServer:
    """waitress in a thread.

    Args:
        longest: bytes of a request's body; more is refused before it is kept anywhere.
    Raises:
        ConfigError: the address cannot be used.
    """

    def __init__(self, app: Flask, host: str, port: int, longest: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
                raise ConfigError(
                    f"{host} is no address of this machine.",
                    "Leave --host away, or name one of its own; 0.0.0.0 means all of them.",
                    code="port",
                ) from error
            raise ConfigError(
                f"Port {port} on {host} cannot be used: {error.strerror or error}.",
                "Choose another one with --port, or in config.toml.",
                code="port",
            ) from error
        self.port: int = listening.getsockname()[1]
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            sockets=[listening],
            map=self._sockets,
            threads=THREADS,
            ident=None,
            max_request_body_size=longest,
        )
        self._thread = threading.Thread(target=self._server.run, name="web")
        self._thread.start()

    def stop(self) -> None:
        """Answer what is being asked, then close."""
        self._server.task_dispatcher.shutdown(timeout=3)
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._sockets))
        self._thread.join()
