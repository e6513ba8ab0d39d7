"""Sidecars on disk: names, reading, and writing that never loses a byte of another program's work."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from photometa.atomic import refused, replace_exactly, replace_file
from photometa.errors import MetadataError
from photometa.lock import LockedError, locked
from photometa.regular import NotRegular, open_regular
from photometa.xmp.packets import packet, parse
from photometa.xmp.values import Properties, Value
from photometa.xmp.xmltree import XmlError
from photometa.xmp.xmp_edit import merge

ATTEMPTS = 10
"""How often a merge is repeated if another program writes in between."""
BACKUPS_KEPT = 2000
"""In one folder; beyond them the oldest go."""
BACKUP_DAYS = 90
PATIENCE = 6
"""How many times the quiet period is waited for before giving up."""
LOCK_TIMEOUT_S = 30.0
MAX_BYTES = 4 << 20
"""A larger sidecar is neither read nor written; real ones stay under one MiB."""


def sidecar_paths(photo: str | os.PathLike[str]) -> list[str]:
    """A photo's possible own sidecars, the more telling name first: IMG.jpg.xmp, then IMG.xmp.

    Each is followed by its upper-case form: cameras and old file systems write IMG.XMP.
    """
    folder, name = os.path.split(photo)
    stem = os.path.splitext(name)[0]  # noqa: PTH122 - for speed
    names = dict.fromkeys((name + ".xmp", name + ".XMP", stem + ".xmp", stem + ".XMP"))
    return [os.path.join(folder, n) for n in names if n != name]  # noqa: PTH118


def read_sidecar(path: str | os.PathLike[str]) -> Properties:
    """Read a sidecar's properties.

    Raises:
        MetadataError: it cannot be opened, is larger than 4 MiB, or is not a readable XMP packet.
            Another program may be writing it in place: read it again a moment later.
    """
    snapshot = _snapshot(Path(path))
    if snapshot is None:
        raise MetadataError(f"{path} does not exist.", "Check the name.", "missing")
    _check_size(Path(path), snapshot)
    try:
        return parse(snapshot.data)
    except MetadataError as error:
        raise MetadataError(f"{path}: {error.message}", error.hint, error.code) from error


def write_sidecar(
    path: str | os.PathLike[str],
    properties: Mapping[str, Value | None],
    *,
    quiet_s: float = 0,
    backup_dir: str | os.PathLike[str] | None = None,
) -> None:
    """Set properties in a sidecar, keeping every other byte; create the sidecar if there is none.

    Written atomically, under a lock against other processes that use this function, and only after
    the whole result has been read back and compared. Writing values that are already there does nothing.

    Args:
        path: the sidecar.
        properties: "prefix:name" -> value; None removes the property. Prefixes beyond the standard
            ones come with Properties.namespaces.
        quiet_s: wait until nobody has written the file for this many seconds.
        backup_dir: keep the old bytes there before they are replaced.

    Raises:
        MetadataError: it must not or cannot be written; the file is as it was.
    """
    target = Path(path)
    if os.path.islink(target):  # noqa: PTH114 - for speed
        target = target.resolve()
    try:
        with locked(os.fspath(target), LOCK_TIMEOUT_S):
            if quiet_s > 0:
                wait_for_quiet(target, quiet_s)
            for _ in range(ATTEMPTS):
                if _write_once(target, properties, backup_dir):
                    return
    except LockedError as error:
        raise MetadataError(f"{path} is locked.", "Another Afterframe is writing it: try again.", "busy") from error
    except OSError as error:
        raise refused(target, error) from error
    raise MetadataError(f"{path} keeps changing.", "Try again when the other program has finished.", "busy")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A file's bytes, and what identifies this version of the file."""

    data: bytes
    identity: tuple[int, int, int, int]
    writable: bool


