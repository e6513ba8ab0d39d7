"""Small photos of every format, made here, for tests and for fuzzing."""

from __future__ import annotations

import io
import struct

import piexif
from PIL import Image, features

from photometa import Bag, LangAlt
from photometa.xmp.packets import packet

JPEG, PNG, WEBP, TIFF, AVIF = "JPEG", "PNG", "WEBP", "TIFF", "AVIF"


def box(kind: bytes, payload: bytes = b"") -> bytes:
    """One ISO base media box."""
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def exif_block(**changes: object) -> bytes:
    """A whole Exif block, from its TIFF header on; changes replace Exif tags by piexif's names."""
    exif: dict[int, object] = {
        piexif.ExifIFD.DateTimeOriginal: b"2024:06:21 12:00:00",
        piexif.ExifIFD.OffsetTimeOriginal: b"+02:00",
        piexif.ExifIFD.ExposureTime: (1, 250),
        piexif.ExifIFD.FNumber: (8, 1),
        piexif.ExifIFD.ISOSpeedRatings: 100,
        piexif.ExifIFD.FocalLength: (50, 1),
        piexif.ExifIFD.FocalLengthIn35mmFilm: 75,
        piexif.ExifIFD.Flash: 0,
        piexif.ExifIFD.MeteringMode: 5,
        piexif.ExifIFD.WhiteBalance: 0,
        piexif.ExifIFD.SubjectDistance: (4, 1),
        piexif.ExifIFD.LensModel: b"Test 50mm f/1.8",
        piexif.ExifIFD.ColorSpace: 1,
    }
    for name, value in changes.items():
        exif[getattr(piexif.ExifIFD, name)] = value
    image = {
        piexif.ImageIFD.Make: b"Maker",
        piexif.ImageIFD.Model: b"Model 1",
        piexif.ImageIFD.Orientation: 6,
        piexif.ImageIFD.Artist: b"Artist",
    }
    gps = {
        piexif.GPSIFD.GPSLatitudeRef: b"N",
        piexif.GPSIFD.GPSLatitude: ((48, 1), (12, 1), (30, 1)),
        piexif.GPSIFD.GPSLongitudeRef: b"E",
        piexif.GPSIFD.GPSLongitude: ((16, 1), (22, 1), (0, 1)),
        piexif.GPSIFD.GPSAltitudeRef: 0,
        piexif.GPSIFD.GPSAltitude: (171, 1),
        piexif.GPSIFD.GPSImgDirectionRef: b"T",
        piexif.GPSIFD.GPSImgDirection: (90, 1),
    }
    dumped: bytes = piexif.dump({"0th": image, "Exif": {k: v for k, v in exif.items() if v is not None}, "GPS": gps})
    return dumped[6:]


Field = tuple[int, int, bytes]
"""A tag's field type, its count, and its value's bytes, big-endian."""


def ascii_field(text: str, kind: int = 2) -> Field:
    """A text; type 129 is Exif 3.0's UTF-8."""
    raw = text.encode() + b"\0"
    return kind, len(raw), raw


def rational_field(*pairs: tuple[int, int]) -> Field:
    """Rationals."""
    return 5, len(pairs), b"".join(struct.pack(">II", *pair) for pair in pairs)


def tiff_block(image: dict[int, Field], exif: dict[int, Field], gps: dict[int, Field]) -> bytes:
    """An Exif block with any tag in any directory, of any type: piexif writes only what the standard has."""
    block, places = b"MM\0*" + bytes(4), {}
    for pointer, fields in ((0x8769, exif), (0x8825, gps), (None, image)):
        table = {
            **fields,
            **({tag: (4, 1, struct.pack(">I", at)) for tag, at in places.items()} if pointer is None else {}),
        }
        entries = b""
        for tag, (kind, count, value) in sorted(table.items()):
            where = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(">I", len(block))
            block += value if len(value) > 4 else b""
            entries += struct.pack(">HHI", tag, kind, count) + where
        places[pointer] = len(block)
        block += struct.pack(">H", len(table)) + entries + bytes(4)
    return block[:4] + struct.pack(">I", places[None]) + block[8:]


def xmp_packet() -> bytes:
    """What a photographer wrote."""
    return packet(
        {
            "dc:title": LangAlt({"x-default": "Title"}),
            "dc:description": LangAlt({"x-default": "Caption"}),
            "dc:subject": Bag(["one", "two"]),
            "xmp:Rating": "4",
            "photoshop:City": "Wien",
        }
    )


def photo(file_format: str, exif: bytes | None = None, xmp: bytes | None = None) -> bytes:
    """A picture of 30 x 20 pixels with an Exif block and an XMP packet."""
    exif = exif_block() if exif is None else exif
    xmp = xmp_packet() if xmp is None else xmp
    out = io.BytesIO()
    image = Image.new("RGB", (30, 20), (200, 100, 50))
    if file_format == TIFF:
        return tiff_photo(exif, xmp)
    if file_format == PNG:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(out, PNG, exif=exif, pnginfo=info)
    elif file_format == JPEG:
        image.save(out, JPEG, exif=b"Exif\0\0" + exif, xmp=xmp)
    else:
        image.save(out, file_format, exif=exif, xmp=xmp)
    return out.getvalue()


