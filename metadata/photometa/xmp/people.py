"""Keywords and people in XMP: where each program keeps them.

IPTC Photo Metadata Standard 2025.1 (dc:subject, Iptc4xmpExt:PersonInImage); MWG guidelines 2.0, 5.9 (mwg-rs:Regions);
the hierarchies of Lightroom, digiKam, Windows and Media Pro.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from photometa.facts.faces import FaceRegion, MarkedFaces, face_region
from photometa.facts.findings import Findings, note
from photometa.facts.keywords import leaf, without_doubles
from photometa.xmp.texts import items_of, number_of, text_of
from photometa.xmp.values import Array, Struct, Value

_HIERARCHIES = (
    ("lr:hierarchicalSubject", "|"),
    ("digiKam:TagsList", "/"),
    ("MicrosoftPhoto:LastKeywordXMP", "/"),
    ("mediapro:CatalogSets", "|"),
)
"""A property, and what stands between the names of its hierarchies."""
MAX_REGIONS = 500

READ = frozenset({"dc:subject", "Iptc4xmpExt:PersonInImage", "mwg-rs:Regions"} | {name for name, _ in _HIERARCHIES})


def read_people(properties: Mapping[str, Value], found: Findings, source: str) -> None:
    """The keywords, the persons shown, and the faces that were marked."""
    words: list[str | None] = list(items_of(properties.get("dc:subject")))
    names = ["dc:subject"] if words else []
    for name, separator in _HIERARCHIES:
        leaves = [leaf(path, separator) for path in _paths(properties.get(name))]
        names += [name] if any(leaves) else []
        words += leaves
    note(found, "keywords", without_doubles(words), f"{source} {', '.join(names)}")

    regions = properties.get("mwg-rs:Regions")
    faces = tuple(_faces(regions)) if isinstance(regions, Struct) else ()
    persons = without_doubles((*items_of(properties.get("Iptc4xmpExt:PersonInImage")), *(face.name for face in faces)))
    note(found, "persons", persons, f"{source} {_where(properties, faces)}")
    if faces and isinstance(regions, Struct):
        note(found, "marked_faces", MarkedFaces(faces, _applied_to(regions)), f"{source} mwg-rs:Regions")


def _paths(value: Value | None) -> list[str]:
    """Hierarchies: an array, or one of them as plain text. Names may hold commas."""
    if isinstance(value, Array):
        return items_of(value)
    return [part for part in (text_of(value) or "").split(";") if part]


def _where(properties: Mapping[str, Value], faces: tuple[FaceRegion, ...]) -> str:
    names = ["Iptc4xmpExt:PersonInImage"] if "Iptc4xmpExt:PersonInImage" in properties else []
    return ", ".join(names + (["mwg-rs:Regions"] if any(face.name for face in faces) else []))


def _faces(regions: Struct) -> Iterator[FaceRegion]:
    """The regions of type Face; those of pets, focus points and codes show no person."""
    entries = regions.get("mwg-rs:RegionList")
    for entry in entries[:MAX_REGIONS] if isinstance(entries, Array) else ():
        if isinstance(entry, Struct) and (text_of(entry.get("mwg-rs:Type")) or "").lower() == "face":
            face = _face(entry, _applied_to(regions))
            if face is not None:
                yield face


def _face(entry: Struct, applied_to: tuple[float, float] | None) -> FaceRegion | None:
    area = entry.get("mwg-rs:Area")
    if not isinstance(area, Struct):
        return None
    x, y, width, height = (number_of(area.get(f"stArea:{name}")) for name in "xywh")
    if x is None or y is None or width is None or height is None:
        return None
    wide, high = (1.0, 1.0)
    if (text_of(area.get("stArea:unit")) or "").lower() == "pixel":
        if applied_to is None:
            return None
        wide, high = applied_to
    return face_region((x / wide, y / high), (width / wide, height / high), text_of(entry.get("mwg-rs:Name")))


def _applied_to(regions: Struct) -> tuple[float, float] | None:
    size = regions.get("mwg-rs:AppliedToDimensions")
    if not isinstance(size, Struct):
        return None
    width, height = number_of(size.get("stDim:w")), number_of(size.get("stDim:h"))
    return (width, height) if width is not None and height is not None and width > 0 and height > 0 else None
