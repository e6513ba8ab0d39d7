"""`afterframe extend`."""

from __future__ import annotations

import click

from afterframe.cli.animate import print_results
from afterframe.cli.command import Outcome, load_settings, with_json
from afterframe.cli.progress import ProgressBar


@click.command()
@click.argument("clips", metavar="CLIP...", nargs=-1, required=True)
@click.option(
    "--seconds", type=click.FloatRange(0.5, 20), required=True, help="How long the part is that is added, seconds."
)
@with_json
def extend(*, clips: tuple[str, ...], seconds: float) -> Outcome:
    """Make clips longer: each becomes a new variant, followed by a part that begins with its last frame."""
    from afterframe.app.animate import OneShot

    settings = load_settings()
    with ProgressBar() as progress:
        results = OneShot(settings.home, settings.config, progress.show).extend(clips, seconds)
    print_results(results)
    told = [{"clip" if name == "photo" else name: value for name, value in one.to_dict().items()} for one in results]
    return Outcome({"results": told}, ok=all(result.state == "done" for result in results))
