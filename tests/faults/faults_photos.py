"""Photos that are strange, broken or hostile: each a small real file, made here."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import piexif
from PIL import Image

from factories import make_photo_file, make_picture

Make = Callable[[Path], object]

D50 = (0.9642, 1.0, 0.8249)
DISPLAY_P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
"""Red, green and blue as D50 XYZ, the form in which ICC profiles give them."""
ADOBE_GAMMA = 563 / 256


# -- ICC profiles ------------------------------------------------------------------------------


def srgb_curve() -> bytes:
    """IEC 61966-2-1 as an ICC curve of 1024 points."""
    x = np.linspace(0, 1, 1024)
    y = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return struct.pack(">4sII", b"curv", 0, 1024) + np.round(y * 65535).astype(">u2").tobytes()


def gamma_curve(gamma: float) -> bytes:
    return struct.pack(">4sIIH", b"curv", 0, 1, round(gamma * 256))


def rgb_profile(primaries: tuple[tuple[float, float, float], ...], curve: bytes) -> bytes:
    """A matrix profile, ICC version 2.4."""
    tags = {b"wtpt": _xyz(D50)}
    for name, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags[name + b"XYZ"] = _xyz(primary)
        tags[name + b"TRC"] = curve
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def cmyk_profile() -> bytes:
    """A press whose inks are weak: a table of the 16 corners in Lab, far from the naive conversion."""
    corners = bytearray()
    for corner in range(16):
        c, m, y, k = (corner >> 3 & 1, corner >> 2 & 1, corner >> 1 & 1, corner & 1)
        lightness = max(0.1, 1 - 0.35 * c - 0.4 * m - 0.1 * y) * (0.25 if k else 1)
        corners += bytes((round(255 * lightness), 128 - 30 * c + 55 * m - 5 * y, 128 - 40 * c - 5 * m + 70 * y))
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + straight * 4 + bytes(corners) + straight * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(D50), b"A2B0": table})


def _xyz(values: tuple[float, float, float]) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(value * 65536) for value in values))


def _profile(kind: bytes, space: bytes, connection: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    text = b"made for a test\0"
    named = {
        b"desc": struct.pack(">4sII", b"desc", 0, len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0" + text,
        **tags,
    }
    start = 128 + 4 + 12 * len(named)
    index, body = struct.pack(">I", len(named)), b""
    for name, data in named.items():
        index += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, kind, space, connection)
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _xyz(D50)[8:]
    return head.ljust(128, b"\0") + index + body


# -- whole files -------------------------------------------------------------------------------


def jpeg_bytes(**save: object) -> bytes:
    buffer = io.BytesIO()
    make_picture().save(buffer, "JPEG", **save)
    return buffer.getvalue()


def cut(share: float, **save: object) -> Make:
    """A picture of which only the first part was copied."""

    def make(path: Path) -> None:
        whole = path.with_name(f"whole-{path.name}")
        make_photo_file(whole, **save)
        data = whole.read_bytes()
        whole.unlink()
        path.write_bytes(data[: round(len(data) * share)])

    return make


def picture(**save: object) -> Make:
    return lambda path: make_photo_file(path, **save)


def mode(name: str, **save: object) -> Make:
    return lambda path: make_picture().convert(name).save(path, **save)


def sixteen_bits(channels: int) -> Make:
    """16 bits for each channel, which Pillow cannot write."""

    def make(path: Path) -> None:
        rgb = np.asarray(make_picture()).astype(np.uint16) * 257
        cv2.imwrite(str(path), rgb[:, :, 0] if channels == 1 else rgb[:, :, ::-1])

    return make


def floating(path: Path) -> None:
    Image.fromarray(np.asarray(make_picture().convert("L")).astype(np.float32) / 255).save(path)


def animation(path: Path) -> None:
    frames = [make_picture((192, 128), seed) for seed in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)


def burst(path: Path) -> None:
    """An MPO as phones write it: a JPEG with a second picture behind it."""
    with path.open("wb") as file:
        make_picture().save(file, "MPO", save_all=True, append_images=[make_picture((96, 64), 1)])


def bomb(width: int, height: int) -> Make:
    """A picture of very many white pixels in a few kilobytes: PNG, one bit for each."""

    def make(path: Path) -> None:
        packer = zlib.compressobj(9)
        rows = (packer.compress(b"\0" + b"\xff" * (width // 8)) for _ in range(height))
        data = b"".join(rows) + packer.flush()
        head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b""))

    return make


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_jpeg(path: Path) -> None:
    """A JPEG whose header claims 65,000 x 65,000 pixels."""
    data = bytearray(jpeg_bytes())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
    path.write_bytes(data)


def endless_scans(path: Path, scans: int = 400) -> None:
    """A progressive JPEG that says the same refinement again and again: a few KB that take a minute to decode."""
    buffer = io.BytesIO()
    Image.new("L", (8000, 8000), 90).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    path.write_bytes(data[:last] + data[last:-2] * scans + b"\xff\xd9")


# -- EXIF ---------------------------------------------------------------------------------------


def exif_block() -> bytes:
    """An EXIF block with every kind of IFD and value."""
    return bytes(
        piexif.dump(
            {
                "0th": {piexif.ImageIFD.Make: "Test", piexif.ImageIFD.Model: "One", piexif.ImageIFD.Orientation: 1},
                "Exif": {
                    piexif.ExifIFD.ExposureTime: (1, 250),
                    piexif.ExifIFD.FNumber: (28, 10),
                    piexif.ExifIFD.ISOSpeedRatings: 200,
                    piexif.ExifIFD.DateTimeOriginal: "2024:05:04 12:00:00",
                    piexif.ExifIFD.MakerNote: bytes(range(256)),
                    piexif.ExifIFD.UserComment: b"ASCII\0\0\0words",
                },
                "GPS": {
                    piexif.GPSIFD.GPSLatitudeRef: "N",
                    piexif.GPSIFD.GPSLatitude: ((48, 1), (8, 1), (0, 1)),
                },
                "Interop": {piexif.InteropIFD.InteroperabilityIndex: "R98"},
            }
        )
    )


def _with_exif(path: Path, block: bytes) -> None:
    path.write_bytes(jpeg_bytes(exif=block))


def looping_exif(path: Path) -> None:
    """The first IFD says that it is its own next one, its own EXIF IFD and its own GPS IFD."""
    block = bytearray(exif_block())
    tiff = 6
    first = struct.unpack_from(">I", block, tiff + 4)[0]
    count = struct.unpack_from(">H", block, tiff + first)[0]
    for entry in range(count):
        at = tiff + first + 2 + 12 * entry
        if struct.unpack_from(">H", block, at)[0] in (0x8769, 0x8825):
            struct.pack_into(">I", block, at + 8, first)
    struct.pack_into(">I", block, tiff + first + 2 + 12 * count, first)
    _with_exif(path, bytes(block))


def endless_exif(path: Path) -> None:
    """Every entry claims four thousand million values."""
    block = bytearray(exif_block())
    first = struct.unpack_from(">I", block, 10)[0]
    for entry in range(struct.unpack_from(">H", block, 6 + first)[0]):
        struct.pack_into(">I", block, 6 + first + 2 + 12 * entry + 4, 0xFFFFFFFF)
    _with_exif(path, bytes(block))


def mutated_exif(seed: int) -> Make:
    """Some bytes of the EXIF block changed at random."""

    def make(path: Path) -> None:
        dice = random.Random(seed)
        block = bytearray(exif_block())
        for _ in range(dice.choice((1, 4, 16, 64))):
            block[dice.randrange(6, len(block))] = dice.choice((0, 1, 0x7F, 0xFF, dice.randrange(256)))
        _with_exif(path, bytes(block))

    return make
