"""`afterframe models`: list, pull, remove, where."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from afterframe.cli.command import CommandGroup, Outcome, load_settings, with_json
from afterframe.cli.output import out, shown
from afterframe.config import Home

if TYPE_CHECKING:
    from afterframe.generators.diffusers.hub import Download, ModelEntry
    from afterframe.generators.diffusers.profiles import Profile
    from afterframe.vision.detector_files import DetectorFile

DETECTORS = "detectors"
"""The name under which `pull` and `where` know the two small nets."""
model_name = click.argument("name", required=True)
confirmed = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group(cls=CommandGroup)
def models() -> None:
    """List, download, delete or locate trained models for the GPU generator."""


@models.command("list")
@with_json
def list_models() -> Outcome:
    """List the known models with size and licence, and which are here."""
    from afterframe.generators.diffusers import hub, weights

    found = hub.entries(Home.find().models)
    print_models(found, weights.cache_folder())
    return Outcome({"models": [entry.to_dict() for entry in found], "cache": str(weights.cache_folder())})


@models.command("pull")
@model_name
@confirmed
@with_json
def pull_model(*, name: str, yes: bool) -> Outcome:
    """Download a model, after its size and licence were shown and you agreed; `detectors`: the two small nets."""
    if name == DETECTORS:
        return _pull_detectors(yes=yes)
    from afterframe.generators.diffusers import hub

    download = hub.plan_download(name, Home.find().models)
    print_download(download)
    if download.missing:
        _confirm("Download it?", yes=yes)
    entry = hub.pull(download, quiet=out.quiet).to_dict()
    out.print(f"Ready: {shown(entry['folder'])}")
    return Outcome({**download.to_dict(), **entry})


def _pull_detectors(*, yes: bool) -> Outcome:
    from afterframe.vision import detector_files

    folder = load_settings().detectors
    wanted = detector_files.missing(folder)
    print_detectors(wanted, folder)
    if wanted:
        _confirm("Download them?", yes=yes)
    came = detector_files.fetch(folder, lambda line: out.print(shown(line)))
    return Outcome({"folder": str(folder), "fetched": list(came)})


@models.command("remove")
@model_name
@confirmed
@with_json
def remove_model(*, name: str, yes: bool) -> Outcome:
    """Delete a model from the cache, after you agreed."""
    from afterframe.generators.diffusers import hub
    from afterframe.generators.diffusers.profiles import choose

    own = Home.find().models
    entry = hub.entry_of(choose(name, own, folders=False))
    if entry.folder:
        print_removal(entry)
        _confirm("Delete it?", yes=yes)
    freed = hub.remove(name, own)
    out.print(f"{freed / 1e9:.1f} GB freed.")
    return Outcome({"freed": freed})


@models.command("where")
@click.argument("name", required=False)
@with_json
def locate_model(*, name: str | None) -> Outcome:
    """Show the folder of a model; without a name, of the cache."""
    if name == DETECTORS:
        folder: Path | None = load_settings().detectors
        out.print(str(folder), markup=False, emoji=False)
        return Outcome({"path": str(folder)})
    from afterframe.generators.diffusers import hub, weights
    from afterframe.generators.diffusers.profiles import choose

    folder = hub.entry_of(choose(name, Home.find().models)).folder if name else weights.cache_folder()
    out.print(str(folder) if folder else "not on this machine", markup=False, emoji=False)
    return Outcome({"path": str(folder) if folder else None}, ok=folder is not None)


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("There is nobody to ask: add --yes.")
    click.confirm(question, abort=True, err=True)


def print_models(found: Sequence[ModelEntry], cache: Path) -> None:
    """What `afterframe models list` says."""
    for entry in found:
        profile = entry.choice.profile
        here = f"[green]here, {entry.size / 1e9:.1f} GB[/]" if entry.folder else "[dim]not here[/]"
        skills = (("loops", profile.can_loop), ("ends", profile.can_end), ("sound", profile.audio))
        able = [word for word, can in skills if can]
        out.print(f"{profile.name:12} {here}  {shown(profile.title)}{' – ' + ', '.join(able) if able else ''}")
        least, most = profile.plans[-1].vram_gb, profile.plans[0].vram_gb
        memory = f"{least:g}" if least == most else f"{least:g} to {most:g}"
        out.print(f"             [dim]download {profile.download_gb:.0f} GB; needs {memory} GB of free GPU memory[/]")
        out.print(f"             [dim]{licence_of(profile)}[/]")
        for lora in profile.loras:
            out.print(f"             [dim]with LoRA: {shown(profile.name)}+{shown(lora.name)}[/]")
    out.print(f"Cache, shared with other programs: {shown(cache)}")


def licence_of(profile: Profile) -> str:
    """A licence in a line: its name, its address, what a photographer should know."""
    licence = profile.licence
    return f"{shown(licence.name)}, {shown(licence.url)} {shown(licence.words)}".rstrip()


def print_download(download: Download) -> None:
    """Size and licence before anything large is fetched."""
    profile = download.choice.profile
    out.print(f"{shown(profile.title)} from {shown(profile.repository)}")
    out.print(f"Licence: {licence_of(profile)}")
    for lora, _ in download.choice.loras:
        out.print(f"LoRA {shown(lora.name)} from {shown(lora.repository)}: {shown(lora.licence or 'see there')}")
    out.print(
        f"{download.size / 1e9:.1f} GB, of which {download.missing / 1e9:.1f} GB are to be downloaded; "
        f"{download.free / 1e9:.0f} GB are free."
    )


def print_detectors(wanted: Sequence[DetectorFile], folder: Path) -> None:
    """What is fetched of the two nets that see faces, people and things."""
    if not wanted:
        out.print(f"Both detectors are in {shown(folder)}")
        return
    for file in wanted:
        out.print(f"{shown(file.title)}: {file.size / 1e6:.1f} MB, {file.licence}, from {shown(file.url)}")
    out.print(f"They go to {shown(folder)}")


def print_removal(entry: ModelEntry) -> None:
    """What deleting a model means."""
    out.print(f"{shown(entry.choice.profile.title)}: {entry.size / 1e9:.1f} GB in {shown(entry.folder)}")
    out.print("Other programs that share the Hugging Face cache lose it too.")
