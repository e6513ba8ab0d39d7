"""Files in the folders that are not animated, counted, so that nobody waits for them in vain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

_RAW = "3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq kdc mef mos mrw nef nrw orf ori pef raf raw rw2 rwl sr2 srf srw x3f"
_PICTURES = (
    "ai apng bmp dds dib eps exr gif hdr icns ico j2c j2k jls jp2 jpf jpm jpx jxl jxr mpo pbm pcx pdf pfm pgm pnm ppm"
    " psb psd qoi svg tga wbmp wdp xcf"
)
_VIDEOS = "3gp avi flv insv lrv m2ts m4v mkv mov mpeg mpg mts ogv webm wmv"
_KIND_OF = {
    f".{suffix}": kind
    for kind, suffixes in (("raw", _RAW), ("pictures", _PICTURES), ("videos", _VIDEOS))
    for suffix in suffixes.split()
}
_WHY = {
    "raw": "raw files: develop them, and export JPEG, TIFF, PNG, WebP, HEIC or AVIF",
    "pictures": "pictures in formats that are not read: export them as JPEG, TIFF, PNG, WebP, HEIC or AVIF",
    "videos": "videos move already",
    "others": "no photos",
}
_OURS_OR_NOTES = frozenset({".mp4", ".xmp", ".toml"})
"""Clips, sidecars and settings: they are read, or looked for."""


def is_counted(name: str) -> bool:
    """Whether a file that is no photo counts: not a hidden one, not one that says something about photos."""
    return not name.startswith(".") and PurePath(name).suffix.lower() not in _OURS_OR_NOTES


def suffix_counted(name: str) -> str:
    """What a file is counted as: its suffix in small letters, "" without one."""
    return PurePath(name).suffix.lower()


def reasons(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The files by why they are passed over, as JSON.

    Args:
        counts: suffix -> files.
    """
    kinds: dict[str, Counter[str]] = {kind: Counter() for kind in _WHY}
    for suffix, count in counts.items():
        kinds[_KIND_OF.get(suffix, "others")][suffix] += count
    return [
        {"kind": kind, "why": _WHY[kind], "files": found.total(), "suffixes": dict(found.most_common())}
        for kind, found in kinds.items()
        if found
    ]
