"""Folders and copies that a NAS, a system or a program keeps among the user's photos: they are left alone."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property

from afterframe.system.paths import folded

FOLDERS = (
    *("@eaDir", "#recycle", "#snapshot", "@tmp", "@sharebin"),  # Synology
    *("@Recycle", "@Recently-Snapshot", ".@__thumb", "@Transcode"),  # QNAP
    *("$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information", "found.???"),  # Windows
    *("lost+found", "trashbox"),  # Linux, Buffalo
    *("Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder", "__MACOSX"),  # macOS
    *("CaptureOne", "*.cocatalog", "*.lrdata", "*.lrcat-data", "*.lrlibrary"),
    *("*.photoslibrary", "*.photolibrary", "*.aplibrary", "*.migratedphotolibrary"),
    *("NKSC_PARAM", "thumbnails", "thumbs"),
)
"""Names of such folders, case ignored; hidden ones are left alone whatever their name."""

_COPY_WORDS = (
    r"conflicted copy|case conflict|selective sync conflict|unicode encoding conflict|whitespace conflict|SFConflict|"
    r"in Konflikt stehende Kopie|Kopie mit Konflikt|copie en conflit|copia en conflicto|copia in conflitto|"
    r"cópia em conflito|conflicterende kopie|競合コピー"
)
_CONFLICT_COPY = re.compile(
    r"\.sync-conflict-\d{8}-\d{6}|"  # Syncthing
    rf"\([^()]*(?i:{_COPY_WORDS})[^()]*\)|"  # Dropbox, Nextcloud, Box, Seafile
    r"_conflict-\d{8}-\d{6}|"  # ownCloud
    r"_[A-Z][a-z]{2}-\d{2}-\d{4}-\d{4}_(?:Case)?Conflict|"  # Synology Drive
    r"\.Conflict(?:\(\d+\))?(?=\.\w+$)|\.conflict\d+(?=\.\w+$)|"  # Resilio Sync, rclone
    r" \[Conflict\]| \[conflicted\]"  # Google Drive, pCloud
)
"""In the name of a file that a synchronising program made of the losing side of a conflict."""


@dataclass(frozen=True)
class ForeignNames:
    """Which folders and files are left alone.

    Args:
        ignored: further names, as ``[watch] ignore`` gives them; ``*`` and ``?`` stand for any letters.
    """

    ignored: tuple[str, ...] = ()

    @cached_property
    def _of_folders(self) -> re.Pattern[str]:
        return _any_of((*FOLDERS, *self.ignored))

    @cached_property
    def _of_files(self) -> re.Pattern[str]:
        return _any_of(self.ignored)

    def has_folder(self, name: str) -> bool:
        """Whether a folder of this name is somebody else's."""
        return name.startswith(".") or bool(self._of_folders.match(folded(name)))

    def has_file(self, name: str) -> bool:
        """Whether a file of this name is somebody else's, or a copy that a synchronising program made."""
        if name.startswith(".") or _CONFLICT_COPY.search(unicodedata.normalize("NFC", name)):
            return True
        return bool(self.ignored) and bool(self._of_files.match(folded(name)))


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(folded(pattern).replace("[", "[[]")) for pattern in patterns) or r"(?!)")


KNOWN_NAMES = ForeignNames()
"""The list without the user's own additions."""
