"""The photo that a clip ends with: which one may be named, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from afterframe.errors import NotAllowed, PhotoError, RecipeError, shortened
from afterframe.imaging.decode import is_photo, unsupported_kind
from afterframe.system.paths import SHOWN, check_absolute, real_path, spelled_inside

NAME = "end_photo"


def check_end_photo(given: object, roots: Iterable[Path] | None) -> None:
    """Whether a clip may end with this photo.

    Args:
        roots: the folders in which it must lie; None: the user named it in a command.
    Raises:
        UsageError, NotAllowed: it is no absolute path, or leads outside of the folders.
        PhotoError: there is no such photo.
    """
    if not given:
        return
    path = str(given)
    check_absolute(path)
    if roots is not None and spelled_inside(real_path(path), [str(root) for root in roots]) is None:
        raise NotAllowed(
            f"{shortened(path, SHOWN)} is outside Afterframe's folders.",
            "Add its folder to the watched folders or the allowed ones first.",
        )
    if not Path(path).is_file():
        raise PhotoError(f"{Path(path).name} is not there.", "Name the photo that the clip ends with.", code="missing")
    if not is_photo(Path(path)):
        raise unsupported_kind(Path(path).name)


def refuse_for_many(layers: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """Folders and config.toml speak for many photos: none of these has one to end with.

    Raises:
        RecipeError: one names it.
    """
    for source, values in layers:
        if values.get(NAME):
            raise RecipeError(
                f"{source}: {NAME} belongs to a single photo.",
                "Name it when you animate that photo.",
                code="setting_out_of_range",
            )
