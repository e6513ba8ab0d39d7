"""`afterframe plugin`: install, remove, status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from afterframe.cli.command import CommandGroup, Outcome, with_json
from afterframe.cli.output import out, shown
from afterframe.config import Home

if TYPE_CHECKING:
    from afterframe.app.plugins import Plugin

F = TypeVar("F", bound=Callable[..., Any])

NEXT_STEP = {
    "lightroom": "Start Lightroom Classic again; the menu is Library > Plug-in Extras.",
    "darktable": "Start darktable again; the panel “afterframe” is on the right of the lighttable.",
}


REDIRECTED = (
    "This Python comes from the Microsoft Store: Windows redirects what it writes to AppData, and other programs find "
    "nothing there. The plugin really lies in {place}, where {title} does not look, and so do Afterframe's token and "
    "address. Install Python from python.org, and Afterframe with it; then install the plugin again."
)


def host_options(command: F) -> F:
    """The host, and its folder where that is not the usual one."""
    folder = click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where the host looks for plugins, if that is not the usual folder.",
    )
    return click.argument("host", type=click.Choice(["lightroom", "darktable"]), required=False)(folder(command))


@click.group(cls=CommandGroup)
def plugin() -> None:
    """Install, upgrade or remove the plugin for Lightroom Classic or darktable, or see whether it is there."""


@plugin.command("install")
@host_options
@with_json
def install_plugin(*, host: str | None, folder: Path | None) -> Outcome:
    """Put the plugin where the host looks for it, or upgrade it there."""
    from afterframe.app import plugins

    name, home = _named(host, "install"), Home.find()
    return _reported([plugins.install(name, place, home) for place in _places(name, folder)])


@plugin.command("remove")
@host_options
@with_json
def remove_plugin(*, host: str | None, folder: Path | None) -> Outcome:
    """Remove what `plugin install` put there, and nothing else."""
    from afterframe.app import plugins

    name = _named(host, "remove")
    return _reported([plugins.remove(name, place) for place in _places(name, folder)])


@plugin.command("status")
@host_options
@with_json
def plugin_status(*, host: str | None, folder: Path | None) -> Outcome:
    """Show where the plugin of a host is installed; without a name, of every host that may be here."""
    from afterframe.app import plugins

    if host is None and folder is None:
        return _reported(plugins.inspect_everywhere())
    name = _named(host, "status")
    return _reported([plugins.inspect_plugin(name, place) for place in _places(name, folder)])


def _named(host: str | None, action: str) -> str:
    if host is None:
        raise click.UsageError(f"Name a host: afterframe plugin {action} lightroom, or darktable")
    return host


def _places(host: str, folder: Path | None) -> Sequence[Path]:
    from afterframe.app.plugins import host_folders

    return [folder.absolute()] if folder else host_folders(host)


def _reported(found: Sequence[Plugin]) -> Outcome:
    print_plugins(found)
    return Outcome({"plugins": [plugin.to_dict() for plugin in found]})


def print_plugins(found: Sequence[Plugin]) -> None:
    """Where hosts' plugins stand, and what to do next."""
    from afterframe.app.plugins import HOSTS

    for plugin in found:
        version = f" {plugin.version}" if plugin.version else ""
        out.print(f"{HOSTS[plugin.host].title}: {plugin.state}{version}, {shown(plugin.folder)}")
        if plugin.redirected:
            out.print(REDIRECTED.format(title=HOSTS[plugin.host].title, place=shown(plugin.redirected)))
    if any(plugin.state in ("installed", "upgraded") for plugin in found):
        out.print(NEXT_STEP[found[0].host])
