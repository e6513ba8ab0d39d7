"""Where the photo's faces are in the pictures that are compared."""

from __future__ import annotations

from afterframe.imaging.frames import PreparedPhoto


def face_boxes(photo: PreparedPhoto, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Left, top, right and bottom of the photo's faces in a picture of it of (width, height), pixels."""
    (mx, my), (width, height) = photo.margin, size
    high, wide = photo.surround.shape[:2]
    boxes = []
    for face in photo.scene.faces:
        left, right = ((x * wide - mx) / (wide - 2 * mx) * width for x in (face.x, face.x + face.width))
        top, bottom = ((y * high - my) / (high - 2 * my) * height for y in (face.y, face.y + face.height))
        boxes.append((max(0, round(left)), max(0, round(top)), max(0, round(right)), max(0, round(bottom))))
    return boxes
