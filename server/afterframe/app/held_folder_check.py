"""Looks at held folders now and then: what is back, writable and has room goes on by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from afterframe.errors import PublishError
from afterframe.publish.folder_check import CLOSED, check_listed, probe
from afterframe.state.held_folders import HeldFolder, HeldFolders
from afterframe.system.background import Background

LONGEST_WAIT_S = 300.0
"""Before a folder that is held again and again is looked at, seconds."""
FIRST_WAIT_S = 5.0
FORGOTTEN_S = 3600.0
"""A held folder that no render waits for is forgotten after this long, seconds."""

log = logging.getLogger(__name__)


class HeldFolderCheck:
    """Releases the held folders that can be used again.

    A folder that was released and is held again at once is looked at later and later: each try may cost a render.

    Args:
        came_back: called with a folder that can be used again.
        can_be_used: whether a folder can be used again; None: it has not answered yet.
        monotonic: seconds, steady.
    """

    def __init__(
        self,
        held: HeldFolders,
        came_back: Callable[[Path], None],
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        can_be_used: Callable[[HeldFolder], bool | None] | None = None,
    ) -> None:
        self._held = held
        self._came_back = came_back
        self._monotonic = monotonic
        self._wall = wall
        self._can_be_used = can_be_used or is_usable
        self._look_at: dict[tuple[Path, float], float] = {}
        """A folder and since when it is held -> when it is looked at first."""

    def look(self) -> None:
        """Look at every held folder whose turn it is."""
        held = self._held.all()
        self._look_at = {
            (folder.path, folder.since): self._look_at.get(
                (folder.path, folder.since), self._monotonic() + _first_wait_s(folder)
            )
            for folder in held
        }
        for folder in held:
            if self._monotonic() >= self._look_at[folder.path, folder.since]:
                self._look_into(folder)

    def _look_into(self, folder: HeldFolder) -> None:
        usable = self._can_be_used(folder)
        if not usable and (folder.renders or self._wall() - folder.since < FORGOTTEN_S):
            return
        if usable:
            log.info("%s can be used again", folder.path)
        del self._look_at[folder.path, folder.since]
        self._held.release(folder.path)
        self._came_back(folder.path)


def is_usable(folder: HeldFolder) -> bool:
    """Whether a folder can be used; it may take for ever to say so."""
    try:
        (check_listed if folder.error.code == CLOSED else probe)(folder.path)
    except PublishError:
        return False
    return True


class BackgroundProbes:
    """:func:`is_usable` for a thread that must not wait: a share whose server is gone holds up nothing else."""

    def __init__(self) -> None:
        self._asked = Background[bool]("folder-probe")

    def __call__(self, folder: HeldFolder) -> bool | None:
        """Whether a folder can be used; None: it has not answered yet."""
        answer = self._asked.ask(folder.path, partial(is_usable, folder))
        return answer.result() if answer else None


def _first_wait_s(folder: HeldFolder) -> float:
    return 0.0 if folder.tries == 1 else min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(folder.tries - 2, 10))
