"""Commands about renders: status, retry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from afterframe.cli.command import Outcome, load_settings, with_json
from afterframe.cli.folders import print_folders
from afterframe.cli.output import duration, hinted, named, out, shown
from afterframe.domain import JobState

if TYPE_CHECKING:
    from afterframe.domain import Job


@click.command()
@click.option("--open", "open_page", is_flag=True, help="Open the page of the running daemon.")
@with_json
def status(*, open_page: bool) -> Outcome:
    """Show what is being rendered, what waits, and what went wrong."""
    from afterframe.app.login_page import open_login_page
    from afterframe.app.status import login_link, release_dead_and_report

    home = load_settings().home
    found = release_dead_and_report(home)
    print_status(found)
    if open_page:
        link = login_link(home)
        out.print(f"Page: {shown(link)}")
        open_login_page(home, link)
    return Outcome(found)


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1)
@click.option("--failed", is_flag=True, help="Every render that failed.")
@with_json
def retry(*, ids: tuple[str, ...], failed: bool) -> Outcome:
    """Queue renders again that failed or were cancelled; `afterframe status` names them."""
    from afterframe.state.database import Database
    from afterframe.state.queue import Queue
    from afterframe.system.runtime_files import read_daemon

    if bool(ids) == failed:
        raise click.UsageError("Name renders by their ids, or all that failed with --failed.")
    home = load_settings().home
    database = Database(home.database)
    try:
        queue = Queue(database)
        with database.transaction():
            if failed:
                ids = tuple(job.id for job in queue.page(states=[JobState.FAILED], limit=1_000_000)[0])
            jobs = [queue.retry(job_id) for job_id in ids]
    finally:
        database.close()
    print_retried(jobs, daemon_runs=read_daemon(home) is not None)
    return Outcome({"renders": [{"id": job.id, "photo": job.photo_path} for job in jobs]})


def print_status(found: dict[str, Any]) -> None:
    """What `afterframe status` says."""
    daemon = found["daemon"]
    out.print(f"Daemon: {daemon['url']} (process {daemon['pid']})" if daemon else "Daemon: not running")
    print_folders(found["folders"])
    for passed in found["passed_over"]:
        suffixes = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in passed["suffixes"].items())
        out.print(f"  {'passed over':10} {shown(passed['folder'])}: {suffixes} ({passed['why']})")
    counts = found["counts"]
    out.print(
        "Renders: " + ", ".join(f"{n} {state}" for state, n in counts.items() if n)
        if any(counts.values())
        else "Renders: none"
    )
    if found["paused"]:
        out.print("[yellow]The queue is paused.[/]")
    for folder in found["held_folders"]:
        error, count = folder["error"], folder["renders"]
        waiting = f"{count} {'render waits' if count == 1 else 'renders wait'}. " if count else ""
        out.print(f"  [yellow]held[/]       {waiting}{shown(error['message'])} {hinted(error['hint'])}")
    for render in found["renders"]:
        eta = f", about {duration(render['eta_s'])} left" if render["eta_s"] else ""
        out.print(f"  {render['state']:10} {render['progress']:4.0%}{eta}  {shown(render['photo'])}")
        if why := render["error"]:
            out.print(f"             {shown(named(render['photo'], why['message']))} {hinted(why['hint'])}".rstrip())
    _print_made(found["made"])
    for kind in ("failed", "refused"):
        for entry in found[kind]:
            error = entry["error"] or {"message": "no reason given", "hint": ""}
            why = named(entry["photo"], error["message"])
            out.print(f"  [red]{kind:10}[/] {shown(why)} {hinted(error['hint'])}".rstrip())
            if "id" in entry:
                print_again(entry["id"])
    for entry in found["cancelled"]:
        out.print(f"  {'cancelled':10} {shown(entry['photo'])}")
        print_again(entry["id"])


def _print_made(clips: Sequence[Mapping[str, Any]]) -> None:
    for clip in clips:
        if cost := cost_text(clip["cost"]):
            out.print(f"  {'made':10} {shown(clip['clip'])} {hinted(f'({cost})')}")


def cost_text(cost: Mapping[str, float]) -> str:
    """What a clip cost, in words: "2 min 5 s, 21.3 GB of the GPU's memory, 12 Wh"."""
    parts = []
    if "seconds" in cost:
        parts.append(duration(cost["seconds"]))
    for name, words in (("gpu_memory_gb", " of the GPU's memory"), ("memory_gb", " of memory")):
        if name in cost:
            parts.append(f"{cost[name]:.1f} GB{words}")
    if "energy_wh" in cost:
        parts.append(f"{cost['energy_wh']:.3g} Wh")
    return ", ".join(parts)


def print_again(job_id: str) -> None:
    """How to have a render that ended without a clip done again."""
    out.print(f"             {hinted(f'`afterframe retry {job_id}` does it again.')}")


def print_retried(jobs: Sequence[Job], *, daemon_runs: bool) -> None:
    """What was queued again, and who will render it."""
    for job in jobs:
        out.print(f"Queued   {shown(job.photo_path)}")
    if not jobs:
        out.print("No render has failed.")
    elif not daemon_runs:
        out.print(hinted("No daemon is running: `afterframe serve` renders them."))
