"""Makers' lens tags, and the sensitivity that older cameras wrote only there.

Maker notes have no specification. Layouts and tag numbers follow exiftool's tag name pages
(exiftool.org/TagNames) and the notes of the Exiv2 project (exiv2.org/makernote.html).
Only the few tags named here are read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from photometa.containers.ifd import MAKER_NOTE, Directories, IfdEntry, Tiff
from photometa.facts.findings import Findings, clean_text, note

_MAKE = 0x010F


@dataclass(frozen=True, slots=True)
class _Note:
    """A maker note's directory and what its offsets count from."""

    tiff: Tiff
    entries: dict[int, IfdEntry]

    def text(self, tag: int) -> str | None:
        """An ASCII tag."""
        entry = self.entries.get(tag)
        if entry is None or entry.type not in (2, 7):
            return None
        return clean_text(self.tiff.raw(entry, 256).split(b"\0")[0].decode("latin-1"))

    def numbers(self, tag: int) -> list[int]:
        """A tag's whole numbers."""
        return self.tiff.numbers(self.entries.get(tag))

    def reals(self, tag: int) -> list[float]:
        """A tag's rationals; undefined ones read as 0."""
        return self.tiff.reals(self.entries.get(tag))


def read_maker_note(directories: Directories) -> Findings:
    """The lens and the sensitivity in a known maker's note."""
    entry = directories.exif.get(MAKER_NOTE)
    found: Findings = {}
    if entry is None or entry.size < 20:
        return found
    tiff = directories.tiff
    make = tiff.raw(directories.image.get(_MAKE), 64).split(b"\0")[0].decode("latin-1").strip().lower()
    for prefix, reader in _READERS.items():
        if make.startswith(prefix):
            reader(tiff, entry, tiff.raw(entry, 32), found)
            break
    return found


def lens_of_range(values: list[float]) -> str | None:
    """A lens's name from its shortest and longest focal length (mm) and the apertures there.

    As the makers write it: "18-55mm f/3.5-5.6", "50mm f/1.8", "28-300mm" if apertures are unknown.
    """
    if len(values) < 2 or not 1 <= values[0] <= values[1] <= 3000:
        return None
    name = "-".join(dict.fromkeys(f"{v:.1f}".removesuffix(".0") for v in values[:2])) + "mm"
    apertures = [v for v in values[2:4] if 0.5 <= v <= 64]
    if len(apertures) < 2:
        return name
    return f"{name} f/" + "-".join(dict.fromkeys(f"{v:.2g}" for v in apertures))


def _note_at(tiff: Tiff, offset: int) -> _Note:
    return _Note(tiff, tiff.directory(offset)[0])


def _inner(tiff: Tiff, entry: IfdEntry, header: bytes, at: int = 0, offset: int | None = None) -> _Note:
    """A note with offsets of its own, counted from `at` within it."""
    try:
        own = Tiff(tiff.source, tiff.base + entry.at + at, header)
    except ValueError:
        return _Note(tiff, {})
    return _note_at(own, own.first if offset is None else offset)


def _canon(tiff: Tiff, entry: IfdEntry, _head: bytes, found: Findings) -> None:
    canon = _note_at(tiff, entry.at)
    settings = canon.numbers(0x0001)
    name = canon.text(0x0095)
    if name is not None and len(name) > 3:
        note(found, "lens", name, "Canon LensModel")
    if len(settings) > 25 and settings[25] > 0:
        longest, shortest, unit = settings[23], settings[24], settings[25]
        note(found, "lens", lens_of_range([shortest / unit, longest / unit]), "Canon CameraSettings")
    note(found, "iso", _canon_iso(settings, canon.numbers(0x0004)), "Canon CameraISO")


def _canon_iso(settings: list[int], shot: list[int]) -> int | None:
    """CameraSettings 16: a code or the number itself; on automatic ShotInfo 1 and 2, in 1/32 EV."""
    code = settings[16] if len(settings) > 16 else 0
    fixed = {16: 50, 17: 100, 18: 200, 19: 400, 20: 800}.get(code)
    if fixed is not None or code & 0x4000:
        return fixed or code & 0x3FFF or None
    if code not in (14, 15) or len(shot) < 3 or not 0 < shot[2] < 1024 or shot[1] > 512:
        return None
    base, gain = 100 / 32 * 2 ** (shot[2] / 32), 2 ** (shot[1] / 32)
    return round(base * gain)


