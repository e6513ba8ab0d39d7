"""Real files for photometa's tests, where this machine has them, and makers of small ones."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared"


def _shared(name: str, pattern: str) -> list[Path]:
    files = sorted((SHARED / name).glob(pattern)) if (SHARED / name).is_dir() else []
    if not files:
        pytest.skip(f"no shared {name} on this machine")
    return files


@pytest.fixture(scope="session")
def shared_photos() -> list[Path]:
    """Real photographs of many cameras."""
    return _shared("photos", "*.jpg")


@pytest.fixture(scope="session")
def shared_sidecars() -> list[Path]:
    """Real sidecars of many programs."""
    return _shared("sidecars", "*.xmp")
