"""JPEG: markers and application segments (ITU-T T.81 annex B; Exif 3.0, 4.7; XMP part 3, 1.1.3).

All APPn segments are visited, wherever they stand: phones put vendor segments before Exif.
"""

from __future__ import annotations

import struct

from photometa.containers.blocks import Blocks
from photometa.containers.bmff import Source
from photometa.containers.ifd import open_tiff

MAX_SEGMENTS = 5000
_EXIF = b"Exif\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_ICC = b"ICC_PROFILE\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_MULTI_PICTURE = b"MPF\0"
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
_PICTURES = 0xB002
MAX_PICTURES = 32
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SCAN, _END = 0xDA, 0xD9


def read_jpeg(source: Source) -> Blocks:
    """The blocks of a JPEG, up to its first scan."""
    collected = _Collected()
    offset = 2
    for _ in range(MAX_SEGMENTS):
        marker, offset = _next_marker(source, offset)
        if marker in (None, _SCAN, _END):
            break
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(source.read_at(offset, 2), "big")
        if length < 2:
            break
        if marker in _FRAMES or marker in (0xE1, 0xE2, 0xED):
            collected.segment(marker, source.read_at(offset + 2, length - 2), offset + 2)
        offset += length
    return collected.blocks()


def _next_marker(source: Source, offset: int) -> tuple[int | None, int]:
    """The marker at or after an offset (fill bytes and a little junk skipped), and what follows it."""
    window = source.read_at(offset, 4)
    if len(window) >= 2 and window[0] == 0xFF and window[1] not in (0x00, 0xFF):
        return window[1], offset + 2
    window = source.read_at(offset, 4096)
    at = window.find(b"\xff")
    while 0 <= at < len(window) - 1:
        if window[at + 1] not in (0x00, 0xFF):
            return window[at + 1], offset + at + 2
        at = window.find(b"\xff", at + 1)
    return None, offset


class _Collected:
    """Collects segments by kind; blocks spread over several are joined at the end."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self.exif: list[bytes] = []
        self.xmp: list[bytes] = []
        self.extended: dict[bytes, dict[int, bytes]] = {}
        self.icc: dict[int, bytes] = {}
        self.photoshop: list[bytes] = []
        self.pictures: tuple[int, ...] = ()
        self.mapped = False

    def segment(self, marker: int, payload: bytes, at: int) -> None:
        """Add one segment, whose payload stands at an offset of the file."""
        if marker in _FRAMES:
            if self.size is None and len(payload) >= 5:
                height, width = struct.unpack_from(">HH", payload, 1)
                self.size = (width, height)
        elif marker == 0xE1:
            self._app1(payload)
        elif marker == 0xE2 and payload.startswith(_ICC) and len(payload) > 14:
            self.icc.setdefault(payload[12], payload[14:])
        elif marker == 0xE2 and payload.startswith(_MULTI_PICTURE):
            self.pictures = _further_pictures(payload[4:], at + 4)
        elif marker == 0xE2 and payload.startswith(_GAIN_MAP):
            self.mapped = True
        elif marker == 0xED and payload.startswith(_PHOTOSHOP):
            self.photoshop.append(payload[len(_PHOTOSHOP) :])

    def _app1(self, payload: bytes) -> None:
        if payload.startswith(_EXIF):
            body = payload[6:]
            if not self.exif or body[:4] not in (b"II*\0", b"MM\0*"):  # else: a second Exif, ignored
                self.exif.append(body)
        elif payload.startswith(_XMP):
            self.xmp.append(payload[len(_XMP) :])
        elif payload.startswith(_EXTENDED):
            guid, _, offset = struct.unpack_from(">32sII", payload.ljust(75, b"\0"), len(_EXTENDED))
            self.extended.setdefault(guid, {})[offset] = payload[len(_EXTENDED) + 40 :]

    def blocks(self) -> Blocks:
        """The collected blocks."""
        width, height = self.size or (None, None)
        return Blocks(
            "jpeg",
            width,
            height,
            tiff=open_tiff(b"".join(self.exif)),
            xmp=self.xmp[:1] + self._extended_packets(),
            iptc=iptc_of_photoshop(b"".join(self.photoshop)),
            icc=b"".join(self.icc[n] for n in sorted(self.icc)) or None,
            pictures=self.pictures,
            mapped=self.mapped,
        )

    def _extended_packets(self) -> list[bytes]:
        """Extended packets that the main one names (XMP part 3, 1.1.3.1) and that are whole."""
        packets = []
        for guid, parts in self.extended.items():
            if self.xmp and guid in self.xmp[0]:
                whole = b""
                for offset in sorted(parts):
                    if offset == len(whole):
                        whole += parts[offset]
                packets.append(whole)
        return packets


def _further_pictures(block: bytes, at: int) -> tuple[int, ...]:
    """Where the pictures after the first begin, by the index (CIPA DC-007, 5.2.3.3: offsets count from its header)."""
    tiff = open_tiff(block)
    if tiff is None:
        return ()
    entries = tiff.raw(tiff.directory(tiff.first)[0].get(_PICTURES), 16 * MAX_PICTURES)
    places = struct.iter_unpack(tiff.order + "3I2H", entries[: len(entries) // 16 * 16])
    return tuple(at + place[2] for place in places if place[2])


def iptc_of_photoshop(resources: bytes) -> bytes | None:
    """The IPTC datasets (resource 0x0404) within Photoshop image resources.

    Adobe Photoshop File Formats Specification, "Image Resource Blocks".
    """
    offset = 0
    while resources[offset : offset + 4] in (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"):
        kind, name_length = struct.unpack_from(">HB", resources.ljust(offset + 16, b"\0"), offset + 4)
        offset += 6 + (name_length + 2) // 2 * 2
        size = int.from_bytes(resources[offset : offset + 4], "big")
        offset += 4
        if kind == 0x0404:
            return resources[offset : offset + size]
        offset += size + size % 2
    return None
