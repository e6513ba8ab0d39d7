"""XMP values as texts and numbers, whatever form a program gave them."""

from __future__ import annotations

from photometa.facts.findings import clean_text
from photometa.xmp.values import Array, LangAlt, Struct, Value

MAX_ITEMS = 10_000


def text_of(value: Value | None) -> str | None:
    """A text; the items of an array are joined by semicolons."""
    if isinstance(value, LangAlt):
        return clean_text(value.default)
    if isinstance(value, Array):
        texts = [v for v in value if isinstance(v, str)]
        return clean_text("; ".join(texts))
    if isinstance(value, Struct):
        return text_of(value.get("rdf:value"))
    return clean_text(value)


def items_of(value: Value | None) -> list[str]:
    """The texts of an array; those of one that was written as plain text, between semicolons or else commas."""
    if isinstance(value, Array):
        texts = [text_of(item) for item in value[:MAX_ITEMS]]
    else:
        whole = text_of(value) or ""
        texts = [clean_text(part) for part in whole.split(";" if ";" in whole else ",")[:MAX_ITEMS]]
    return [text for text in texts if text]


def number_of(value: Value | None) -> float | None:
    """A number, or a rational as Exif for XMP writes it ("1/250")."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    above, _, below = value.partition("/")
    try:
        number = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if abs(number) < 1e12 else None
