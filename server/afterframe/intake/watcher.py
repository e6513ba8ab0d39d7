"""Folders to settled photo paths. Events are hints; the scan is the truth.

watchdog loses events under bursts and inside folders that have just been made, so every folder is
scanned at the start, after a folder appears, and from time to time. A photo is settled when its
size and time of change stood still, or at once when it came by a rename or is older than that.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from afterframe.config import WatchConfig
from afterframe.domain import Failure, Stamp
from afterframe.imaging.decode import is_photo
from afterframe.intake.foreign_files import FOLDER_FILE, is_note
from afterframe.intake.foreign_names import ForeignNames
from afterframe.intake.note_tracker import NoteTracker
from afterframe.intake.scan import Scan, on_network, scan
from afterframe.intake.settle import StabilityTracker
from afterframe.publish.adoption import stands
from afterframe.state.catalog import Catalog
from afterframe.state.folder_list import FolderList
from afterframe.system.paths import is_inside

LOOK_S = 1.0
"""How often the watched folders are looked at: whether each is still the one whose events are heard, seconds."""
MAX_PER_TURN = 32
"""Photos dealt with before hints and folders have their turn again."""

log = logging.getLogger(__name__)


class PhotoHandler(Protocol):
    """Deals with a settled photo. False: it is not all there yet, ask again."""

    def __call__(self, path: Path, *, final: bool) -> bool:
        """``final``: a broken file is to be given up."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What is called for the files that the watcher finds."""

    photo: PhotoHandler
    temporary: Callable[[Path], None]
    """Called with every temporary file of ours that was left behind."""
    clip: Callable[[Path], bool]
    """Called with a clip that has a sidecar, unknown to the catalogue or taken for gone. False: ask again."""
    note: Callable[[Path], bool] = lambda path: True
    """Called with a sidecar or an afterframe.toml that has arrived or changed, or with an afterframe.toml that is
    gone. False: ask again."""
    step: Callable[[], bool] = lambda: False
    """Called in every round; True: there is more to do at once."""
    closed: Callable[[Path, OSError], None] = lambda path, error: None
    """Called with a folder that cannot be listed, and the reason."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds; tests bring their own."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    """Unix time, as files are stamped."""


SYSTEM_CLOCKS = Clocks()


def _outside(path: Path) -> Failure:
    return Failure(
        "not_allowed",
        f"{path.name} is a link to a photo outside Afterframe's folders.",
        "Put a copy in its place, or add the photo's own folder.",
    )


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another one of its name; None: it is not there."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


Hint = tuple[Path, Literal["changed", "renamed", "deleted"]]


class _Hints(FileSystemEventHandler):
    """Turns watchdog's events into hints."""

    def __init__(self, put: Callable[[Hint], None]) -> None:
        self._put = put

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type == "moved":
            self._put((Path(os.fsdecode(event.dest_path)), "renamed"))
        elif event.event_type == "deleted":
            self._put((Path(os.fsdecode(event.src_path)), "deleted"))
        elif event.event_type in ("created", "closed") or (event.event_type == "modified" and not event.is_directory):
            self._put((Path(os.fsdecode(event.src_path)), "changed"))


