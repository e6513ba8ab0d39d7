"""`afterframe`: all commands. Each prints for people, or with --json one document for programs."""

from __future__ import annotations

import sys

import click

from afterframe import __version__
from afterframe.cli.animate import animate
from afterframe.cli.cluster import cluster
from afterframe.cli.extend import extend
from afterframe.cli.folders import folders
from afterframe.cli.maintenance import doctor, rebuild, support
from afterframe.cli.models import models
from afterframe.cli.photos import audit, facts, recipe
from afterframe.cli.plugin import plugin
from afterframe.cli.renders import retry, status
from afterframe.cli.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="afterframe")
def main() -> None:
    """Bring photographs to life: a short clip beside each photo, and a sidecar that says how it was made."""
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal cannot show must not end the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


for command in (
    serve,
    animate,
    extend,
    facts,
    recipe,
    audit,
    folders,
    status,
    retry,
    rebuild,
    plugin,
    models,
    cluster,
    doctor,
    support,
):
    main.add_command(command)
