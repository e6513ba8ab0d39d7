"""Faces that somebody marked in a photo, and where they are in the upright picture."""

from __future__ import annotations

from dataclasses import dataclass

_SAME_SHAPE = 0.02
"""Two aspect ratios that differ by no more, relatively, belong to the same picture."""


@dataclass(frozen=True, slots=True)
class FaceRegion:
    """A marked face, in shares of the picture."""

    x: float
    """Left edge, 0-1."""
    y: float
    """Top edge, 0-1."""
    width: float
    height: float
    name: str | None = None


@dataclass(frozen=True, slots=True)
class MarkedFaces:
    """The faces as they were marked: in the stored picture, before its orientation is applied."""

    regions: tuple[FaceRegion, ...]
    applied_to: tuple[float, float] | None = None
    """Width and height of the picture they were marked in, pixels."""


def upright_faces(marked: MarkedFaces, size: tuple[int, int] | None, orientation: int) -> tuple[FaceRegion, ...]:
    """The faces in shares of the upright picture.

    MWG guidelines 2.0, 5.9: regions that were marked in a picture of another shape no longer fit, since it was cropped
    afterwards; there are none then. Programs that turned the picture in between have the turned size there.

    Args:
        size: (width, height) of the stored picture, where it is known.
        orientation: as EXIF Orientation.
    """
    if marked.applied_to is None or size is None or _same_shape(marked.applied_to, size):
        return tuple(_turned(region, orientation) for region in marked.regions)
    if orientation in (5, 6, 7, 8) and _same_shape(marked.applied_to, size[::-1]):
        return marked.regions
    return ()


def face_region(centre: tuple[float, float], size: tuple[float, float], name: str | None) -> FaceRegion | None:
    """A region from its centre and size, cut to the picture; None if nothing of it is inside."""
    left, right = max(0.0, centre[0] - size[0] / 2), min(1.0, centre[0] + size[0] / 2)
    top, bottom = max(0.0, centre[1] - size[1] / 2), min(1.0, centre[1] + size[1] / 2)
    if not (left < right and top < bottom):
        return None
    return FaceRegion(round(left, 6), round(top, 6), round(right - left, 6), round(bottom - top, 6), name)


def _same_shape(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= _SAME_SHAPE


def _turned(face: FaceRegion, orientation: int) -> FaceRegion:
    """Undo the camera's rotation, as for the pixels (Exif 3.0, 4.6.5, Orientation)."""
    x, y, width, height = face.x, face.y, face.width, face.height
    if orientation in (5, 6, 7, 8):
        x, y, width, height = y, x, height, width
    if orientation in (2, 3, 6, 7):
        x = 1 - x - width
    if orientation in (3, 4, 7, 8):
        y = 1 - y - height
    return FaceRegion(round(x, 6), round(y, 6), width, height, face.name)
