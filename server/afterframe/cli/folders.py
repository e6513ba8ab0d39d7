"""`afterframe folders`: list, add, remove."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from afterframe.cli.command import CommandGroup, Outcome, load_settings, with_json
from afterframe.cli.output import count, out, shown

if TYPE_CHECKING:
    from afterframe.app.folders import Folders

folder_paths = click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.group(cls=CommandGroup, default="list")
def folders() -> None:
    """List the folders that Afterframe knows, add some, or forget some. Their files stay as they are."""


@folders.command("list")
@with_json
def list_folders() -> Outcome:
    """List the folders that Afterframe knows (also without `list`)."""
    return _listed(_known())


@folders.command("add")
@folder_paths
@click.option("--on-request", is_flag=True, help="Animate their photos only when somebody asks.")
@with_json
def add_folders(*, folders: tuple[Path, ...], on_request: bool) -> Outcome:
    """Watch folders, then list all. A running daemon is told at once."""
    known = _known()
    for folder in folders:
        known.add(folder, watch=not on_request)
    return _listed(known)


@folders.command("remove")
@folder_paths
@with_json
def remove_folders(*, folders: tuple[Path, ...]) -> Outcome:
    """Forget folders, then list the others. Photos and clips stay."""
    known = _known()
    for folder in folders:
        known.remove(folder)
    return _listed(known)


def _known() -> Folders:
    from afterframe.app.folders import Folders

    settings = load_settings()
    return Folders(settings.home, settings.config)


def _listed(known: Folders) -> Outcome:
    found = known.listed()
    print_folders(found)
    return Outcome({"folders": found})


def print_folders(folders: Sequence[dict[str, Any]]) -> None:
    """The folders, one a line."""
    for folder in folders:
        waiting = (
            f" – {count(folder['waiting'], 'photo waits', 'photos wait')} for a confirmation"
            if folder["waiting"]
            else ""
        )
        gone = " [yellow](not there)[/]" if folder["missing"] else ""
        out.print(f"{'Watched' if folder['watch'] else 'On request'}: {shown(folder['path'])}{waiting}{gone}")
