"""Single pictures through ffmpeg: a clip's poster, a sheet of its frames, a photo compressed as a video's frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import piexif

from afterframe.encode.process import Encoding, command_line, file_url, own_clip, run
from afterframe.imaging.frames import Pixels


def write_poster(clip: Path, target: Path, encoding: Encoding, *, mark: bytes) -> None:
    """Write a clip's first frame as JPEG. ``target`` is replaced.

    Args:
        mark: goes into EXIF Software, so that the poster is recognised as ours.
    Raises:
        EncodeError: ffmpeg failed.
    """
    _write(own_clip(clip), target, encoding, **{"q:v": 2})
    piexif.insert(piexif.dump({"0th": {piexif.ImageIFD.Software: mark}}), str(target))


def write_sheet(
    clip: Path, target: Path, encoding: Encoding, frame_count: int, grid: tuple[int, int], width: int
) -> None:
    """Write frames from all along a clip side by side, as JPEG. ``target`` is replaced.

    Args:
        frame_count: of the clip; with fewer frames than the sheet has cells, the last ones stay black.
        grid: columns and rows.
        width: of each frame, pixels.
    Raises:
        EncodeError: ffmpeg failed.
    """
    columns, rows = grid
    every = max(1, frame_count // (columns * rows))
    sheet = (
        own_clip(clip)
        .filter("select", f"not(mod(n,{every}))")
        .filter("scale", width, -2)
        .filter("tile", f"{columns}x{rows}")
    )
    _write(sheet, target, encoding, fps_mode="passthrough", **{"q:v": 3})


def as_video_frame(picture: Pixels, crf: int, encoding: Encoding) -> Pixels:
    """A picture as it looks when it was a frame of an H.264 video (libx264, veryfast, 4:2:0).

    Args:
        picture: uint8 RGB (height, width, 3), both sides even.
        crf: 1 (hardly compressed) to 51.
    Raises:
        EncodeError: ffmpeg failed.
    """
    height, width = picture.shape[:2]
    raw = {"format": "rawvideo", "pix_fmt": "rgb24"}
    written = ffmpeg.input("pipe:0", s=f"{width}x{height}", **raw).output(
        "pipe:1", format="h264", vcodec="libx264", preset="veryfast", crf=crf, pix_fmt="yuv420p"
    )
    video = run(command_line(written, encoding), np.ascontiguousarray(picture).tobytes())
    read = ffmpeg.input("pipe:0", format="h264").output("pipe:1", vframes=1, **raw)
    return np.frombuffer(run(command_line(read, encoding), video), np.uint8).reshape(height, width, 3)


def _write(picture: Any, target: Path, encoding: Encoding, **options: object) -> None:
    output = picture.output(file_url(target), format="image2", vframes=1, update=1, **options)
    run(command_line(output, encoding, "-y"))
