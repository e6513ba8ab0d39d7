"""The name of an ICC profile (ICC.1:2022, 7.2 and 9.2.41; version 2's textDescriptionType)."""

from __future__ import annotations

import struct

from photometa.facts.findings import clean_text


def profile_name(profile: bytes) -> str | None:
    """The profile's description, in English if there are several."""
    if profile[36:40] != b"acsp" or len(profile) < 132:
        return None
    count = min(struct.unpack_from(">I", profile, 128)[0], 100)
    for index in range(count):
        entry = profile[132 + 12 * index : 144 + 12 * index]
        if len(entry) == 12 and entry[:4] == b"desc":
            offset, size = struct.unpack_from(">II", entry, 4)
            return clean_text(_text(profile[offset : offset + min(size, 1 << 16)]))
    return None


def _text(data: bytes) -> str | None:
    if data[:4] == b"desc" and len(data) > 12:
        length = struct.unpack_from(">I", data, 8)[0]
        return data[12 : 12 + length].split(b"\0")[0].decode("latin-1")
    if data[:4] != b"mluc" or len(data) < 28:
        return None
    texts: dict[bytes, str] = {}
    for index in range(min(struct.unpack_from(">I", data, 8)[0], 200)):
        record = data[16 + 12 * index : 28 + 12 * index]
        if len(record) == 12:
            length, offset = struct.unpack_from(">II", record, 4)
            texts.setdefault(record[:2], data[offset : offset + length].decode("utf-16-be", "replace"))
    return texts.get(b"en") or next(iter(texts.values()), None)