def _nikon(tiff: Tiff, entry: IfdEntry, head: bytes, found: Findings) -> None:
    if head.startswith(b"Nikon\0\x01"):
        return  # the first Coolpix models: no lens in it
    if head.startswith(b"Nikon\0"):
        nikon = _inner(tiff, entry, tiff.source.read_at(tiff.base + entry.at + 10, 8), 10)
    else:
        nikon = _note_at(tiff, entry.at)
    note(found, "lens", lens_of_range(nikon.reals(0x0084)), "Nikon Lens")
    iso = nikon.numbers(0x0002)
    if len(iso) >= 2 and iso[1] > 0:
        note(found, "iso", iso[1], "Nikon ISO")


def _sony(tiff: Tiff, entry: IfdEntry, head: bytes, found: Findings) -> None:
    sony = _note_at(tiff, entry.at + (12 if head.startswith(b"SONY") else 0))
    spec = tiff.raw(sony.entries.get(0xB02A), 8)
    if len(spec) == 8:
        digits = spec[1:7].hex()
        if digits.isdigit():
            values = [float(digits[0:4]), float(digits[4:8]), int(digits[8:10]) / 10, int(digits[10:12]) / 10]
            note(found, "lens", lens_of_range(values), "Sony LensSpec")


def _olympus(tiff: Tiff, entry: IfdEntry, head: bytes, found: Findings) -> None:
    if head.startswith(b"OLYMP\0"):
        olympus = _note_at(tiff, entry.at + 8)
        equipment_at = olympus.tiff.number(olympus.entries.get(0x2010))
    else:
        size = 16 if head.startswith(b"OM SYSTEM") else 12
        order = head[size - 4 : size - 2]
        olympus = _inner(tiff, entry, order + b"\0\0\0\0\0\0", 0, size)
        equipment_at = olympus.tiff.number(olympus.entries.get(0x2010))
    if equipment_at:
        equipment = _note_at(olympus.tiff, equipment_at)
        note(found, "lens", equipment.text(0x0203), "Olympus LensModel")


def _panasonic(tiff: Tiff, entry: IfdEntry, head: bytes, found: Findings) -> None:
    if head.startswith(b"Panasonic\0"):
        name = _note_at(tiff, entry.at + 12).text(0x0051)
        note(found, "lens", name if name != "NO-LENS" else None, "Panasonic LensType")


def _fujifilm(tiff: Tiff, entry: IfdEntry, head: bytes, found: Findings) -> None:
    if head.startswith(b"FUJIFILM"):
        offset = struct.unpack_from("<I", head, 8)[0]
        fuji = _inner(tiff, entry, b"II*\0\0\0\0\0", 0, offset)
        values = [v for tag in range(0x1404, 0x1408) for v in fuji.reals(tag)[:1]]
        if len(values) == 4:
            note(found, "lens", lens_of_range(values), "Fujifilm MinFocalLength ... MaxApertureAtMaxFocal")


def _pentax(tiff: Tiff, entry: IfdEntry, head: bytes, found: Findings) -> None:
    pentax = _note_at(tiff, entry.at + (6 if head.startswith(b"AOC\0") else 0))
    code = next(iter(pentax.numbers(0x0014)), 0)
    note(found, "iso", _PENTAX_ISO.get(code, code if 50 <= code <= 204_800 else None), "Pentax ISO")


_PENTAX_ISO = {3: 50, 4: 64, 5: 80, 6: 100, 7: 125, 8: 160, 9: 200, 10: 250, 11: 320, 12: 400, 15: 800}


def _casio(tiff: Tiff, entry: IfdEntry, head: bytes, found: Findings) -> None:
    iso = [] if head.startswith(b"QVC\0") else _note_at(tiff, entry.at).numbers(0x0014)
    note(found, "iso", iso[0] if iso and 40 <= iso[0] <= 12_800 else None, "Casio ISO")


_READERS: dict[str, Callable[[Tiff, IfdEntry, bytes, Findings], None]] = {
    "canon": _canon,
    "nikon": _nikon,
    "sony": _sony,
    "olympus": _olympus,
    "om digital": _olympus,
    "panasonic": _panasonic,
    "leica": _panasonic,
    "fujifilm": _fujifilm,
    "asahi": _pentax,
    "pentax": _pentax,
    "casio": _casio,
}
