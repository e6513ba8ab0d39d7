"""Values with their sources, collected block by block before precedence decides."""

from __future__ import annotations

from typing import Any

Findings = dict[str, tuple[Any, str]]
"""Field of Facts -> value and the tag it comes from."""


def note(found: Findings, field: str, value: Any, source: str) -> None:
    """Remember a value, unless there is none, or one stands already."""
    if value is not None and value != () and field not in found:
        found[field] = (value, source)


def clean_text(text: str | None) -> str | None:
    """A text without padding; None where it is empty or no text at all (control characters in it)."""
    if text is None:
        return None
    text = text.strip("\0 \t\r\n\u00a0")
    if not text or any(ord(c) < 32 and c not in "\t\r\n" for c in text) or "\ufffd" in text:
        return None
    return text
