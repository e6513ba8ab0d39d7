"""The commands. Each prints for people, or with --json one document for programs."""

from __future__ import annotations

import functools
import json
import os
import sqlite3
import sys
import webbrowser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from rich.markup import escape

from afterframe import __version__
from afterframe.cli import output
from afterframe.config import Config, Home, Settings, read_config
from afterframe.domain import CameraMovement, Direction, JobState
from afterframe.errors import AfterframeError, AlreadyRunning, RecipeError
from afterframe.system import logs
from afterframe.system.signals import kill_is_an_interrupt

F = TypeVar("F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
some_paths = click.argument("paths", nargs=-1, required=True, type=str)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="afterframe")
def main() -> None:
    """Bring photographs to life: a short clip beside each photo, and a sidecar that says how it was made."""
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal cannot show must not end the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def reported(command: F) -> F:
    """Errors become one line with their remedy, and exit status 1."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            with kill_is_an_interrupt():
                return command(*args, **kwargs)
        except AfterframeError as error:
            if kwargs.get("as_json"):
                click.echo(json.dumps({"error": error.to_dict()}))
            output.print_error(error.message, error.hint)
            sys.exit(1)
        except sqlite3.Error as error:
            output.print_error(*_about_state(error))
            sys.exit(1)
        except OSError as error:
            output.print_error(f"{error.strerror or error}: {error.filename or 'a file of ours'}.", "Check the disk.")
            sys.exit(1)
        except KeyboardInterrupt:
            output.print_error("Stopped.")
            sys.exit(130)

    return wrapper  # type: ignore[return-value]


def _about_state(error: sqlite3.Error) -> tuple[str, str]:
    """What is wrong with the state file, and the remedy."""
    file, code = Home.find().database, getattr(error, "sqlite_errorcode", None)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return (
            f"{file} is damaged ({error}).",
            "Move it away, then `afterframe rebuild FOLDER` for each of your folders: clips and verdicts stand there.",
        )
    if code == sqlite3.SQLITE_FULL:
        return f"The disk of {file} is full.", "Free some space, then try again."
    return f"{file} cannot be used: {error}.", "Check the disk, and the rights of the folder."


def _settings() -> tuple[Home, Config]:
    home = Home.find()
    config = read_config(home.config)
    if config.recipe:
        from afterframe.recipe import validate

        validate([(str(home.config), config.recipe)])
    logs.to_file(home.make().logs / "afterframe.log")
    return home, config


@main.command()
@click.option("--folder", "folders", multiple=True, type=click.Path(path_type=Path), help="Watch this folder too.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default 8723; 0 takes any free one.")
@click.option("--host", help="Default 127.0.0.1: this machine only.")
@click.option("--backlog", is_flag=True, help="Animate the photos that are there already, however many.")
@click.option("--no-open", is_flag=True, help="Do not open the page in a browser.")
@reported
def serve(folders: tuple[Path, ...], port: int | None, host: str | None, backlog: bool, no_open: bool) -> None:
    """Watch folders and animate what arrives."""
    from afterframe.app.daemon import Daemon, handle_signals
    from afterframe.app.folders import Folders
    from afterframe.app.status import login_link
    from afterframe.system.runtime_files import read_daemon

    home, config = _settings()
    server = replace(
        config.server,
        port=config.server.port if port is None else port,
        host=config.server.host if host is None else host,
    )
    daemon = Daemon(home, replace(config, server=server), folders, take_backlog=backlog)

    def ready(url: str, link: str) -> None:
        output.print_serving(home, url, link)
        if not no_open:
            webbrowser.open(link)

    handle_signals(daemon)
    try:
        daemon.run(ready, output.print_event)
    except AlreadyRunning:
        running = read_daemon(home)
        if running is None:
            raise
        if not folders:
            raise AlreadyRunning(
                f"Afterframe is already running at {running['url']}.", "`afterframe status --open` opens its page."
            ) from None
        known = Folders(home, config)
        for folder in folders:
            known.add(folder, watch=True)
        output.print_handed_over(running["url"], folders)
        if not no_open:
            webbrowser.open(login_link(home))


def recipe_options(command: F) -> F:
    """The options that set recipe fields."""
    options = [
        click.option("--prompt", help="What happens in the clip."),
        click.option("--motion", "motion_intensity", type=click.FloatRange(0, 1), help="How much moves, 0-1."),
        click.option("--duration", "duration_s", type=click.FloatRange(0.5, 20), help="Seconds."),
        click.option("--style", "style_consistency", type=click.FloatRange(0, 1), help="Faithfulness, 0-1."),
        click.option("--camera", "camera_movement", type=click.Choice([str(m) for m in CameraMovement])),
        click.option("--size", type=Size(), help="WIDTHxHEIGHT, exact; crops around the subject."),
        click.option("--fps", type=click.IntRange(8, 60)),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1)),
        click.option("--loop", is_flag=True, default=None, help="End where it began."),
        click.option("--direction", type=click.Choice([str(d) for d in Direction])),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _overrides(fields: dict[str, Any]) -> dict[str, object]:
    """The recipe fields that were given, checked before any photo is read."""
    from afterframe.recipe import validate

    given = {name: value for name, value in fields.items() if value is not None}
    try:
        validate([("your options", given)])
    except RecipeError as error:
        raise click.UsageError(error.message) from error
    return given


class Size(click.ParamType[tuple[int, int]]):
    """WIDTHxHEIGHT."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """'1280x720' -> (1280, 720)."""
        width, cross, height = str(value).lower().partition("x")
        if not (cross and width.isdecimal() and height.isdecimal()):
            self.fail(f"{value!r} is not a size such as 1280x720", param, ctx)
        return int(width), int(height)


@main.command()
@some_paths
@click.option("--generator", help="Default: auto, the best that can run here.")
@click.option("--model", help="A model of the GPU generator: a name of `models list`, or a folder.")
@click.option("--variants", type=click.IntRange(1, 16), help="Clips per photo, each with its own seed.")
@recipe_options
@as_json
@reported
def animate(paths: tuple[str, ...], generator: str | None, model: str | None, as_json: bool, **fields: Any) -> None:
    """Animate photos, or all photos in folders, and wait for the clips."""
    from afterframe.app.animate import OneShot, find_photos

    home, config = _settings()
    if model:
        generator = f"{generator or 'auto'}:{model}"
    overrides = _overrides(fields)
    with output.ProgressBar(quiet=as_json) as progress:
        results = OneShot(home, config, progress.show).run(find_photos(paths), overrides, generator)
    if as_json:
        click.echo(json.dumps({"results": [result.to_dict() for result in results]}))
    else:
        output.print_results(results)
    sys.exit(0 if results and all(result.state == "done" for result in results) else 1)


MAX_PARALLEL_READS = os.cpu_count() or 1
"""Photos read at a time by commands that look at many."""


def _each_photo(paths: tuple[str, ...], as_json: bool, key: str, look: Callable[[Path], dict[str, Any]]) -> NoReturn:
    """Print something about each photo; exit status 1 when one of them could not be read."""
    from afterframe.app.animate import find_photos

    def answer(path: str) -> dict[str, Any]:
        try:
            return {"path": path, key: look(Path(path).absolute()), "error": None}
        except AfterframeError as error:
            return {"path": path, key: None, "error": error.to_dict()}

    photos: list[dict[str, Any]] = []
    with ThreadPoolExecutor(MAX_PARALLEL_READS) as threads:
        for entry in threads.map(answer, find_photos(paths)):
            photos.append(entry)
            if not as_json:
                output.print_photo(entry["path"], entry[key], entry["error"])
    if as_json:
        click.echo(json.dumps({"photos": photos}))
    sys.exit(1 if any(entry["error"] for entry in photos) or not photos else 0)


@main.command()
@some_paths
@as_json
@reported
def facts(paths: tuple[str, ...], as_json: bool) -> None:
    """Show what photos say about themselves."""
    from afterframe.intake.photo_reader import PhotoReader

    _, config = _settings()
    reader = PhotoReader(config.limits, MAX_PARALLEL_READS)
    try:
        _each_photo(paths, as_json, "facts", lambda path: reader.facts(path).to_dict())
    finally:
        reader.close()


@main.command()
@some_paths
@recipe_options
@as_json
@reported
def recipe(paths: tuple[str, ...], as_json: bool, **fields: Any) -> None:
    """Show the recipe that would be used for photos, with every reason. Nothing is rendered."""
    from afterframe.intake.ingest import Ingest
    from afterframe.intake.photo_reader import PhotoReader
    from afterframe.state.catalog import Catalog
    from afterframe.state.database import Database
    from afterframe.state.queue import Queue

    home, config = _settings()
    overrides = _overrides(fields)
    database = Database(home.database)
    reader = PhotoReader(config.limits, MAX_PARALLEL_READS)
    ingest = Ingest(database, Catalog(database), Queue(database), Settings(home, config), reader.read)
    try:
        _each_photo(paths, as_json, "recipe", lambda path: ingest.preview(path, overrides).to_dict())
    finally:
        reader.close()
        database.close()


@main.command()
@some_paths
@click.option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Write a contact sheet there.")
@as_json
@reported
def audit(paths: tuple[str, ...], page: Path | None, as_json: bool) -> None:
    """Show which photos are worth animating, best first, and why."""
    from afterframe.app.animate import find_photos
    from afterframe.intake.audit import audit as mark
    from afterframe.intake.contact_sheet import write_contact_sheet

    home, config = _settings()
    photos = list(find_photos(paths))
    with output.Counter("Looking at photos", total=len(photos), quiet=as_json) as counter:
        results = mark(photos, home, config.limits, counter.set)
    if page:
        write_contact_sheet(results, page, config.limits)
    if as_json:
        click.echo(json.dumps({"photos": [result.to_dict() for result in results]}))
    else:
        output.print_audit(results, page)
    sys.exit(1 if not results or any(result.error for result in results) else 0)


@main.command()
@click.option("--open", "open_page", is_flag=True, help="Open the page of the running daemon.")
@as_json
@reported
def status(open_page: bool, as_json: bool) -> None:
    """Show what is being rendered, what waits, and what went wrong."""
    from afterframe.app.status import login_link, report

    home, _ = _settings()
    found = report(home)
    if as_json:
        click.echo(json.dumps(found))
    else:
        output.print_status(found)
    if open_page:
        link = login_link(home)
        output.out.print(f"Page: {escape(link)}") if not as_json else None
        webbrowser.open(link)


@main.command()
@click.argument("action", type=click.Choice(["list", "add", "remove"]), default="list")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--on-request", is_flag=True, help="Animate its photos only when somebody asks.")
@as_json
@reported
def folders(action: str, folders: tuple[Path, ...], on_request: bool, as_json: bool) -> None:
    """List the folders that Afterframe knows, add some, or make it forget some. Their files stay as they are."""
    from afterframe.app.folders import Folders

    if bool(folders) == (action == "list"):
        raise click.UsageError("`folders` alone lists them; `folders add` and `folders remove` take a folder.")
    home, config = _settings()
    known = Folders(home, config)
    for folder in folders:
        if action == "add":
            known.add(folder, watch=not on_request)
        else:
            known.remove(folder)
    if as_json:
        click.echo(json.dumps({"folders": known.listed()}))
    else:
        output.print_folders(known.listed())


@main.command()
@click.argument("ids", nargs=-1)
@click.option("--failed", is_flag=True, help="Every render that failed.")
@as_json
@reported
def retry(ids: tuple[str, ...], failed: bool, as_json: bool) -> None:
    """Queue renders again that failed or were cancelled; `afterframe status` names them."""
    from afterframe.state.database import Database
    from afterframe.state.queue import Queue
    from afterframe.system.runtime_files import read_daemon

    if bool(ids) == failed:
        raise click.UsageError("Name renders by their ids, or all that failed by --failed.")
    home, _ = _settings()
    database = Database(home.database)
    try:
        queue = Queue(database)
        with database.transaction():
            if failed:
                ids = tuple(job.id for job in queue.page(states=[JobState.FAILED], limit=1_000_000)[0])
            jobs = [queue.retry(job_id) for job_id in ids]
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps({"renders": [{"id": job.id, "photo": job.photo_path} for job in jobs]}))
    else:
        output.print_retried(jobs, read_daemon(home) is not None)


@main.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@as_json
@reported
def rebuild(folders: tuple[Path, ...], as_json: bool) -> None:
    """Read the sidecars in folders back into the catalogue, after the database was lost."""
    from afterframe.app.rebuild import RebuildReport
    from afterframe.app.rebuild import rebuild as rebuild_folder
    from afterframe.intake.photo_reader import PhotoReader
    from afterframe.state.catalog import Catalog
    from afterframe.state.database import Database

    home, config = _settings()
    database = Database(home.database)
    reader = PhotoReader(config.limits)
    found = RebuildReport()
    try:
        with output.Counter("Sidecars", quiet=as_json) as counter:
            for folder in folders:
                found += rebuild_folder(folder.resolve(), database, Catalog(database), reader.read, counter.add)
    finally:
        reader.close()
        database.close()
    if as_json:
        click.echo(json.dumps(found.to_dict()))
    else:
        output.print_rebuilt(found)
    sys.exit(1 if found.problems else 0)


@main.command()
@click.argument("action", type=click.Choice(["install", "remove", "status"]))
@click.argument("host", type=click.Choice(["lightroom", "darktable"]), required=False)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where the host looks for plugins.")
@as_json
@reported
def plugin(action: str, host: str | None, folder: Path | None, as_json: bool) -> None:
    """Put the plugin for Lightroom Classic or darktable in its place, upgrade it, take it away, or look how it is."""
    from afterframe.app import plugins

    if host is None and (folder or action != "status"):
        raise click.UsageError(f"Name a host: afterframe plugin {action} lightroom, or darktable")
    home = Home.find()
    folders = [folder.absolute()] if folder else plugins.host_folders(host) if host else []
    if host is None:
        found = plugins.inspect_everywhere()
    elif action == "install":
        found = [plugins.install(host, place, home) for place in folders]
    elif action == "remove":
        found = [plugins.remove(host, place) for place in folders]
    else:
        found = [plugins.inspect_plugin(host, place) for place in folders]
    if as_json:
        click.echo(json.dumps({"plugins": [plugin.to_dict() for plugin in found]}))
    else:
        output.print_plugins(found)


@main.command()
@click.argument("action", type=click.Choice(["status"]))
@as_json
@reported
def cluster(action: str, as_json: bool) -> None:  # noqa: ARG001 - there is one
    """Show the machines of the Ray cluster that config.toml names."""
    from afterframe.generators.ray_cluster.connection import cluster_status

    _, config = _settings()
    found = cluster_status(config.cluster)
    if as_json:
        click.echo(json.dumps(found))
    else:
        output.print_cluster(found)


@main.command()
@click.argument("action", type=click.Choice(["list", "pull", "remove", "where"]))
@click.argument("name", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@reported
def models(action: str, name: str | None, yes: bool, as_json: bool) -> None:
    """List, download, delete or locate trained models for the GPU generator."""
    from afterframe.generators.diffusers import hub, weights
    from afterframe.generators.diffusers.profiles import choose

    if name is None and action in ("pull", "remove"):
        raise click.UsageError(f"Name a model: afterframe models {action} NAME")
    answer: dict[str, Any]
    own = Home.find().models
    if action == "list":
        found = hub.entries(own)
        answer = {"models": [entry.to_dict() for entry in found], "cache": str(weights.cache_folder())}
        output.print_models(found, weights.cache_folder()) if not as_json else None
    elif action == "where":
        entry = hub.entry_of(choose(name, own)) if name else None
        answer = {
            "path": str(entry.folder) if entry and entry.folder else None if entry else str(weights.cache_folder())
        }
        click.echo(answer["path"] or "not on this machine") if not as_json else None
    elif action == "pull":
        download = hub.prepare(str(name), own)
        output.print_download(download, quiet=as_json)
        if download.missing:
            _agreed(yes, "Download it?")
        answer = {**download.to_dict(), **hub.pull(download, quiet=as_json).to_dict()}
        output.out.print(f"Ready: {escape(answer['folder'])}") if not as_json else None
    else:
        entry = hub.entry_of(choose(str(name), own, folders=False))
        if entry.folder:
            output.print_removal(entry) if not as_json else None
            _agreed(yes, "Delete it?")
        answer = {"freed": hub.remove(str(name), own)}
        output.out.print(f"{answer['freed'] / 1e9:.1f} GB freed.") if not as_json else None
    if as_json:
        click.echo(json.dumps(answer))
    sys.exit(1 if action == "where" and answer["path"] is None else 0)


def _agreed(yes: bool, question: str) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is here to ask: say --yes.")
    click.confirm(question, abort=True, err=True)


@main.command()
@as_json
@reported
def doctor(as_json: bool) -> None:
    """Check that everything Afterframe needs is here."""
    from afterframe.app.doctor import examine

    checks = examine(Home.find())
    ok = all(check.ok for check in checks)
    if as_json:
        click.echo(json.dumps({"ok": ok, "checks": [check.to_dict() for check in checks]}))
    else:
        output.print_checks(checks)
    sys.exit(0 if ok else 1)
