"""`afterframe serve`: the daemon, in this terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from afterframe.cli.command import errors_in_one_line, load_settings
from afterframe.cli.output import hinted, named, never_fail, out, print_error, shown
from afterframe.config import Config, Home, Settings
from afterframe.errors import AlreadyRunning


@click.command()
@click.option("--folder", "folders", multiple=True, type=click.Path(path_type=Path), help="Watch this folder too.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default 8723; 0 takes any free one.")
@click.option("--host", help="Default 127.0.0.1: this machine only.")
@click.option("--backlog", is_flag=True, help="Animate the photos that are there already, however many.")
@click.option("--no-open", is_flag=True, help="Do not open the page in a browser.")
def serve(*, folders: tuple[Path, ...], port: int | None, host: str | None, backlog: bool, no_open: bool) -> None:
    """Watch folders and animate the photos that arrive."""
    from afterframe.app.daemon import Daemon, handle_signals
    from afterframe.app.login_page import open_login_page
    from afterframe.app.status import login_link
    from afterframe.system.runtime_files import read_daemon

    never_fail()
    with errors_in_one_line():
        settings = load_settings()
        daemon = Daemon(settings.home, _with_address(settings.config, host, port), folders, take_backlog=backlog)

        def ready(url: str, link: str) -> None:
            print_serving(settings.home, url, link)
            if not no_open:
                open_login_page(settings.home, link)

        handle_signals(daemon)
        try:
            daemon.run(ready, print_event)
        except AlreadyRunning:
            running = read_daemon(settings.home)
            if running is None:
                raise
            hand_over(settings, running["url"], folders)
            if not no_open:
                link = login_link(settings.home)
                out.print(f"First visit (works once): {link}")
                open_login_page(settings.home, link)


def _with_address(config: Config, host: str | None, port: int | None) -> Config:
    server = config.server
    return replace(
        config,
        server=replace(server, host=server.host if host is None else host, port=server.port if port is None else port),
    )


def hand_over(settings: Settings, url: str, folders: Sequence[Path]) -> None:
    """Have the daemon that runs already, at ``url``, watch folders too.

    Raises:
        AlreadyRunning: there are none.
    """
    from afterframe.app.folders import Folders

    if not folders:
        raise AlreadyRunning(
            f"Afterframe is already running at {url}.", "`afterframe status --open` opens its page."
        ) from None
    known = Folders(settings.home, settings.config)
    for folder in folders:
        known.add(folder, watch=True)
    out.print(f"Afterframe is already running at {url}. It now watches these, too:")
    for folder in folders:
        out.print(f"  {shown(folder)}")


def print_serving(home: Home, url: str, link: str) -> None:
    """What the daemon watches, and where its page is."""
    from afterframe.state.database import Database
    from afterframe.state.folder_list import FolderList

    database = Database(home.database)
    folders = FolderList(database).all()
    database.close()
    for folder in folders:
        gone = "" if folder.path.is_dir() else " [yellow](not there; it is watched once it comes back)[/]"
        out.print(f"{'Watching' if folder.watch else 'On request'}: {shown(folder.path)}{gone}")
    if not any(folder.watch for folder in folders):
        out.print(hinted("No folder is watched yet: add one on the page, or with `afterframe folders add DIR`."))
    out.print(f"Review page: {url}")
    out.print(f"First visit (works once): {link}")
    out.print("Ctrl-C stops it; nothing is lost.")


def print_event(event: dict[str, Any]) -> None:
    """One line for what a photographer wants to know: a photo came, its clip is done, something went wrong."""
    if event["kind"] == "clip":
        out.print(f"[green]Done[/]     {shown(event['path'])}")
    elif event["kind"] == "damage":
        print_error(event["error"]["message"], event["error"]["hint"])
    elif event["kind"] == "refused":
        _print_problem("Refused ", event)
    elif event["kind"] == "folders" and event.get("error"):
        print_error(f"Held     {event['error']['message']}", event["error"]["hint"])
    elif event["kind"] == "render" and event["state"] == "failed":
        _print_problem("Failed  ", event)
    elif event["kind"] == "render" and event["state"] == "queued" and event["fresh"]:
        out.print(f"Queued   {shown(event['photo'])}")


def _print_problem(what: str, event: dict[str, Any]) -> None:
    print_error(f"{what} {named(event['photo'], event['error']['message'])}", event["error"]["hint"])
