"""The names of the files that we write beside a photo, and how to recognise them.

Never DSC_0042.xmp (the raw's develop settings), never DSC_0042.jpg.xmp (darktable overwrites it),
and never a bare _NN at the end (darktable takes it for a duplicate).
"""

from __future__ import annotations

import os
from pathlib import Path

from photometa.atomic import is_part
from photometa.regular import open_regular

TEMPORARY_PREFIX = ".afterframe-"
RESERVATION_SUFFIX = ".reserved"
PROBE_PREFIX = f"{TEMPORARY_PREFIX}probe-"
"""Begins the name of a hidden file that is written to find out whether a folder can be written to."""
UPLOAD_PREFIX = f"{TEMPORARY_PREFIX}upload-"
"""Begins the name of a hidden folder in which an upload lies until it has its place."""
POSTER_MARK = b"Afterframe poster"
"""Stands in the EXIF of every poster that we write, so that it is neither animated nor taken for a stranger's."""


def temporary_for(folder: Path, job_id: str) -> Path:
    """Where a clip grows: hidden, in the photo's own folder so that the rename is atomic."""
    return folder / f"{TEMPORARY_PREFIX}{job_id}.mp4"


def is_passing(path: Path) -> bool:
    """Whether a hidden file of ours stands for moments only: a probe, or a sidecar that is being written."""
    return path.name.startswith(PROBE_PREFIX) or is_part(path.name)


def with_sound_for(temporary: Path) -> Path:
    """Where a clip gets its sound: beside the clip that grows."""
    return temporary.with_suffix(".sound.mp4")


def job_of_temporary(path: Path) -> str | None:
    """The job that a temporary file belongs to; None when the file is not one of ours."""
    name = path.name
    job_id = name.removeprefix(TEMPORARY_PREFIX).partition(".")[0]
    is_ours = name.startswith(TEMPORARY_PREFIX) and len(job_id) == 32 and set(job_id) <= set("0123456789abcdef")
    return job_id if is_ours and path.suffix in (".mp4", ".jpg", ".xmp-part", RESERVATION_SUFFIX) else None


def sidecar_of(clip: Path) -> Path:
    """DSC_0042_motion.mp4 -> DSC_0042_motion.mp4.xmp."""
    return clip.with_name(f"{clip.name}.xmp")


def poster_of(clip: Path) -> Path:
    """DSC_0042_motion.mp4 -> DSC_0042_motion.jpg."""
    return clip.with_suffix(".jpg")


def bases_for(photo: Path) -> tuple[str, str]:
    """The two beginnings of a clip's name: the plain one, and the one that names the photo's suffix too."""
    return f"{photo.stem}_motion", f"{photo.stem}_{photo.suffix.lstrip('.')}_motion"


def clip_path(photo: Path, base: str, variant: int) -> Path:
    """The file name of a variant: base.mp4, base-v2.mp4, base-v3.mp4 ..."""
    return photo.with_name(f"{base}.mp4" if variant == 1 else f"{base}-v{variant}.mp4")


def longest_names(photo: Path) -> Path:
    """The longest path that a photo's clips and their sidecars may need."""
    return sidecar_of(clip_path(photo, bases_for(photo)[1], 99))


def fits(path: Path) -> bool:
    """Whether the file system of a path's folder can hold its name, as far as it says so."""
    try:
        name_max, path_max = os.pathconf(path.parent, "PC_NAME_MAX"), os.pathconf(path.parent, "PC_PATH_MAX")
    except (AttributeError, OSError, ValueError):  # Windows has no such question
        return len(path.name) <= 255
    return len(os.fsencode(path.name)) <= name_max and len(os.fsencode(path)) < path_max


def preview_of(cache: Path, job_id: str) -> Path:
    """Where a running render's latest frame is shown."""
    return cache / "previews" / f".{job_id}.jpg"


def may_be_poster(path: Path) -> bool:
    """Whether a file has the name of a poster; :func:`is_our_poster` tells whether it is one."""
    return path.suffix.lower() == ".jpg" and "_motion" in path.stem


def is_our_poster(path: Path) -> bool:
    """Whether a JPEG is a poster that we wrote beside a clip."""
    if not may_be_poster(path):
        return False
    try:
        with open(open_regular(path), "rb") as file:  # noqa: PTH123 - a descriptor
            return POSTER_MARK in file.read(4096)
    except OSError:
        return False