class Watcher:
    """Watches folders in one thread and hands settled photos on.

    Args:
        catalog: knows which photos were dealt with.
        take_backlog: hand on a folder's photos however many there are.
    """

    def __init__(
        self,
        catalog: Catalog,
        folders: FolderList,
        config: WatchConfig,
        handlers: Handlers,
        *,
        take_backlog: bool = False,
        clocks: Clocks = SYSTEM_CLOCKS,
    ) -> None:
        self._catalog = catalog
        self._folders = folders
        self._config = config
        self._foreign = ForeignNames(config.ignore)
        self._handlers = handlers
        self._take_backlog = take_backlog
        self._clocks = clocks
        self._stability = StabilityTracker(config.settle_s, config.broken_s)
        self._hints: queue.Queue[Hint | None] = queue.Queue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self._observer: BaseObserver | None = None
        self._handler = _Hints(self._hints.put)
        self._next_scan: dict[Path, float] = {}
        self._watches: dict[Path, ObservedWatch] = {}
        self._heard: dict[Path, tuple[int, int] | None] = {}
        """The folder whose events were asked for under each name; None: there was none at the last look."""
        self._next_look = 0.0
        self._replaced: set[Path] = set()
        """Files that a rename put in place: their stamp may be that of the photo which stood there."""
        self._without_events: set[Path] = set()
        """Watched folders that are absent, or for which the system gives no events."""
        self._notes = NoteTracker()
        self._strangers: dict[str, int] = {}
        """Clips with a sidecar that were not ours when last looked at -> when the sidecar was changed."""

    # -- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to watch the folders."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what was not dealt with is found again by the next start's scan."""
        self._ending.set()
        self._hints.put(None)
        self._thread.join()

    def refresh(self) -> None:
        """The folders changed: watch the new ones, scan them at once."""
        self._hints.put(None)

    def rescan(self, folder: Path) -> None:
        """Scan a folder now."""
        self._hints.put((folder, "changed"))

    # -- the loop ----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                try:
                    self.turn()
                    if not self._ending.is_set():
                        self._wait()
                except Exception:
                    # A full disk or a locked database must not end the watch.
                    log.exception("watching")
                    self._ending.wait(1)
        finally:
            self._stop_observer()

    def _wait(self) -> None:
        now = self._clocks.monotonic()
        until = [due - now for due in self._next_scan.values()]
        due = self._stability.next_due_s(now)
        if due is not None:
            until.append(due)
        with contextlib.suppress(queue.Empty):
            self._hint(self._hints.get(timeout=max(0.01, min([*until, LOOK_S]))))

    def turn(self) -> None:
        """One round: folders, hints, scans that are due, settled photos."""
        self._drain_hints()
        self._follow_folders()
        for root, due in list(self._next_scan.items()):
            if self._clocks.monotonic() >= due:
                self.scan_folder(root)
        self._recheck()
        for count, (path, final) in enumerate(self._stability.due(self._clocks.monotonic()), start=1):
            try:
                self._handle(path, final=final)
            except Exception:
                # One strange file must not keep the others waiting; the next scan finds it again.
                log.exception("%s", path)
                self._forget(path)
                self._scan_within(self._config.poll_s)
            if count == MAX_PER_TURN or self._ending.is_set():
                break
        if not self._ending.is_set() and self._handlers.step():
            self.refresh()

    def _drain_hints(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._hint(self._hints.get_nowait())

    def _hint(self, hint: Hint | None) -> None:
        if hint is None:
            return
        path, how = hint
        try:
            if how == "deleted":
                self._note_deleted(path)
            elif self._is_foreign(path, is_folder=(is_folder := path.is_dir())):
                return
            elif is_folder:
                if not path.is_symlink() or path in self._next_scan:  # a link may lead in circles
                    self._scan_into(path)
            elif is_photo(path) or is_note(path):
                status = path.stat()
                if stat.S_ISREG(status.st_mode):  # as a scan does: a pipe of that name is no photo
                    self._see(path, Stamp.of(status), renamed=how == "renamed")
                    if how == "renamed":
                        self._replaced.add(path)
        except OSError:
            self._forget(path)

    def _note_deleted(self, path: Path) -> None:
        """A file was deleted one by one: no drive was pulled, so a clip is gone even if its folder is empty now."""
        if path.name == FOLDER_FILE:
            self._handlers.note(path)
        elif path.suffix.lower() == ".mp4" and not os.path.lexists(path) and path.parent.is_dir():
            clip = self._catalog.clip_at(path)
            if clip and clip.present:
                self._catalog.mark_absent(clip.id)

    def _is_foreign(self, path: Path, *, is_folder: bool) -> bool:
        """Whether a path lies in none of the watched folders, or in what is left alone there."""
        for root in self._next_scan:
            if path.is_relative_to(root):
                *around, name = ("", *path.relative_to(root).parts)
                is_left_alone = self._foreign.has_folder if is_folder else self._foreign.has_file
                if not any(map(self._foreign.has_folder, around)) and not is_left_alone(name):
                    return False
        return True

    def _see(self, path: Path, stamp: Stamp, *, renamed: bool = False) -> None:
        age_s = self._clocks.wall() - stamp.mtime_ns / 1e9
        self._stability.see(path, stamp, now=self._clocks.monotonic(), age_s=age_s, renamed=renamed)

    def _recheck(self) -> None:
        for path in self._stability.needs_recheck():
            try:
                self._see(path, Stamp.of(path.stat()))
            except OSError:
                self._forget(path)

    def _handle(self, path: Path, *, final: bool) -> None:
        try:
            stamp = Stamp.of(path.stat())
        except OSError:
            self._forget(path)
            return
        if is_note(path):
            if self._handlers.note(path):
                self._notes.dealt_with(path, stamp)
                self._forget(path)
            return
        changed = path in self._replaced or not stamp.agrees(self._catalog.stamp_at(path))
        if changed and self._leads_outside(path):
            self._catalog.record_rejection(path, stamp, _outside(path))
        elif changed and not self._handlers.photo(path, final=final):
            return
        self._forget(path)

    def _forget(self, path: Path) -> None:
        self._stability.forget(path)
        self._replaced.discard(path)

    def _leads_outside(self, path: Path) -> bool:
        """Whether a link's photo lies in none of our folders: as a request for it would be refused."""
        real = os.path.realpath(path)
        return not any(is_inside(real, str(folder.path)) for folder in self._folders.all())

    # -- folders -----------------------------------------------------------------------------

    def _follow_folders(self) -> None:
        wanted = {folder.path for folder in self._folders.all() if folder.watch}
        if wanted == set(self._next_scan) and self._observer is not None:
            self._follow_replaced()
            return
        self._next_scan = {root: self._next_scan.get(root, self._clocks.monotonic()) for root in wanted}
        self._stop_observer()
        self._watches.clear()
        self._without_events.clear()
        self._observer = Observer()
        self._observer.start()  # first, so that a folder without events costs no other folder its own
        for root in wanted:
            self._listen(root)

    def _follow_replaced(self) -> None:
        """Listen to folders that were deleted and made again, or whose drive is back: their old events are dead."""
        now = self._clocks.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_S
        for root in self._next_scan:
            standing = _identity(root)
            if standing is None:
                self._heard[root] = None
            elif standing != self._heard.get(root) or self._is_deaf(root):
                self._listen(root)
                self._next_scan[root] = now

    def _is_deaf(self, root: Path) -> bool:
        """Whether its events have ended: a folder made again at once may have the old one's number."""
        watch = self._watches.get(root)
        if watch is None or self._observer is None:
            return False
        return not any(emitter.watch == watch and emitter.is_alive() for emitter in self._observer.emitters)

    def _listen(self, root: Path) -> None:
        """Ask for a folder's change events; without them it is only scanned from time to time."""
        if self._observer is None:
            return
        self._heard[root] = _identity(root)
        if watch := self._watches.pop(root, None):
            with contextlib.suppress(KeyError):
                self._observer.unschedule(watch)
        try:
            self._watches[root] = self._observer.schedule(self._handler, str(root), recursive=True)
            self._without_events.discard(root)
        except OSError as error:
            if root not in self._without_events:
                log.warning("%s: no change events (%s); it is only scanned from time to time", root, error)
            self._without_events.add(root)

    def _scan_within(self, seconds: float) -> None:
        latest = self._clocks.monotonic() + seconds
        self._next_scan = {root: min(due, latest) for root, due in self._next_scan.items()}

    def _stop_observer(self) -> None:
        if self._observer is not None:
            if self._observer.is_alive():
                self._observer.stop()
                self._observer.join()
            self._observer = None

    def scan_folder(self, root: Path) -> None:
        """Scan a watched folder for new and changed photos, deleted clips, and temporary files left behind."""
        every_s = self._config.poll_s if on_network(root) else self._config.rescan_s
        if root in self._without_events:
            self._listen(root)  # its drive may be there again
        try:
            found = scan(root, self._foreign)
        except OSError as error:
            log.warning("%s cannot be scanned (%s); no clip there counts as deleted", root, error)
            self._next_scan[root] = self._clocks.monotonic() + self._config.poll_s
            if os.path.lexists(root):  # otherwise its drive is away
                self._handlers.closed(root, error)
            return
        self._next_scan[root] = self._clocks.monotonic() + every_s
        known = self._catalog.stamps(root)
        fresh = {path: stamp for path, stamp in found.photos.items() if not stamp.agrees(known.get(path))}
        if not self._hold_backlog(root, fresh):
            for photo, stamp in fresh.items():
                self._see(Path(photo), stamp)
        self._folders.set_passed_over(root, found.passed_over)
        self._look_at_clips(root, found)
        self._look_at_notes(root, found)
        for path in found.temporaries:
            self._handlers.temporary(path)
        for closed, reason in found.closed:
            self._handlers.closed(closed, reason)

    def _scan_into(self, folder: Path) -> None:
        found = scan(folder, self._foreign)
        known = self._catalog.stamps(folder)
        for path, stamp in found.photos.items():
            if not stamp.agrees(known.get(path)):
                self._see(Path(path), stamp)
        self._look_at_clips(folder, found)
        self._look_at_notes(folder, found)

    def _hold_backlog(self, root: Path, fresh: dict[str, Stamp]) -> bool:
        """A folder seen for the first time with very many photos waits for the user's confirmation."""
        folder = next((folder for folder in self._folders.all() if folder.path == root), None)
        if folder is None or folder.seen:
            return False
        hold = len(fresh) > self._config.backlog_limit and not self._take_backlog
        if hold:
            log.warning("%s holds %d photos; confirm on the page or with serve --backlog", root, len(fresh))
            self._folders.hold_backlog(fresh)
        self._folders.set_backlog(root, seen=True, waiting=len(fresh) if hold else 0)
        return hold

    def _look_at_notes(self, folder: Path, found: Scan) -> None:
        """Notice the sidecars and settings that are new or have changed."""
        for path in self._notes.fresh(found.notes, partial(self._catalog.read_times, folder)):
            self._see(Path(path), found.notes[path])

    def _look_at_clips(self, folder: Path, found: Scan) -> None:
        """Note the clips under a folder that are gone, that are there again, and that are new to the catalogue."""
        roots = list(self._next_scan)
        known = self._catalog.clip_paths(folder)
        for path, (clip_id, present) in known.items():
            if path in found.clips:
                if not present and f"{path}.xmp" in found.sidecars:
                    self._handlers.clip(Path(path))
            elif present and not stands(Path(path), roots):
                self._catalog.mark_absent(clip_id)
        for path in found.clips - set(known):
            changed = found.sidecars.get(f"{path}.xmp")
            is_new = changed is not None and self._strangers.get(path) != changed
            if is_new and self._handlers.clip(Path(path)):
                self._strangers[path] = changed or 0
