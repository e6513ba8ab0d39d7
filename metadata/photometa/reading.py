"""From a path to facts: the file's blocks, its own sidecar, precedence, and what follows."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from photometa.containers.blocks import Blocks, FormatError
from photometa.containers.embedded import Claims, has_gain_map, has_video
from photometa.containers.ifd import directories
from photometa.containers.sniff import read_blocks
from photometa.containers.source import File
from photometa.errors import MetadataError
from photometa.exif.exif_facts import read_exif
from photometa.exif.makernote import read_maker_note
from photometa.facts.derive import facts_of
from photometa.facts.facts import Facts
from photometa.facts.findings import Findings, note
from photometa.facts.precedence import Statements, believed
from photometa.icc import profile_name
from photometa.iptc import read_iptc
from photometa.regular import NotRegular, open_regular
from photometa.sidecar import read_sidecar, sidecar_paths
from photometa.xmp.packets import parse
from photometa.xmp.xmp_facts import READ, read_xmp_facts

_Block = TypeVar("_Block")


def read(path: str | os.PathLike[str]) -> Facts:
    """The facts of a photo and of its own sidecar, where it has one.

    Damaged metadata in a good file is skipped, as far as it is damaged.

    Raises:
        MetadataError: the file cannot be read (codes "missing", "unreadable", "not_a_file"), is
            empty ("empty") or of an unknown format ("unknown_format").
    """
    photo = Path(path)
    try:
        with open(open_regular(photo), "rb") as file:  # noqa: PTH123 - a descriptor
            source = File(file)
            if source.size == 0:
                raise _refusal(photo, "is empty", "Export the photo again.", "empty")
            blocks = read_blocks(source)
            statements = _statements(blocks)
            _note_embedded(source, blocks, statements)
    except NotRegular as error:
        raise _refusal(photo, "is not a file", "Name a photo.", "not_a_file") from error
    except FileNotFoundError as error:
        raise _refusal(photo, "does not exist", "Check the name.", "missing") from error
    except FormatError as error:
        hint = "Export the photo as JPEG, TIFF, PNG, WebP or HEIC."
        raise _refusal(photo, f"is not a readable photo: {error}", hint, "unknown_format") from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or str(error)
        raise _refusal(photo, f"cannot be read: {reason}", "Check its permissions.", "unreadable") from error
    statements.sidecar = _sidecar(photo)
    return facts_of(blocks.format, believed(statements), statements)


def _refusal(photo: Path, what: str, hint: str, code: str) -> MetadataError:
    return MetadataError(f"{photo} {what}.", hint, code)


def _statements(blocks: Blocks) -> Statements:
    """The findings of each block of the file."""
    statements = Statements(container=_container(blocks))
    found = blocks.directories or (directories(blocks.tiff) if blocks.tiff else None)
    if found is not None:
        statements.exif = _spared(read_exif, found)
        statements.maker = _spared(read_maker_note, found)
    statements.xmp = _xmp(blocks)
    if blocks.iptc is not None:
        statements.iptc = _spared(read_iptc, blocks.iptc)
    return statements


def _spared(reader: Callable[[_Block], Findings], block: _Block) -> Findings:
    """A block's findings; none if it is damaged in an unforeseen way."""
    try:
        return reader(block)
    except Exception:  # noqa: BLE001 - the file's other facts are worth more than this block
        return {}


def _container(blocks: Blocks) -> Findings:
    found: Findings = {}
    header = f"{blocks.format} header"
    note(found, "width", blocks.width or None, header)
    note(found, "height", blocks.height or None, header)
    note(found, "orientation", blocks.orientation, f"{blocks.format} image properties")
    note(found, "colour_profile", profile_name(blocks.icc) if blocks.icc else None, "ICC profile description")
    note(found, "colour_profile", blocks.colour, header)
    return found


def _note_embedded(source: File, blocks: Blocks, statements: Statements) -> None:
    """A video or gain map that is really there; tags alone are not believed."""
    claims, said_by = statements.xmp.get("claims", (Claims(), ""))
    found = statements.container
    if has_video(source, blocks.format, claims):
        note(found, "motion_photo", value=True, source=f"a video in the file, {said_by}".rstrip(", "))
    elif claims.videos:
        note(found, "motion_photo", value=False, source=f"{said_by} says so, but there is no video in the file")
    maps = claims if claims.gain_maps or not blocks.mapped else replace(claims, gain_maps=(0,))
    if has_gain_map(source, blocks.format, maps, blocks.pictures):
        note(found, "gain_map", value=True, source=f"a gain map in the file, {said_by}".rstrip(", "))


def _xmp(blocks: Blocks) -> Findings:
    """The main packet's findings, then those of extended ones; a damaged packet is skipped."""
    found: Findings = {}
    for packet in blocks.xmp:
        try:
            found = {**_spared(read_xmp_facts, parse(packet, READ)), **found}
        except MetadataError:
            continue
    return found


def _sidecar(photo: Path) -> Findings:
    """The findings in the photo's own sidecar: the first of its possible names that exists.

    IMG.xmp belongs to another file if it says so (photoshop:SidecarForExtension: the raw beside it).
    """
    for path in sidecar_paths(photo):
        if not os.path.exists(path):  # noqa: PTH110 - four times for every photo
            continue
        try:
            properties = read_sidecar(path)
        except MetadataError:
            continue
        extension = properties.get("photoshop:SidecarForExtension")
        if isinstance(extension, str) and extension.lower() != photo.suffix[1:].lower():
            continue
        return _spared(functools.partial(read_xmp_facts, source=Path(path).name), properties)
    return {}
