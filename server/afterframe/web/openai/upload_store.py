"""Uploads to /v1: each photo in a folder of its own in AFTERFRAME_HOME, with its record and, later, its clip.

The folder is all there is: deleting a video deletes its folder, and listing them needs no database.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from afterframe.errors import NotFound, PublishError
from afterframe.publish.folder_check import check_folder
from afterframe.system.files import sync_file
from afterframe.web.api.uploads import photo_name
from afterframe.web.http.errors import FULL, no_room
from afterframe.web.http.forms import Upload

RECORD = "record.json"
DELETED = "deleted.json"
"""The record of a deleted video whose render has not stopped yet."""


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """What is stored beside an uploaded photo."""

    id: str
    photo: str
    """The photo's name in the folder."""
    created_at: float
    """Unix time, seconds."""
    model: str = ""
    """As the sender named it; empty: not given."""
    prompt: str = ""
    """As the sender wrote it; empty: not given."""
    facts: bool = True
    """The photo's facts add the look to the prompt."""
    remixed_from: str | None = None
    purpose: str = ""
    """A file's purpose, as the sender named it."""


class UploadStore:
    """Folders named by ids, which sort by time.

    Args:
        root: the parent folder; created when first needed.
        prefix: what ids begin with.
    """

    def __init__(self, root: Path, prefix: str) -> None:
        self._root = root
        self._prefix = prefix
        self._id = re.compile(re.escape(prefix) + "[0-9a-f]{32}")

    @contextlib.contextmanager
    def adding(self, upload: Upload, **about: str | bool | None) -> Iterator[UploadRecord]:
        """Store a photo with its record; it is removed again if the block fails.

        Args:
            about: fields of :class:`UploadRecord`.
        Raises:
            PhotoError: it is not a kind of photo that can be animated, or its name cannot be used.
            NoRoomError: the disk is full.
            PublishError: it cannot be written for another reason.
        """
        now = time.time()
        name = photo_name(upload)
        new_id = f"{self._prefix}{round(now * 1e6):014x}{secrets.token_hex(9)}"
        record = UploadRecord(new_id, name, now, **about)  # type: ignore[arg-type]
        folder = self.folder(record)
        try:
            self._keep(folder, record, upload)
            yield record
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _keep(self, folder: Path, record: UploadRecord, upload: Upload) -> None:
        try:
            folder.mkdir(parents=True, mode=0o700)
            check_folder(folder)
            upload.save(folder / record.photo)
            sync_file(folder / record.photo)
            (folder / RECORD).write_text(json.dumps(asdict(record)), "utf-8")
        except OSError as error:
            if error.errno in FULL:
                raise no_room(self._root, error) from error
            raise PublishError(
                f"{record.photo} cannot be saved: {error.strerror or error}.",
                "Check the free space and permissions of Afterframe's own folder.",
                code="not_kept",
            ) from error

    def folder(self, record: UploadRecord) -> Path:
        """Its folder."""
        return self._root / record.id

    def photo(self, record: UploadRecord) -> Path:
        """Its photo's path."""
        return self.folder(record) / record.photo

    def get(self, wanted: str) -> UploadRecord:
        """The record with this id.

        Raises:
            NotFound: there is none, or it was deleted.
        """
        with contextlib.suppress(OSError, ValueError, TypeError):
            if self._id.fullmatch(wanted):
                return _read(self._root / wanted / RECORD)
        raise NotFound(f"There is no {self._prefix[:-1]} {wanted[:100]}.", "It may have been deleted.")

    def page(self, *, after: str | None, limit: int, newest_first: bool) -> tuple[list[UploadRecord], bool]:
        """Records by time, and whether there are more.

        Args:
            after: the last id of the page before.
        """
        ids = sorted((folder.name for folder in self._folders()), reverse=newest_first)
        if after is not None:
            ids = [name for name in ids if (name < after if newest_first else name > after)]
        records: list[UploadRecord] = []
        for name in ids:
            with contextlib.suppress(NotFound):
                records.append(self.get(name))
            if len(records) > limit:
                return records[:limit], True
        return records, False

    def mark_deleted(self, record: UploadRecord) -> None:
        """Hide it from listings; its files stay for now."""
        with contextlib.suppress(FileNotFoundError):  # deleted twice at a time
            (self.folder(record) / RECORD).replace(self.folder(record) / DELETED)

    def deleted(self) -> Iterator[UploadRecord]:
        """Deleted records whose files still exist."""
        for folder in self._folders():
            with contextlib.suppress(OSError, ValueError, TypeError):
                yield _read(folder / DELETED)

    def keep_files(self, record: UploadRecord) -> None:
        """Leave its files to the photographer; the record stays deleted."""
        (self.folder(record) / DELETED).unlink(missing_ok=True)

    def remove(self, record: UploadRecord) -> bool:
        """Remove its folder; False: a file is still in use (Windows), try again later."""
        folder = self.folder(record)
        try:
            for path in sorted(folder.iterdir(), key=lambda path: path.name == DELETED):  # it goes last
                path.unlink(missing_ok=True)
            folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _folders(self) -> list[Path]:
        try:
            return [folder for folder in self._root.iterdir() if self._id.fullmatch(folder.name)]
        except FileNotFoundError:
            return []


def _read(file: Path) -> UploadRecord:
    return UploadRecord(**json.loads(file.read_text("utf-8")))
