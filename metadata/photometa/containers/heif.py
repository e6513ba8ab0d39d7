"""HEIF, HEIC and AVIF: items and properties (ISO/IEC 23008-12; ISO/IEC 14496-12, 8.11)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from photometa.containers.blocks import Blocks, Cicp, colour_name
from photometa.containers.bmff import Box, BoxError, Source, boxes
from photometa.containers.png import exif_block
from photometa.containers.source import Bytes

MAX_ITEMS = 20_000
MAX_META = 16 << 20
MAX_BLOCK = 64 << 20
_TURNED = {0: 1, 1: 8, 2: 3, 3: 6}
"""irot: quarter turns anticlockwise -> EXIF Orientation."""
_MIRRORED = {(1, 0): 4, (1, 1): 2, (8, 0): 5, (8, 1): 7, (3, 0): 2, (3, 1): 4, (6, 0): 7, (6, 1): 5}
"""The turn's Orientation and imir's axis (0: top and bottom swap) -> EXIF Orientation."""


@dataclass(slots=True)
class _Item:
    """One item of the meta box."""

    type: bytes = b""
    content_type: bytes = b""
    construction: int = 0
    extents: list[tuple[int, int]] = field(default_factory=list)


def read_heif(source: Source, format_name: str) -> Blocks:
    """The blocks of a HEIF file.

    Raises:
        BoxError: its boxes do not fit.
    """
    blocks = Blocks(format_name)
    meta = next((box for box in boxes(source) if box.type == b"meta"), None)
    if meta is None:
        return blocks
    if meta.end - meta.payload > MAX_META:
        raise BoxError("a meta box larger than 16 MiB")
    inner = Bytes(source.read_at(meta.payload + 4, meta.end - meta.payload - 4))
    try:
        _Meta(inner).fill(blocks, source)
    except (struct.error, IndexError) as error:
        raise BoxError(f"its meta box is cut off: {error}") from error
    return blocks


class _Meta:
    """The children of a meta box."""

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.children: dict[bytes, Box] = {}
        for box in boxes(data):
            self.children.setdefault(box.type, box)

    def _payload(self, kind: bytes) -> bytes:
        box = self.children.get(kind)
        return self.data.data[box.payload : box.end] if box else b""

    def fill(self, blocks: Blocks, source: Source) -> None:
        items = _item_infos(self._payload(b"iinf"))
        _item_locations(self._payload(b"iloc"), items)
        idat = self._payload(b"idat")
        left = MAX_BLOCK  # for all together: thousands of items may name the same bytes
        for item in items.values():
            if item.type == b"Exif" and blocks.tiff is None:
                data = _content(item, source, idat, left)
                skip = int.from_bytes(data[:4], "big")
                blocks.tiff = exif_block(data[4 + skip :])
            elif item.type == b"mime" and item.content_type == b"application/rdf+xml":
                data = _content(item, source, idat, left)
                blocks.xmp.append(data)
            else:
                continue
            left -= len(data)
        primary = self._payload(b"pitm")
        number = int.from_bytes(primary[4 : 6 if primary[:1] == b"\0" else 8], "big")
        _properties(Bytes(self._payload(b"iprp")), number, blocks)


def _item_infos(data: bytes) -> dict[int, _Item]:
    """Item numbers and types (iinf, infe versions 2 and 3)."""
    items: dict[int, _Item] = {}
    start = 6 if data[:1] == b"\0" else 8
    for box in boxes(Bytes(data), start) if data else ():
        info = data[box.payload : box.end]
        version = info[0]
        if version not in (2, 3) or len(items) >= MAX_ITEMS:
            continue
        wide = version == 3
        number = int.from_bytes(info[4 : 8 if wide else 6], "big")
        rest = info[10 if wide else 8 :]
        words = rest[4:].split(b"\0")
        items[number] = _Item(rest[:4], words[1] if len(words) > 1 else b"")
    return items


def _item_locations(data: bytes, items: dict[int, _Item]) -> None:
    """Where the items lie (iloc versions 0 to 2)."""
    if not data:
        return
    version = data[0]
    offset_size, length_size = data[4] >> 4, data[4] & 15
    base_size, index_size = data[5] >> 4, (data[5] & 15 if version else 0)
    wide = 4 if version == 2 else 2
    cursor = _Cursor(data, 6)
    for _ in range(min(cursor.number(wide), MAX_ITEMS)):
        item = items.get(cursor.number(wide), _Item())
        item.construction = cursor.number(2) & 15 if version else 0
        cursor.number(2)
        base = cursor.number(base_size)
        extents = cursor.number(2)
        if index_size + offset_size + length_size == 0:
            extents = min(extents, 1)  # they take up no bytes, so a small file could hold billions of them
        for _ in range(extents):
            cursor.number(index_size)
            item.extents.append((base + cursor.number(offset_size), cursor.number(length_size)))


class _Cursor:
    """Reads consecutive big-endian numbers."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def number(self, size: int) -> int:
        """The next number of that many bytes; 0 bytes read as 0."""
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise BoxError("an item location is cut off")
        self.at += size
        return int.from_bytes(piece, "big")


