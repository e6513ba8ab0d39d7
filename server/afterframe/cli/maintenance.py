"""Commands that look after an installation: rebuild, doctor, support."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from afterframe.cli.command import Outcome, load_settings, with_json
from afterframe.cli.output import count, hinted, named, out, print_error, shown
from afterframe.cli.progress import Counter
from afterframe.config import Home

if TYPE_CHECKING:
    from afterframe.app.doctor import Check
    from afterframe.app.rebuild import RebuildReport


@click.command()
@click.argument(
    "folders",
    metavar="FOLDER...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@with_json
def rebuild(*, folders: tuple[Path, ...]) -> Outcome:
    """Read the sidecars in folders back into the catalogue, after the database was lost."""
    from afterframe.app.rebuild import RebuildReport
    from afterframe.app.rebuild import rebuild as rebuild_folder
    from afterframe.intake.foreign_files import ForeignFiles
    from afterframe.intake.photo_reader import PhotoReader
    from afterframe.publish.adoption import Adoption
    from afterframe.state.catalog import Catalog
    from afterframe.state.database import Database
    from afterframe.state.folder_list import FolderList
    from afterframe.system.paths import as_spelled, spelled_inside

    settings = load_settings()
    database = Database(settings.home.database)
    roots = [str(folder.path) for folder in FolderList(database).all()]
    adoption = Adoption(Catalog(database), settings.home.backups)
    found = RebuildReport()
    with (
        closing(database),
        closing(PhotoReader(settings.config.limits, detectors=settings.detectors)) as reader,
        closing(ForeignFiles(settings.config.limits)) as foreign,
        Counter("Sidecars") as counter,
    ):
        restore = partial(rebuild_folder, read=reader.read, read_clip=foreign.clip, progress=counter.add)
        for folder in folders:
            real = str(folder.resolve())
            found += restore(Path(spelled_inside(real, roots) or as_spelled(real)), database, adoption)
    print_rebuilt(found)
    return Outcome(found.to_dict(), ok=not found.problems)


@click.command()
@with_json
def doctor() -> Outcome:
    """Check that everything Afterframe needs is here."""
    from afterframe.app.doctor import examine

    checks = examine(Home.find())
    ok = all(check.ok for check in checks)
    print_checks(checks)
    return Outcome({"ok": ok, "checks": [check.to_dict() for check in checks]}, ok=ok)


@click.command()
@click.option("--to", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
@click.option("--shorten-paths", is_flag=True, help="Replace the names of your folders.")
@with_json
def support(*, target: Path | None, shorten_paths: bool) -> Outcome:
    """Write a zip with settings, logs and versions, for whoever helps you. It holds no photo and no secret."""
    from afterframe.app.support import write_support

    home = Home.find()
    target = (target or Path(time.strftime("afterframe-support-%Y%m%d-%H%M%S.zip"))).absolute()
    names = write_support(home, target, shorten_paths=shorten_paths)
    out.print(f"{shown(target)} holds {shown(', '.join(names))}.")
    return Outcome({"file": str(target), "holds": names})


def print_rebuilt(found: RebuildReport) -> None:
    """What `afterframe rebuild` found."""
    for path, error in found.problems:
        print_error(named(str(path), error.message), error.hint)
    out.print(f"{count(len(found.clips), 'clip is', 'clips are')} in the catalogue again.")
    if found.deleted:
        deleted = count(len(found.deleted), "clip was deleted by you and stays", "clips were deleted by you and stay")
        out.print(f"{deleted} so.")


def print_checks(checks: Sequence[Check]) -> None:
    """What `afterframe doctor` found."""
    for check in checks:
        mark = "[green]ok[/]     " if check.ok else "[red]problem[/]"
        out.print(f"{mark} {check.name}: {shown(check.detail)} {hinted(check.hint)}".rstrip())
