"""XMP in MP4: one top-level uuid box (XMP Specification part 3, 1.2.7)."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from photometa.containers.bmff import Box, BoxError, boxes
from photometa.containers.source import File
from photometa.errors import MetadataError
from photometa.regular import NotRegular, open_regular

XMP_UUID = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
MAX_PACKET = 64 << 20


def read_xmp(path: str | os.PathLike[str]) -> bytes | None:
    """The XMP packet of an MP4, or None if it has none.

    Raises:
        MetadataError: the file cannot be read, is not an MP4, or its boxes do not fit.
    """
    with _open(Path(path), "rb") as file:
        box = _xmp_box(walk(file, str(path)))
        if box is None:
            return None
        if box.end - box.payload > MAX_PACKET:
            raise refusal(str(path), "its XMP box is larger than 64 MiB")
        file.seek(box.payload)
        return file.read(box.end - box.payload)


def append_xmp(target: str | os.PathLike[str] | BinaryIO, packet: bytes) -> None:
    """Append a packet as a uuid box after the existing boxes; no other byte changes.

    Args:
        target: a path, or a file open for reading and writing ("r+b"); the caller closes it.
        packet: a complete packet, as xmp.packet makes it.

    Raises:
        MetadataError: not an MP4, boxes that do not fit, a last box without a size, or XMP in it
            already. The file is as it was.
    """
    if isinstance(target, (str, os.PathLike)):
        with _open(Path(target), "r+b") as file:
            _append(file, packet, str(target))
    else:
        target.flush()
        _append(target, packet, str(getattr(target, "name", "The MP4")))


def _append(file: BinaryIO, packet: bytes, name: str) -> None:
    found = walk(file, name)
    if _xmp_box(found) is not None:
        raise refusal(name, "it has an XMP box already")
    if found[-1].open_ended:
        raise refusal(name, "its last box runs to the end of the file, so that nothing can follow")
    end = file.seek(0, os.SEEK_END)
    try:
        file.write(struct.pack(">I4s", 8 + 16 + len(packet), b"uuid") + XMP_UUID + packet)
        file.flush()
    except OSError:
        file.truncate(end)
        raise


def walk(file: BinaryIO, name: str) -> list[Box]:
    """The top-level boxes of an MP4.

    Raises:
        MetadataError: it is none, or its boxes do not fit.
    """
    file.seek(0)
    try:
        found = list(boxes(File(file)))
    except BoxError as error:
        raise refusal(name, str(error)) from error
    if not found or found[0].type != b"ftyp":
        raise refusal(name, "it does not begin with a file type box")
    return found


def _xmp_box(found: list[Box]) -> Box | None:
    return next((box for box in found if box.uuid == XMP_UUID), None)


def _open(path: Path, mode: str) -> BinaryIO:
    try:
        return os.fdopen(open_regular(path, os.O_RDWR if "+" in mode else os.O_RDONLY), mode)  # type: ignore[return-value]
    except NotRegular as error:
        raise MetadataError(f"{path} is not a file.", "Name an MP4 file.", "not_a_file") from error
    except OSError as error:
        raise MetadataError(
            f"{path} cannot be opened: {error.strerror or error}.",
            "Check that it exists and that you may read and write it.",
            "unreadable",
        ) from error


def refusal(name: str, why: str) -> MetadataError:
    """The error of an MP4 that is not sound."""
    return MetadataError(f"{name} is not a sound MP4: {why}.", "Make the clip again.", "malformed")
