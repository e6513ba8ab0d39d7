"""The opt-in back-link: a photo's sidecar that exists already names the photo's clip.

Two simple properties of our own namespace; never a structure (darktable would stop writing its own,
darktable#19429), never a new file, never anybody else's property.
"""

from __future__ import annotations

import logging
from pathlib import Path

import photometa
from afterframe.domain import Clip

QUIET_S = 10.0
"""darktable writes its sidecars in place; the file must have stood still this long, seconds."""

log = logging.getLogger(__name__)


def photo_sidecars(photo: Path) -> list[Path]:
    """The sidecars that a photo has: DSC_0042.xmp (raw converters) and DSC_0042.jpg.xmp (darktable, digiKam)."""
    names = (photo.with_suffix(".xmp"), photo.with_name(f"{photo.name}.xmp"))
    return [path for path in names if path.is_file()]


def write_back_link(clip: Clip, backups: Path, quiet_s: float = QUIET_S) -> list[Path]:
    """Name a clip in its photo's sidecars; one that cannot be changed safely is left as it is.

    Returns:
        The sidecars that were changed.
    """
    changed = []
    for sidecar in photo_sidecars(Path(clip.photo_path)):
        properties = {"afterframe:clip": Path(clip.path).name, "afterframe:clipID": f"xmp.did:{clip.id}"}
        try:
            photometa.write_sidecar(sidecar, properties, quiet_s=quiet_s, backup_dir=backups)
        except photometa.MetadataError as error:
            log.warning("no back-link in %s: %s", sidecar, error)
        else:
            changed.append(sidecar)
    return changed