def _content(item: _Item, source: Source, idat: bytes, most: int) -> bytes:
    where: Source = Bytes(idat) if item.construction == 1 else source
    parts = []
    for offset, length in item.extents if item.construction in (0, 1) else ():
        part = where.read_at(offset, min(length or most, most))
        most -= len(part)
        parts.append(part)
    return b"".join(parts)


def _properties(iprp: Bytes, primary: int, blocks: Blocks) -> None:
    """Size, rotation, mirroring and colour of the primary item (ipco and ipma)."""
    found = {box.type: box for box in boxes(iprp)} if iprp.size else {}
    if b"ipco" not in found or b"ipma" not in found:
        return
    properties = list(boxes(iprp, found[b"ipco"].payload, found[b"ipco"].end))
    wanted = _associated(iprp.data[found[b"ipma"].payload : found[b"ipma"].end], primary)
    turn, mirror = 0, None
    for index in wanted:
        if not 0 < index <= len(properties):
            continue
        box = properties[index - 1]
        body = iprp.data[box.payload : box.end]
        if box.type == b"ispe" and len(body) >= 12:
            blocks.width, blocks.height = struct.unpack_from(">II", body, 4)
        elif box.type == b"irot" and body:
            turn = body[0] & 3
        elif box.type == b"imir" and body:
            mirror = body[0] & 1
        elif box.type == b"pixi" and len(body) > 5:
            blocks.bits = body[5]
        elif box.type == b"colr":
            _colour(body, blocks)
    blocks.orientation = _TURNED[turn] if mirror is None else _MIRRORED[_TURNED[turn], mirror]


def _associated(data: bytes, primary: int) -> list[int]:
    """Property numbers of one item, in order (ipma)."""
    wide_item, wide_index = data[0] > 0, data[3] & 1
    cursor = _Cursor(data, 4)
    for _ in range(min(cursor.number(4), MAX_ITEMS)):
        item = cursor.number(4 if wide_item else 2)
        indices = [cursor.number(2 if wide_index else 1) for _ in range(cursor.number(1))]
        if item == primary:
            return [index & (0x7FFF if wide_index else 0x7F) for index in indices]
    return []


def _colour(body: bytes, blocks: Blocks) -> None:
    if body[:4] in (b"prof", b"rICC"):
        blocks.icc = body[4:]
    elif body[:4] == b"nclx" and len(body) >= 11:
        primaries, transfer, matrix, flags = struct.unpack_from(">HHHB", body, 4)
        blocks.cicp = Cicp(primaries, transfer, matrix, bool(flags & 0x80))
        blocks.colour = colour_name(blocks.cicp)
