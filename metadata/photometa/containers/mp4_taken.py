"""When and where a clip's photo was taken, as movie players and catalogues look for it in an MP4.

The creation times of movie, tracks and media (ISO/IEC 14496-12, 8.2.2, 8.3.2, 8.4.2: seconds since 1904, UTC); Apple's
metadata keys, of which the date has an offset, and the position in user data (QuickTime File Format Specification,
"Metadata" and "User data"; ISO 6709).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from photometa.containers.bmff import Box, BoxError, boxes
from photometa.containers.mp4 import refusal, walk
from photometa.containers.source import Bytes

MAX_MOOV = 64 << 20
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_FRAGMENTS = {b"moof", b"sidx", b"mfra"}
_POSITION = b"\xa9xyz"
_UNDETERMINED = 0x55C4
"""The language "und", ISO 639-2 in three times five bits."""
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Taken:
    """When and where a photo was taken. None: it does not say."""

    at: datetime | None = None
    """The wall clock; aware where the offset is known."""
    position: tuple[float, float] | None = None
    """Latitude and longitude, degrees, north and east positive."""
    altitude_m: float | None = None

    def iso_6709(self) -> str | None:
        """The position as ISO 6709 has it, "+48.208333+016.366667+171.000/"."""
        if self.position is None:
            return None
        height = "" if self.altitude_m is None else f"{self.altitude_m:+.3f}"
        return f"{self.position[0]:+010.6f}{self.position[1]:+011.6f}{height}/"


def write_taken(file: BinaryIO, taken: Taken) -> None:
    """Write when and where into an MP4. Doing it again changes nothing more.

    A time without an offset is written as if it were UTC, as cameras do that know no zone; Apple's key, which must have
    an offset, is left out then.

    Args:
        file: open for reading and writing ("r+b"); the caller closes it.
    Raises:
        MetadataError: not a sound MP4, or one in fragments; the file is as it was.
        OSError: the disk is full; the file is as it was.
    """
    name = str(getattr(file, "name", "The MP4"))
    found = walk(file, name)
    moov = next((box for box in found if box.type == b"moov"), None)
    if moov is None or moov.end - moov.start > MAX_MOOV or any(box.type in _FRAGMENTS for box in found):
        raise refusal(name, "it has no movie box of the usual kind")
    file.seek(moov.start)
    try:
        before = file.read(moov.end - moov.start)
        after = _Moov(before, moov.start).with_taken(taken)
    except (BoxError, struct.error, OverflowError) as error:
        raise refusal(name, str(error)) from error
    if after != before:
        _replace(file, moov, after)


def _replace(file: BinaryIO, moov: Box, after: bytes) -> None:
    """Put a longer movie box in the place of one; what stands behind it moves, from its end on."""
    more = len(after) - (moov.end - moov.start)
    size = file.seek(0, 2)
    try:
        file.write(bytes(more))  # the only step for which room can lack
        file.flush()
    except OSError:
        file.truncate(size)
        raise
    end = size
    while end > moov.end:
        start = max(moov.end, end - _STEP)
        file.seek(start)
        piece = file.read(end - start)
        file.seek(start + more)
        file.write(piece)
        end = start
    file.seek(moov.start)
    file.write(after)
    file.flush()


class _Moov:
    """A movie box in memory."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data = bytearray(data)
        self.start = start
        self.top = list(boxes(Bytes(data), next(boxes(Bytes(data))).payload))

    def with_taken(self, taken: Taken) -> bytes:
        """The box with what is known put in, and everything that points behind it moved along."""
        if taken.at is not None:
            self._set_times(taken.at)
        position = taken.iso_6709()
        keys = b"" if any(box.type == b"meta" for box in self.top) else _keys(taken.at, position)
        entry, at = self._position_entry(position)
        self._move_chunks(len(keys) + len(entry))
        self.data += keys
        self.data[at:at] = entry
        struct.pack_into(">I", self.data, 0, len(self.data))
        return bytes(self.data)

    def _position_entry(self, position: str | None) -> tuple[bytes, int]:
        """The position in user data, and where it is put in; nothing where one stands already."""
        end = len(self.data)
        if position is None:
            return b"", end
        entry = _box(_POSITION, struct.pack(">HH", len(position), _UNDETERMINED) + position.encode())
        udta = next((box for box in self.top if box.type == b"udta"), None)
        if udta is None:
            return _box(b"udta", entry), end
        if any(box.type == _POSITION for box in boxes(Bytes(bytes(self.data)), udta.payload, udta.end)):
            return b"", end
        struct.pack_into(">I", self.data, udta.start, udta.end - udta.start + len(entry))
        return entry, udta.end

    def _set_times(self, at: datetime) -> None:
        seconds = int((at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp() - _EPOCH.timestamp())
        for box in self._inner():
            if box.type in (b"mvhd", b"tkhd", b"mdhd"):
                wide = self.data[box.payload] == 1
                if 0 <= seconds < (1 << (64 if wide else 32)):
                    struct.pack_into(">QQ" if wide else ">II", self.data, box.payload + 4, seconds, seconds)

    def _move_chunks(self, by: int) -> None:
        """Chunk offsets count from the file's start (8.7.5)."""
        for box in self._inner() if by else ():
            if box.type not in (b"stco", b"co64"):
                continue
            code, size = ("I", 4) if box.type == b"stco" else ("Q", 8)
            count = min(struct.unpack_from(">I", self.data, box.payload + 4)[0], (box.end - box.payload - 8) // size)
            offsets = struct.unpack_from(f">{count}{code}", self.data, box.payload + 8)
            moved = [offset + by if offset > self.start else offset for offset in offsets]
            struct.pack_into(f">{count}{code}", self.data, box.payload + 8, *moved)

    def _inner(self) -> Iterator[Box]:
        """Every box of the movie and its tracks."""
        data = Bytes(bytes(self.data))
        pending = [box for box in self.top if box.type != b"udta"]
        while pending:
            box = pending.pop()
            yield box
            if box.type in _INSIDE:
                pending += boxes(data, box.payload, box.end)


def _keys(at: datetime | None, position: str | None) -> bytes:
    """Apple's metadata: names in one box, values in another; none without a value."""
    values: dict[bytes, bytes] = {}
    if at is not None and at.tzinfo is not None:
        values[b"com.apple.quicktime.creationdate"] = at.strftime("%Y-%m-%dT%H:%M:%S%z").encode()
    if position is not None:
        values[b"com.apple.quicktime.location.ISO6709"] = position.encode()
    if not values:
        return b""
    handler = _box(b"hdlr", bytes(8) + b"mdta" + bytes(13))
    names = b"".join(_box(b"mdta", name) for name in values)
    keys = _box(b"keys", struct.pack(">II", 0, len(values)) + names)
    data = [_box(b"data", struct.pack(">II", 1, 0) + value) for value in values.values()]
    items = b"".join(_box(struct.pack(">I", number), value) for number, value in enumerate(data, start=1))
    # In a movie QuickTime's form counts, without the version and flags that other boxes of this name have.
    return _box(b"meta", handler + keys + _box(b"ilst", items))


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload
