"""What a clip shows, as ffmpeg decodes it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from afterframe.imaging.frames import Pixels


def read_frames(clip: Path, size: tuple[int, int]) -> list[Pixels]:
    """Every frame of a clip of ``size`` (width, height): uint8 sRGB (height, width, 3)."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", f"file:{clip}"]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    decoded = subprocess.run([*command, *raw], check=True, capture_output=True).stdout
    return list(np.frombuffer(decoded, np.uint8).reshape(-1, size[1], size[0], 3))
