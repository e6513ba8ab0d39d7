"""TIFF: which page is the picture, and whether its pixels are in a layout that is read right.

TIFF 6.0 leaves much to the writer. Pillow reads the usual layouts; others it refuses, or reads wrongly without a word
(whole numbers with a sign or of 32 bits, 16 bits in planes): those are refused here, by what they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from afterframe.errors import PhotoError
from photometa.containers.ifd import SUB_IFDS, IfdEntry, Tiff
from photometa.containers.source import File
from photometa.containers.tiff import main_page

TIFF_STARTS = (b"II*\0", b"MM\0*")
WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
PHOTOMETRIC = 262
_BITS, _COMPRESSION, _SAMPLES, _PLANAR, _SAMPLE_FORMAT, _SUBFILE = 258, 259, 277, 284, 339, 254
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
MAX_STRIPS = 1 << 16
_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000, 50001})
"""Those that libtiff decodes as Pillow's wheels build it."""
_DEPTHS = {
    WHITE_IS_ZERO: ("grey", {1, 2, 4, 8, 16}),
    BLACK_IS_ZERO: ("grey", {1, 2, 4, 8, 16}),
    2: ("RGB", {8, 16}),
    3: ("palette", {1, 2, 4, 8}),
    5: ("CMYK", {8, 16}),
    6: ("YCbCr", {8}),
    8: ("Lab", {8}),
}
"""PhotometricInterpretation -> its name, and the bits per sample that are read right."""
_OTHERS = {4: "transparency mask", 9: "ICC Lab", 10: "ITU Lab", 32803: "colour filter array", 34892: "linear raw"}
_FORMATS = {1: "", 2: " signed", 3: " floating point", 4: "", 5: " complex", 6: " complex floating point"}


class TiffPage(NamedTuple):
    """The page that is the picture."""

    number: int
    """From 0, along the chain of directories."""
    whole: bool
    """Its pixels lie inside the file."""


def picture_page(path: Path) -> TiffPage:
    """The page of a TIFF that is the picture.

    Raises:
        PhotoError: its pixels are in a layout that cannot be read (code "unsupported").
        OSError: as for any file.
    """
    with path.open("rb") as file:
        tiff = Tiff(File(file))
        number, page = main_page(tiff)
        said = {tag: tiff.numbers(page.get(tag)) for tag in (_BITS, _SAMPLE_FORMAT)}
        compression, photometric, samples, planar, subfile = (
            tiff.number(page.get(tag)) for tag in (_COMPRESSION, PHOTOMETRIC, _SAMPLES, _PLANAR, _SUBFILE)
        )
        whole = _is_whole(tiff, page)
        if (subfile or 0) & 1 and SUB_IFDS in page:
            raise unsupported_layout(path, "its full picture stands in a sub-directory, as in raw files")
    bits = said[_BITS] or [1]
    kind = _layout(photometric, bits, said[_SAMPLE_FORMAT] or [1], samples or 1)
    if kind is not None:
        raise unsupported_layout(path, f"its pixels are {kind}")
    if compression is not None and compression not in _COMPRESSIONS:
        raise unsupported_layout(path, f"its pixels are compressed by method {compression}")
    if planar == 2 and bits[0] == 16 and compression in (None, 1):
        raise unsupported_layout(path, "its pixels are 16 bit, uncompressed, in separate planes")
    return TiffPage(number, whole)


def _layout(photometric: int | None, bits: list[int], formats: list[int], samples: int) -> str | None:
    """What the layout is, if it cannot be read; None if it can, or if the directory is damaged."""
    if photometric is None:
        return None
    name, depths = _DEPTHS.get(photometric, (_OTHERS.get(photometric, f"of kind {photometric}"), set[int]()))
    whole = set(formats) <= {1, 4}
    deep_with_more = name == "grey" and samples > 1 and bits[0] != 8
    if whole and set(bits) <= depths and len(set(bits)) == 1 and not deep_with_more:
        return None
    return f"{max(bits)}-bit{_FORMATS.get(max(formats), '')} {name}{' with more channels' if deep_with_more else ''}"


def _is_whole(tiff: Tiff, page: dict[int, IfdEntry]) -> bool:
    """Whether the pixels lie inside the file."""
    offsets, sizes = (
        tiff.numbers(page.get(strips) or page.get(tiles), MAX_STRIPS)
        for strips, tiles in ((_STRIPS, _TILES), (_STRIP_BYTES, _TILE_BYTES))
    )
    size = tiff.source.size
    return (
        bool(offsets)
        and len(offsets) == len(sizes)
        and all(at + count <= size for at, count in zip(offsets, sizes, strict=True))
    )


def unsupported_layout(path: Path, why: str) -> PhotoError:
    """The refusal of a TIFF that is whole, but cannot be read."""
    return PhotoError(
        f"{path.name} cannot be read: {why}.", "Export it as RGB or grey with 8 or 16 bits.", code="unsupported"
    )
