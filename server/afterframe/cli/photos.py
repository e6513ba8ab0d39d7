"""Commands that show something about photos and render nothing: facts, recipe, audit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from afterframe.cli.command import Outcome, load_settings, photo_paths, with_json
from afterframe.cli.output import named, out, print_error, shown
from afterframe.cli.progress import Counter
from afterframe.cli.recipe_options import given_overrides, recipe_options
from afterframe.errors import AfterframeError

if TYPE_CHECKING:
    from afterframe.intake.audit import AuditResult

READERS = os.cpu_count() or 1
"""Photos read at a time."""


@click.command()
@photo_paths
@with_json
def facts(*, paths: tuple[str, ...]) -> Outcome:
    """Show what photos say about themselves."""
    from afterframe.intake.photo_reader import PhotoReader

    reader = PhotoReader(load_settings().config.limits, READERS)
    try:
        return _each_photo(paths, lambda path: {"facts": reader.facts(path).to_dict()}, {"facts": None})
    finally:
        reader.close()


@click.command()
@photo_paths
@recipe_options(leave_out=["variants"])
@with_json
def recipe(*, paths: tuple[str, ...], **fields: Any) -> Outcome:
    """Show the recipe that would be used for photos, with every reason, and what was seen. Nothing is rendered."""
    from afterframe.intake.composition import Basis
    from afterframe.intake.foreign_files import ForeignFiles
    from afterframe.intake.ingest import Ingest
    from afterframe.intake.photo_reader import PhotoReader
    from afterframe.recipe.sighting import seen
    from afterframe.state.catalog import Catalog
    from afterframe.state.database import Database
    from afterframe.state.queue import Queue

    settings = load_settings()
    overrides = given_overrides(fields)
    with (
        closing(Database(settings.home.database)) as database,
        closing(PhotoReader(settings.config.limits, READERS, settings.detectors)) as reader,
        closing(ForeignFiles(settings.config.limits)) as foreign,
    ):
        ingest = Ingest(database, Catalog(database), Queue(database), settings, reader.read, foreign)

        def examine(path: Path) -> dict[str, Any]:
            reading = ingest.inspect(path)
            composed = ingest.composer.compose(path, reading, Basis(overrides))
            return {"recipe": composed.recipe.to_dict(), "seen": seen(reading.scene)}

        return _each_photo(paths, examine, {"recipe": None, "seen": None})


@click.command()
@photo_paths
@click.option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Write a contact sheet there.")
@with_json
def audit(*, paths: tuple[str, ...], page: Path | None) -> Outcome:
    """Show which photos are worth animating, best first, and why."""
    from afterframe.app.animate import find_photos
    from afterframe.intake.audit import audit as score
    from afterframe.intake.contact_sheet import write_contact_sheet
    from afterframe.intake.foreign_names import ForeignNames

    settings = load_settings()
    photos = list(find_photos(paths, ForeignNames(settings.config.watch.ignore)))
    with Counter("Looking at photos", total=len(photos)) as counter:
        results = score(photos, settings, counter.set)
    if page:
        write_contact_sheet(results, page, settings.config.limits)
    print_audit(results, page)
    ok = bool(results) and not any(result.error for result in results)
    return Outcome({"photos": [result.to_dict() for result in results]}, ok=ok)


def _each_photo(paths: tuple[str, ...], examine: Callable[[Path], dict[str, Any]], unknown: dict[str, None]) -> Outcome:
    """Print something about each photo; not all went well when one of them could not be read.

    Args:
        unknown: what stands for the findings of a photo that cannot be read.
    """
    from afterframe.app.animate import find_photos

    def entry_of(path: str) -> dict[str, Any]:
        try:
            return {"path": path, **examine(Path(path).absolute()), "error": None}
        except AfterframeError as error:
            return {"path": path, **unknown, "error": error.to_dict()}

    photos: list[dict[str, Any]] = []
    with ThreadPoolExecutor(READERS) as threads:
        for entry in threads.map(entry_of, find_photos(paths)):
            photos.append(entry)
            print_photo(entry["path"], entry.get("recipe") or entry.get("facts"), entry["error"], entry.get("seen"))
    return Outcome({"photos": photos}, ok=bool(photos) and not any(entry["error"] for entry in photos))


def print_photo(
    path: str, found: dict[str, Any] | None, error: dict[str, str] | None, seen: dict[str, Any] | None = None
) -> None:
    """A table of what is known about one photo."""
    if error or found is None:
        why = error or {"message": "nothing is known", "hint": ""}
        print_error(named(path, why["message"]), why["hint"])
        return
    reasons = found.get("because") or found.get("sources") or {}
    table = Table(title=shown(path), title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in found.items():
        if name in ("because", "sources") or value in (None, [], {}, ""):
            continue
        why = reasons.get(name, "")
        table.add_row(name, shown(_plain(value)), f"[dim]{shown('; '.join(why) if isinstance(why, list) else why)}[/]")
    if seen:
        table.add_row("seen", shown(seen["words"] or "nothing that could be named"), f"[dim]{shown(_seen(seen))}[/]")
    out.print(table)


def _seen(seen: dict[str, Any]) -> str:
    """What was seen, on one line."""
    said = [f"{thing['label']} {thing['confidence']:.0%}" for thing in (*seen["faces"], *seen["things"])]
    if seen["subject"]:
        box = seen["subject"]
        said.append(f"subject at {box['x'] + box['width'] / 2:.0%}, {box['y'] + box['height'] / 2:.0%}")
    if seen["horizon"] is not None:
        said.append(f"horizon at {seen['horizon']:.0%}")
    if seen["sure_of"]:
        said.append(f"surely in it: {', '.join(seen['sure_of'])}")
    by = "by the detectors" if seen["by_nets"] else "without the detectors"
    return f"{', '.join(said)} ({by})" if said else f"({by})"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def print_audit(results: Sequence[AuditResult], page: Path | None) -> None:
    """What `afterframe audit` found, best first."""
    for result in results:
        if result.error:
            print_error(named(str(result.path), result.error["message"]), result.error["hint"])
            continue
        out.print(f"[bold]{result.score:.2f}[/]  {shown(result.path)}")
        for name, part in result.readiness.items():
            out.print(f"      [dim]{part['score']:.2f} {name.replace('_', ' ')}: {shown(part['reason'])}[/]")
    if not results:
        print_error("No photos found.", "Name photos, or folders that hold some.")
    if page:
        out.print(f"Contact sheet: {shown(page)}")