def tiff_photo(exif: bytes, xmp: bytes) -> bytes:
    """A TIFF (without pixels) from a big-endian Exif block: size and XMP added to its directory."""
    assert exif[:2] == b"MM"
    first = struct.unpack_from(">I", exif, 4)[0]
    count = struct.unpack_from(">H", exif, first)[0]
    entries = [exif[first + 2 + 12 * i : first + 14 + 12 * i] for i in range(count)]
    entries += [
        struct.pack(">HHII", 0x0100, 4, 1, 30),
        struct.pack(">HHII", 0x0101, 4, 1, 20),
        struct.pack(">HHII", 0x02BC, 1, len(xmp), len(exif)),
    ]
    table = struct.pack(">H", len(entries)) + b"".join(sorted(entries)) + bytes(4)
    at = len(exif) + len(xmp)
    return exif[:4] + struct.pack(">I", at) + exif[8:] + xmp + table


def heif(
    exif: bytes | None = None, xmp: bytes | None = None, turn: int | None = None, mirror: int | None = None
) -> bytes:
    """A HEIF file without pixels: one primary item, an Exif item, an XMP item."""
    exif_item = b"\0\0\0\0" + (exif_block() if exif is None else exif)
    xmp_item = xmp_packet() if xmp is None else xmp

    def infe(number: int, kind: bytes, rest: bytes = b"") -> bytes:
        return box(b"infe", b"\x02\0\0\0" + struct.pack(">HH4s", number, 0, kind) + b"\0" + rest)

    infos = infe(1, b"hvc1") + infe(2, b"Exif") + infe(3, b"mime", b"application/rdf+xml\0")
    properties = [box(b"ispe", b"\0\0\0\0" + struct.pack(">II", 30, 20))]
    properties += [box(b"irot", bytes([turn]))] if turn is not None else []
    properties += [box(b"imir", bytes([mirror]))] if mirror is not None else []
    indices = bytes(range(1, len(properties) + 1))
    ipma = box(b"ipma", b"\0\0\0\0" + struct.pack(">IHB", 1, 1, len(indices)) + indices)
    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(at: int) -> bytes:
        places = ((2, at, len(exif_item)), (3, at + len(exif_item), len(xmp_item)))
        iloc = b"\0\0\0\0\x44\0" + struct.pack(">H", 2)
        for number, offset, length in places:
            iloc += struct.pack(">HHHII", number, 0, 1, offset, length)
        inner = box(b"hdlr", b"\0" * 8 + b"pict" + b"\0" * 13) + box(b"pitm", b"\0\0\0\0\0\x01")
        inner += box(b"iinf", b"\0\0\0\0" + struct.pack(">H", 3) + infos) + box(b"iloc", iloc)
        inner += box(b"iprp", box(b"ipco", b"".join(properties)) + ipma)
        return box(b"meta", b"\0\0\0\0" + inner)

    at = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(at) + box(b"mdat", exif_item + xmp_item)


def jxl(exif: bytes | None = None, xmp: bytes | None = None) -> bytes:
    """A JPEG XL container without pixels: 32 x 24, turned like Orientation 6."""
    bits = "1" + "00010"[::-1] + "000" + "00011"[::-1] + "0" + "1" + "101"
    codestream = b"\xff\x0a" + int(bits[::-1], 2).to_bytes(8, "little")
    parts = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ") + box(b"jxlc", codestream)
    parts += box(b"Exif", b"\0\0\0\0" + (exif_block() if exif is None else exif))
    return parts + box(b"xml ", xmp_packet() if xmp is None else xmp)


def raf(jpeg: bytes | None = None) -> bytes:
    """A RAF around a JPEG, 6000 x 4000."""
    jpeg = photo(JPEG) if jpeg is None else jpeg
    records = struct.pack(">I", 1) + struct.pack(">HHHH", 0x0111, 4, 4000, 6000)
    head = b"FUJIFILMCCD-RAW 0201FF123456".ljust(84, b"\0")
    return head + struct.pack(">IIII", 100, len(jpeg), 100 + len(jpeg), len(records)) + jpeg + records


def cr3(exif: bytes | None = None) -> bytes:
    """A CR3's outline: CMT1 with Make and Model, CMT2 and CMT4 as TIFF blocks."""
    exif = exif_block() if exif is None else exif
    first = struct.unpack_from(">I", exif, 4)[0]
    pointers = {}
    for i in range(struct.unpack_from(">H", exif, first)[0]):
        tag, _, _, value = struct.unpack_from(">HHII", exif, first + 2 + 12 * i)
        pointers[tag] = value

    def part(at: int) -> bytes:
        return exif[:4] + struct.pack(">I", at) + exif[8:]

    parts = box(b"CMT1", exif) + box(b"CMT2", part(pointers[0x8769])) + box(b"CMT4", part(pointers[0x8825]))
    canon = box(b"uuid", bytes.fromhex("85C0B687820F11E08111F4CE462B6A48") + parts)
    return box(b"ftyp", b"crx \0\0\0\x01crx isom") + box(b"moov", canon)


def seeds() -> dict[str, bytes]:
    """One small photo of every format that can be made here."""
    made = {name.lower(): photo(name) for name in (JPEG, PNG, WEBP, TIFF)}
    made |= {"heic": heif(turn=1), "jxl": jxl(), "raf": raf(), "cr3": cr3()}
    if features.check("avif"):
        made["avif"] = photo(AVIF)
    return made
