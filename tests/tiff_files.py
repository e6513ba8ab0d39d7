"""TIFFs of any layout, byte order and number of pages (TIFF 6.0), as no library writes them all."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK, LAB, ICC_LAB = 0, 1, 2, 5, 8, 9
WHOLE, SIGNED, FLOATING = 1, 2, 3
SUBFILE, OLD_SUBFILE, ORIENTATION, SUB_IFDS = 254, 255, 274, 330
_FORMATS = {"u": WHOLE, "i": SIGNED, "f": FLOATING}


@dataclass
class Page:
    """One page: its values (height, width, samples), and tags besides those that follow from them."""

    values: npt.NDArray[Any]
    photometric: int = RGB
    tags: Mapping[int, int | bytes] = field(default_factory=dict)
    planes: bool = False


def tiff(*pages: Page, order: str = "<") -> bytes:
    """A TIFF of these pages, uncompressed."""
    data = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
    link = 4
    for page in pages:
        at = _page(data, page, order)
        data[link : link + 4] = struct.pack(order + "I", at)
        link = len(data) - 4
    return bytes(data)


def _page(data: bytearray, page: Page, order: str) -> int:
    """Append a page; where its directory stands. The directory is the last that is written."""
    values = page.values if page.values.ndim == 3 else page.values[..., None]
    height, width, samples = values.shape
    bits = values.dtype.itemsize * 8
    planes = np.moveaxis(values, -1, 0) if page.planes else values[None]
    strips = [plane.astype(values.dtype.newbyteorder(order)).tobytes() for plane in planes]
    places = []
    for strip in strips:
        places.append(len(data))
        data += strip
    tags: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * samples),
        259: (3, [1]),
        262: (3, [page.photometric]),
        273: (4, places),
        277: (3, [samples]),
        278: (4, [height]),
        279: (4, [len(strip) for strip in strips]),
        284: (3, [2 if page.planes else 1]),
        339: (3, [_FORMATS[values.dtype.kind]] * samples),
    }
    usual = {RGB: 3, CMYK: 4, LAB: 3, ICC_LAB: 3}.get(page.photometric, 1)
    if samples > usual:
        tags[338] = (3, [0] * (samples - usual))
    tags |= {tag: (4, [value]) for tag, value in page.tags.items() if isinstance(value, int)}
    table = b""
    for tag, (kind, numbers) in sorted(tags.items()):
        raw = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(raw) > 4:
            where = struct.pack(order + "I", len(data))
            data += raw
        else:
            where = raw.ljust(4, b"\0")
        table += struct.pack(order + "HHI", tag, kind, len(numbers)) + where
    at = len(data)
    data += struct.pack(order + "H", len(tags)) + table + bytes(4)
    return at
