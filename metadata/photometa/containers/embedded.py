"""What else a photo's file holds: the video of a Motion Photo, the gain map of an HDR photo.

Tags may be stale: programs copy them and drop what they point at. So the bytes are looked at, too. Motion Photo format
1.0 and its predecessor MicroVideo (developer.android.com), Ultra HDR image format 1.1, ISO 21496-1, Multi-Picture
Format (CIPA DC-007), Apple's auxiliary picture in HEIC.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from photometa.containers.bmff import BoxError, Source, boxes

_APPLE_GAIN_MAP = b"urn:com:apple:photo:2020:aux:hdrgainmap"
_SAMSUNG_VIDEO = b"MotionPhoto_Data"
_SAMSUNG_END = b"SEFT"
_WINDOW = 1 << 16
MAX_META = 16 << 20
MAX_PICTURES = 16


@dataclass(frozen=True, slots=True)
class Claims:
    """What XMP says is appended to the file."""

    videos: tuple[int, ...] = ()
    """Where a Motion Photo's video may begin, bytes before the file's end; 0: it is not said."""
    gain_maps: tuple[int, ...] = ()
    """Where a gain map may begin, likewise."""


def has_video(source: Source, format_name: str, claims: Claims) -> bool:
    """Whether there is a video: where the tags say, in a box of its own (HEIF), or in Samsung's trailer."""
    if any(source.read_at(source.size - back + 4, 4) == b"ftyp" for back in claims.videos if back):
        return True
    if format_name in ("heic", "avif"):
        return _has_box(source, b"mpvd")
    return format_name == "jpeg" and _has_samsung_video(source)


def has_gain_map(source: Source, format_name: str, claims: Claims, pictures: tuple[int, ...]) -> bool:
    """Whether there is a gain map.

    Args:
        pictures: where further pictures of a JPEG begin by its multi-picture index, from the file's start.
    """
    if format_name in ("heic", "avif"):
        return _has_mapped_item(source)
    starts = (*(source.size - back for back in claims.gain_maps if back), *(pictures if claims.gain_maps else ()))
    return any(source.read_at(start, 3) == b"\xff\xd8\xff" for start in starts[:MAX_PICTURES] if start > 0)


def _has_box(source: Source, kind: bytes) -> bool:
    with contextlib.suppress(BoxError):
        return any(box.type == kind for box in boxes(source))
    return False


def _has_samsung_video(source: Source) -> bool:
    """Samsung's trailer ends the file; its index names the blocks before it by their type and their distance."""
    if source.read_at(source.size - 4, 4) != _SAMSUNG_END:
        return False
    length = int.from_bytes(source.read_at(source.size - 8, 4), "little")
    start = source.size - 8 - length
    index = source.read_at(start, min(length, _WINDOW))
    count = int.from_bytes(index[8:12], "little") if index[:4] == b"SEFH" else 0
    for number in range(min(count, 64)):
        entry = index[12 + 12 * number : 24 + 12 * number]
        back = int.from_bytes(entry[4:8], "little")
        head = source.read_at(start - back, 40)
        name = head[8 : 8 + int.from_bytes(head[4:8], "little")]
        if name == _SAMSUNG_VIDEO and source.read_at(start - back + 8 + len(name) + 4, 4) == b"ftyp":
            return True
    return False


def _has_mapped_item(source: Source) -> bool:
    """A tone-mapped derived item (ISO/IEC 23008-12, amendment 1), or Apple's auxiliary picture."""
    try:
        meta = next((box for box in boxes(source) if box.type == b"meta"), None)
    except BoxError:
        return False
    if meta is None:
        return False
    data = source.read_at(meta.payload, min(meta.end - meta.payload, MAX_META))
    return _APPLE_GAIN_MAP in data or (b"infe" in data and b"tmap\0" in data)
