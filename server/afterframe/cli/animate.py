"""`afterframe animate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from afterframe.cli.command import Outcome, load_settings, photo_paths, with_json
from afterframe.cli.output import hinted, named, out, print_error, shown
from afterframe.cli.progress import ProgressBar
from afterframe.cli.recipe_options import given_overrides, recipe_options
from afterframe.cli.renders import print_again

if TYPE_CHECKING:
    from afterframe.app.animate import AnimateResult


@click.command()
@photo_paths
@click.option("--generator", help="What makes the clips. Default: auto, the best that can run here.")
@click.option("--model", help="A model of the GPU generator: a name of `models list`, or a folder.")
@recipe_options()
@with_json
def animate(*, paths: tuple[str, ...], generator: str | None, model: str | None, **fields: Any) -> Outcome:
    """Animate photos, or all photos in folders, and wait for the clips."""
    from afterframe.app.animate import OneShot, find_photos
    from afterframe.intake.foreign_names import ForeignNames

    settings = load_settings()
    if model:
        generator = f"{generator or 'auto'}:{model}"
    overrides = given_overrides(fields)
    with ProgressBar() as progress:
        animation = OneShot(settings.home, settings.config, progress.show)
        photos = find_photos(paths, ForeignNames(settings.config.watch.ignore))
        results = animation.run(photos, overrides, generator)
    print_results(results)
    done = bool(results) and all(result.state == "done" for result in results)
    return Outcome({"results": [result.to_dict() for result in results]}, ok=done)


def print_results(results: Sequence[AnimateResult]) -> None:
    """One line for each photo, and a sum."""
    if not results:
        print_error("No photos found.", "Name JPEG, TIFF, PNG, WebP or HEIC files, or folders that hold some.")
        return
    for result in results:
        for clip in result.clips:
            out.print(f"[green]done[/]    {shown(clip.path)}")
        if result.error:
            why = named(result.photo, result.error.message)
            out.print(f"[red]{result.state:7}[/] {shown(why)} {hinted(result.error.hint)}".rstrip())
            for job in result.jobs:
                if job.state.retryable:
                    print_again(job.id)
    done = sum(result.state == "done" for result in results)
    if len(results) > 1:
        out.print(f"{done} of {len(results)} photos animated.")