def _snapshot(path: Path) -> _Snapshot | None:
    try:
        descriptor = open_regular(path)
        try:
            status = os.fstat(descriptor)
            data = _read_all(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return None
    except NotRegular as error:
        raise MetadataError(f"{path} is not a file.", "Name a sidecar file.", "not_a_file") from error
    except OSError as error:
        raise MetadataError(
            f"{path} cannot be read: {error.strerror or error}.", "Check its permissions.", "unreadable"
        ) from error
    identity = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    return _Snapshot(data, identity, bool(status.st_mode & stat.S_IWUSR))


def _check_size(path: Path, snapshot: _Snapshot) -> None:
    if len(snapshot.data) > MAX_BYTES:
        raise MetadataError(
            f"{path} is larger than {MAX_BYTES >> 20} MiB.",
            "Move it away, or let its program write it again.",
            "malformed",
        )


def _read_all(descriptor: int, size: int) -> bytes:
    """The whole file, or slightly more than the limit."""
    parts: list[bytes] = []
    wanted = min(size, MAX_BYTES) + 1
    while wanted > 0:
        parts.append(os.read(descriptor, wanted))
        if len(parts[-1]) < wanted:  # a regular file returns less only at its end
            break
        wanted = MAX_BYTES + 1 - sum(map(len, parts))
    return b"".join(parts)


def _write_once(
    target: Path,
    properties: Mapping[str, Value | None],
    backup_dir: str | os.PathLike[str] | None,
) -> bool:
    """One try: False if another program wrote the file in between."""
    before = _snapshot(target)
    data = _merged(target, before, properties)
    if data is None:
        return True
    if before is None:
        with contextlib.suppress(FileExistsError):
            replace_file(target, data, exclusive=True)
            return True
        return False
    if not before.writable:
        raise MetadataError(f"{target} is write-protected.", "Allow writing to it first.", "read_only")
    if backup_dir is not None:
        _back_up(target, before.data, Path(backup_dir))
    if _snapshot(target) != before:
        return False
    return replace_exactly(target, before.data, data)


def _merged(target: Path, before: _Snapshot | None, properties: Mapping[str, Value | None]) -> bytes | None:
    """The new bytes, or None if there is nothing to change."""
    namespaces = getattr(properties, "namespaces", {})
    if before is not None:
        _check_size(target, before)
    try:
        if before is None:
            kept = Properties({k: v for k, v in properties.items() if v is not None}, namespaces)
            return packet(kept) if kept else None
        after = merge(before.data, properties, namespaces)
    except XmlError as error:
        raise MetadataError(
            f"{target} is left as it is: {error}.",
            "Another program may be writing it: try again. Else let the program that wrote it repair it.",
            "malformed",
        ) from error
    except ValueError as error:
        raise MetadataError(f"{target} is left as it is: {error}.", "Name the property.", "bad_name") from error
    return None if after == before.data else after


def _back_up(target: Path, data: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{target.name[:150]}.{hashlib.sha256(data).hexdigest()[:16]}.bak"
    with contextlib.suppress(FileExistsError):
        replace_file(copy, data, exclusive=True)
    with contextlib.suppress(OSError):
        prune_backups(folder)


def prune_backups(folder: Path, now: Callable[[], float] = time.time) -> None:
    """Remove the copies in a folder that are too old, and the oldest where there are too many.

    Args:
        now: Unix time, seconds.
    """
    made = {entry.path: entry.stat().st_mtime for entry in os.scandir(folder) if entry.name.endswith(".bak")}
    newest = sorted(made, key=lambda path: made[path], reverse=True)
    for place, path in enumerate(newest):
        if place >= BACKUPS_KEPT or now() - made[path] > BACKUP_DAYS * 86400:
            Path(path).unlink(missing_ok=True)


def wait_for_quiet(
    path: Path,
    quiet_s: float,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until a file's last change is quiet_s seconds old; a missing file is quiet.

    A change time in the future counts from when it was first seen.

    Raises:
        MetadataError: it was changed again and again (code "busy").
    """
    seen: tuple[int, float] | None = None
    deadline = now() + PATIENCE * quiet_s
    while path.exists():
        changed_ns = path.stat().st_mtime_ns
        if seen is None or seen[0] != changed_ns:
            seen = (changed_ns, min(changed_ns / 1e9, now()))
        rest = quiet_s - (now() - seen[1])
        if rest <= 0:
            return
        if now() + rest > deadline:
            raise MetadataError(f"{path} keeps changing.", "Try again when the other program has finished.", "busy")
        sleep(min(rest, 1.0))
