"""Patches of known colours, written in many codings by formulas of their own: none of the code that reads them.

Primaries: Display P3 (SMPTE EG 432-1), Rec. 2020 (ITU-R BT.2020); transfer: IEC 61966-2-1, ITU-R BT.2100 (PQ, HLG).
"""

from __future__ import annotations

import binascii
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

COLOURS = (
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 150, 120),
    (30, 90, 60), (255, 255, 255), (128, 128, 128), (250, 200, 40),
)  # fmt: skip
"""sRGB."""
SIDE = 80
FROM_SRGB = {
    "p3": [[0.8224621, 0.1775380, 0.0], [0.0331941, 0.9668058, 0.0], [0.0170827, 0.0723974, 0.9105199]],
    "2020": [[0.6274039, 0.3292830, 0.0433131], [0.0690973, 0.9195404, 0.0113623], [0.0163914, 0.0880133, 0.8955953]],
    "srgb": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
}
"""From linear sRGB, as CSS Color 4 and BT.2087 have them."""
Reals = npt.NDArray[np.float64]


def light() -> Reals:
    """The colours as linear light of sRGB, two rows of four."""
    coded = np.array(COLOURS, np.float64).reshape(2, 4, 3) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def srgb_curve(linear: Reals) -> Reals:
    """IEC 61966-2-1."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def pq(linear: Reals, white_nits: float = 203) -> Reals:
    """BT.2100, table 4."""
    power = (np.maximum(linear, 0) * white_nits / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(linear: Reals) -> Reals:
    """BT.2100, table 5, for a display of 1000 cd/m²; white is 203 cd/m²."""
    shown = np.maximum(linear, 0) * 203 / 1000
    luminance = np.maximum(shown @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
    scene = shown * luminance ** (1 / 1.2 - 1)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


def stored(primaries: str, curve: object, bits: int = 8, boost: float = 1.0) -> npt.NDArray[np.uint16]:
    """The patches as a file with these primaries and this curve stores them.

    Args:
        boost: how many times brighter than white the last patch is.
    """
    linear = light() @ np.array(FROM_SRGB[primaries]).T
    linear[1, 3] *= boost
    coded = np.clip(curve(linear), 0, 1)  # type: ignore[operator]
    return np.repeat(np.repeat(np.round(coded * (2**bits - 1)), SIDE, 0), SIDE, 1).astype(np.uint16)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", binascii.crc32(kind + data))


def png(values: npt.NDArray[np.uint16], *chunks: bytes, bits: int = 8) -> bytes:
    """A PNG of these values, with these chunks before its pixels."""
    height, width = values.shape[:2]
    rows = values.astype(">u2" if bits == 16 else np.uint8)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    end = chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + end


def avif(values: npt.NDArray[np.uint16], primaries: int, transfer: int, bits: int = 8) -> bytes:
    """An AVIF of these values whose nclx names these code points."""
    if bits == 8:
        out = io.BytesIO()
        picture = Image.fromarray(values.astype(np.uint8))
        picture.save(out, "AVIF", quality=100, subsampling="4:4:4", speed=10, range="full")
        data = bytearray(out.getvalue())
    else:
        options = [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_SPEED, 10]
        data = bytearray(cv2.imencode(".avif", np.ascontiguousarray(values[..., ::-1]), options)[1].tobytes())
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


CODINGS = {
    "cicp-p3.png": lambda: png(stored("p3", srgb_curve), chunk(b"cICP", bytes([12, 13, 0, 1]))),
    "cicp-2020-linear-16.png": lambda: png(stored("2020", np.array, 16), chunk(b"cICP", bytes([9, 8, 0, 1])), bits=16),
    "cicp-pq-16.png": lambda: png(stored("2020", pq, 16), chunk(b"cICP", bytes([9, 16, 0, 1])), bits=16),
    "cicp-hlg-16.png": lambda: png(stored("2020", hlg, 16), chunk(b"cICP", bytes([9, 18, 0, 1])), bits=16),
    "gama-linear.png": lambda: png(stored("srgb", np.array), chunk(b"gAMA", struct.pack(">I", 100_000))),
    "gama-1.8-16.png": lambda: png(
        stored("srgb", lambda linear: np.maximum(linear, 0) ** (1 / 1.8), 16),
        chunk(b"gAMA", struct.pack(">I", 55_556)),
        bits=16,
    ),
    "gama-chrm-p3.png": lambda: png(
        stored("p3", lambda linear: np.maximum(linear, 0) ** (1 / 2.6), 16),
        chunk(b"gAMA", struct.pack(">I", 38_462)),
        chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
        bits=16,
    ),
    "p3.avif": lambda: avif(stored("p3", srgb_curve), 12, 13),
    "2020-gamma-2.2-10.avif": lambda: avif(
        stored("2020", lambda linear: np.maximum(linear, 0) ** (1 / 2.2), 10), 9, 4, 10
    ),
    "pq-10.avif": lambda: avif(stored("2020", pq, 10), 9, 16, 10),
    "hlg-12.avif": lambda: avif(stored("2020", hlg, 12), 9, 18, 12),
}
"""A file name -> a maker of its bytes: the same colours in every one."""


def write_coding(name: str, folder: Path) -> Path:
    """Write one of the codings into a folder."""
    path = folder / name
    path.write_bytes(CODINGS[name]())
    return path


def middles(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The colours in the middles of the patches, in the order of COLOURS; whatever the picture's size."""
    height, width = pixels.shape[:2]
    rows, columns = (np.arange(2) * 2 + 1) * height // 4, (np.arange(4) * 2 + 1) * width // 8
    return pixels[np.ix_(rows, columns)].reshape(8, 3).astype(np.int64)
