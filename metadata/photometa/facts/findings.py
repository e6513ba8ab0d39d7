"""Values with their sources, collected block by block before precedence decides."""

from __future__ import annotations

import re
from typing import Any

Findings = dict[str, tuple[Any, str]]
"""Field of Facts -> value and the tag it comes from."""


_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffd]")
_LIMITS: dict[str, tuple[float, float]] = {
    "width": (1, 1 << 31),
    "height": (1, 1 << 31),
    "exposure_s": (1e-7, 1e6),
    "f_number": (0.2, 1000),
    "iso": (1, 100_000_000),
    "focal_mm": (0.05, 50_000),
    "focal_35mm": (1, 50_000),
    "exposure_bias_ev": (-20, 20),
    "subject_distance_m": (0.001, 1e5),
    "altitude_m": (-12_000, 1e6),
}
"""The plausible range of each value; outside it, a value is damaged."""


def note(found: Findings, field: str, value: Any, source: str) -> None:
    """Record a value unless it is None or implausible, or one is recorded already."""
    if value is None or value == () or field in found:
        return
    low, high = _LIMITS.get(field, (None, None))
    if low is None or high is None or low <= value <= high:
        found[field] = (value, source)


def clean_text(text: str | None) -> str | None:
    """A text without padding; None if it is empty or not text (contains control characters)."""
    if text is None:
        return None
    text = text.strip("\0 \t\r\n\u00a0")
    return None if not text or _NO_TEXT.search(text) else text
