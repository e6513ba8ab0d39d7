"""Text folded for searching: it is found however it was typed.

Unicode's own decompositions (UAX 15) take accents off, and leave letters that have a stroke, a hook or a ligature:
those are folded by what their names say (LATIN SMALL LETTER L WITH STROKE).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress

_NAME = re.compile(r"(LATIN|CYRILLIC|GREEK) SMALL (?:LETTER|LIGATURE) (.+?)(?: WITH .+)?")
_BY_SOUND = {
    "DOTLESS I": "i",
    "DOTLESS J": "j",
    "ETH": "d",
    "THORN": "th",
    "ENG": "n",
    "KRA": "k",
    "SCHWA": "e",
    "OPEN E": "e",
    "OPEN O": "o",
    "SHARP S": "ss",
}
"""Letters that people type without their own key."""
_ASIDE = "ʼʻʹʺ·"
"""Marks within words that nobody types; as ŉ and ŀ decompose."""


def _bare(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _unaccented() -> Iterator[tuple[int, str]]:
    """A letter's code point and what it is folded to, for all that have no decomposition."""
    for number in (*range(0xDF, 0x590), *range(0x1D00, 0x1F00), *range(0x2C60, 0x2C80), *range(0xA720, 0xA800)):
        found = _NAME.fullmatch(unicodedata.name(chr(number), ""))
        if found is None or unicodedata.decomposition(chr(number)):
            continue
        script, base = found.groups()
        if script == "LATIN" and base in _BY_SOUND:
            yield number, _BY_SOUND[base]
        elif script == "LATIN" and re.fullmatch("[A-Z]{1,2}", base):
            yield number, base.lower()
        else:
            with suppress(KeyError):
                yield number, _bare(unicodedata.lookup(f"{script} SMALL LETTER {base}"))


_PLAIN = {**dict(_unaccented()), **dict.fromkeys(map(ord, _ASIDE))}


def fold(text: str) -> str:
    """Text without case, accents, strokes and ligatures, in one form of Unicode, its spaces single."""
    parts = text.casefold()
    if not parts.isascii():
        parts = _bare(_bare(parts).casefold()).translate(_PLAIN)  # 𝓐 has no case of its own
    return re.sub(r"\s+", " ", parts.replace("\0", "")).strip()
