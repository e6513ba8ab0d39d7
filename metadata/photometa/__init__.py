"""Reads what a photo file says about itself, and writes sidecars without losing a byte.

    facts = photometa.read("DSC_0042.jpg")
    facts.exposure_s, facts.sources["exposure_s"]
    photometa.read_sidecar("DSC_0042_motion.mp4.xmp")["afterframe:verdict"]
    photometa.write_sidecar("DSC_0042_motion.mp4.xmp", {"afterframe:verdict": "approved"})
    photometa.sniff(first_64_bytes)  # "jpeg"

Importing this loads no parser; the first call does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from photometa.errors import MetadataError
from photometa.facts.facts import Facts
from photometa.xmp.values import Alt, Bag, LangAlt, Properties, Seq, Struct, Value

if TYPE_CHECKING:
    Path = str | os.PathLike[str]

__all__ = [
    "Alt",
    "Bag",
    "Facts",
    "LangAlt",
    "MetadataError",
    "Properties",
    "Seq",
    "Struct",
    "Value",
    "read",
    "read_sidecar",
    "sniff",
    "write_sidecar",
]


def read(path: Path) -> Facts:
    """Read a photo's facts; see photometa.reading.read.

    Raises:
        MetadataError: the file cannot be read, is empty or has an unknown format.
    """
    from photometa import reading

    return reading.read(path)


def sniff(head: bytes) -> str | None:
    """The format of a photo by its first 64 bytes, None if unknown; see photometa.containers.sniff.sniff."""
    from photometa.containers import sniff as formats

    return formats.sniff(head)


def read_sidecar(path: Path) -> Properties:
    """Read a sidecar's properties by "prefix:name"; see photometa.sidecar.read_sidecar.

    Raises:
        MetadataError: it cannot be opened or is not a readable XMP packet.
    """
    from photometa import sidecar

    return sidecar.read_sidecar(path)


def write_sidecar(
    path: Path,
    properties: Mapping[str, Value | None],
    *,
    quiet_s: float = 0,
    backup_dir: Path | None = None,
) -> None:
    """Merge properties into a sidecar losslessly; see photometa.sidecar.write_sidecar.

    Raises:
        MetadataError: it must not or cannot be written; the file is as it was.
    """
    from photometa import sidecar

    sidecar.write_sidecar(path, properties, quiet_s=quiet_s, backup_dir=backup_dir)
