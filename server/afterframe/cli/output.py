"""What the commands print for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from afterframe.config import Home
from afterframe.domain import JobState
from afterframe.system.cli_hints import spelt

if TYPE_CHECKING:
    from afterframe.app.animate import AnimateResult
    from afterframe.app.doctor import Check
    from afterframe.app.plugins import Plugin
    from afterframe.app.rebuild import RebuildReport
    from afterframe.domain import Job
    from afterframe.generators.diffusers.hub import Download, ModelEntry
    from afterframe.intake.audit import AuditResult

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


def shown(text: object) -> str:
    """A text that can be printed on one line: no control characters, no markup."""
    printable = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(text))
    return escape(printable)


def hinted(hint: str) -> str:
    """A remedy whose commands can be typed as they stand, ready to be printed."""
    return shown(spelt(hint, Path.cwd()))


def named(path: str, message: str) -> str:
    """What is wrong with a file, its path named once: most messages name the file, but not where it lies."""
    name = Path(path).name
    if path in message or str(Path(path).absolute()) in message:
        return message
    return message.replace(name, path, 1) if name and name in message else f"{path}: {message}"


def print_error(message: str, hint: str = "") -> None:
    """One line to standard error, and its remedy."""
    err.print(f"[red]{shown(message)}[/] {hinted(hint)}".rstrip())


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
        out.print(hinted("No folder is watched yet: add one on the page, or by `afterframe folders add DIR`."))
    out.print(f"Review page: {url}")
    out.print(f"First visit (works once): {link}")
    out.print("Ctrl-C stops it; nothing is lost.")


def print_handed_over(url: str, folders: Sequence[Path]) -> None:
    """What `afterframe serve --folder` did where a daemon runs already."""
    out.print(f"Afterframe is already running at {url}. It watches now, too:")
    for folder in folders:
        out.print(f"  {shown(folder)}")


def print_event(event: dict[str, Any]) -> None:
    """One line for what a photographer wants to know: a photo came, its clip is done, something went wrong."""
    if event["kind"] == "clip":
        out.print(f"[green]Done[/]     {shown(event['path'])}")
    elif event["kind"] == "refused":
        print_error("Refused  " + named(event["photo"], event["error"]["message"]), event["error"]["hint"])
    elif event["kind"] == "render" and event["state"] == "failed":
        print_error("Failed   " + named(event["photo"], event["error"]["message"]), event["error"]["hint"])
    elif event["kind"] == "render" and event["state"] == "queued" and event["fresh"]:
        out.print(f"Queued   {shown(event['photo'])}")


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
                if job.state in (JobState.FAILED, JobState.CANCELLED):
                    print_again(job.id)
    done = sum(result.state == "done" for result in results)
    if len(results) > 1:
        out.print(f"{done} of {len(results)} photos animated.")


def print_photo(path: str, found: dict[str, Any] | None, error: dict[str, str] | None) -> None:
    """A table of what is known of one photo."""
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
    out.print(table)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def print_status(found: dict[str, Any]) -> None:
    """What `afterframe status` says."""
    daemon = found["daemon"]
    out.print(f"Daemon: {daemon['url']} (process {daemon['pid']})" if daemon else "Daemon: not running")
    print_folders(found["folders"])
    counts = found["counts"]
    out.print(
        "Renders: " + ", ".join(f"{n} {state}" for state, n in counts.items() if n)
        if any(counts.values())
        else "Renders: none"
    )
    if found["paused"]:
        out.print("[yellow]The queue is paused.[/]")
    for render in found["renders"]:
        eta = f", about {duration(render['eta_s'])} left" if render["eta_s"] else ""
        out.print(f"  {render['state']:10} {render['progress']:4.0%}{eta}  {shown(render['photo'])}")
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


def print_again(job_id: str) -> None:
    """How to have a render that ended without a clip done again."""
    out.print(f"             {hinted(f'`afterframe retry {job_id}` does it again.')}")


def count(n: int, one: str, more: str) -> str:
    """'1 clip was', '2 clips were'."""
    return f"{n} {one if n == 1 else more}"


def print_folders(folders: Sequence[dict[str, Any]]) -> None:
    """The folders, one a line."""
    for folder in folders:
        waiting = (
            f" – {count(folder['waiting'], 'photo waits', 'photos wait')} for a confirmation"
            if folder["waiting"]
            else ""
        )
        gone = " [yellow](not there)[/]" if folder["missing"] else ""
        out.print(f"{'Watched' if folder['watch'] else 'On request'}: {shown(folder['path'])}{waiting}{gone}")


def print_retried(jobs: Sequence[Job], daemon_runs: bool) -> None:
    """What was queued again, and who will render it."""
    for job in jobs:
        out.print(f"Queued   {shown(job.photo_path)}")
    if not jobs:
        out.print("No render has failed.")
    elif not daemon_runs:
        out.print(hinted("No daemon is running: `afterframe serve` renders them."))


def duration(seconds: float) -> str:
    """'40 s', '3 min', '2 h 5 min'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def print_rebuilt(found: RebuildReport) -> None:
    """What `afterframe rebuild` found."""
    for path, error in found.problems:
        print_error(named(str(path), error.message), error.hint)
    out.print(f"{count(len(found.clips), 'clip is', 'clips are')} in the catalogue again.")
    if found.deleted:
        deleted = count(len(found.deleted), "clip was deleted by you and stays", "clips were deleted by you and stay")
        out.print(f"{deleted} so.")


def print_audit(results: Sequence[AuditResult], page: Path | None) -> None:
    """What `afterframe audit` found, best first."""
    for result in results:
        if result.error:
            print_error(named(str(result.path), result.error["message"]), result.error["hint"])
            continue
        out.print(f"[bold]{result.score:.2f}[/]  {shown(result.path)}")
        for name, mark in result.readiness.items():
            out.print(f"      [dim]{mark['score']:.2f} {name.replace('_', ' ')}: {shown(mark['reason'])}[/]")
    if not results:
        print_error("No photos found.", "Name photos, or folders that hold some.")
    if page:
        out.print(f"Contact sheet: {shown(page)}")


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
        note = f" {profile.licence.note}" if profile.licence.note else ""
        out.print(f"             [dim]{shown(profile.licence.name)}, {shown(profile.licence.url)}.{shown(note)}[/]")
        for lora in profile.loras:
            out.print(f"             [dim]with LoRA: {shown(profile.name)}+{shown(lora.name)}[/]")
    out.print(f"Cache, shared with other programs: {shown(cache)}")


def print_download(download: Download, *, quiet: bool) -> None:
    """Size and licence before anything large is fetched."""
    if quiet:
        return
    profile = download.choice.profile
    out.print(f"{shown(profile.title)} from {shown(profile.repository)}")
    out.print(f"Licence: {shown(profile.licence.name)}, {shown(profile.licence.url)} {shown(profile.licence.note)}")
    for lora, _ in download.choice.loras:
        out.print(f"LoRA {shown(lora.name)} from {shown(lora.repository)}: {shown(lora.licence or 'see there')}")
    out.print(
        f"{download.size / 1e9:.1f} GB, of which {download.missing / 1e9:.1f} GB are to be downloaded; "
        f"{download.free / 1e9:.0f} GB are free."
    )


def print_removal(entry: ModelEntry) -> None:
    """What deleting a model means."""
    out.print(f"{shown(entry.choice.profile.title)}: {entry.size / 1e9:.1f} GB in {shown(entry.folder)}")
    out.print("Other programs that share the Hugging Face cache lose it too.")


def print_checks(checks: Sequence[Check]) -> None:
    """What `afterframe doctor` found."""
    for check in checks:
        mark = "[green]ok[/]     " if check.ok else "[red]problem[/]"
        out.print(f"{mark} {check.name}: {shown(check.detail)} {hinted(check.hint)}".rstrip())


NEXT_STEP = {
    "lightroom": "Start Lightroom Classic again; the menu is Library > Plug-in Extras.",
    "darktable": "Start darktable again; the panel “afterframe” is on the right of the lighttable.",
}


def print_plugins(found: Sequence[Plugin]) -> None:
    """Where hosts' plugins stand, and what to do next."""
    from afterframe.app.plugins import HOSTS

    for plugin in found:
        version = f" {plugin.version}" if plugin.version else ""
        out.print(f"{HOSTS[plugin.host].title}: {plugin.state}{version}, {shown(plugin.folder)}")
    if any(plugin.state in ("installed", "upgraded") for plugin in found):
        out.print(NEXT_STEP[found[0].host])


class ProgressBar:
    """One bar for the batch: photos done, and the share of those under way.

    Args:
        quiet: print nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=err,
            disable=quiet or not err.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, results: Sequence[AnimateResult]) -> None:
        """Bring the bar up to date."""
        if self._task is None:
            self._task = self._bars.add_task("Animating", total=1, count="")
        jobs = [job for result in results for job in result.jobs]
        ended = sum(result.state != "queued" for result in results)
        self._bars.update(
            self._task,
            total=max(1, len(jobs)),
            completed=sum(1.0 if job.state.ended else job.progress for job in jobs),
            count=f"{ended}/{len(results)} photos",
        )


class Counter:
    """A bar for work that is counted.

    Args:
        total: how much there is, when that is known.
        quiet: print nothing.
    """

    def __init__(self, what: str, *, quiet: bool, total: int | None = None) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=err,
            disable=quiet or not err.is_terminal,
            transient=True,
        )
        self._task = self._bars.add_task(what, total=total)

    def __enter__(self) -> Counter:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def set(self, done: int) -> None:
        """So many are done."""
        self._bars.update(self._task, completed=done)

    def add(self, path: Path) -> None:
        """One more."""
        self._bars.advance(self._task)


def print_cluster(found: dict[str, Any]) -> None:
    """What `afterframe cluster status` says."""
    out.print(f"Cluster at {escape(found['address'])}, Ray {found['ray']}")
    for node in found["nodes"]:
        out.print(f"  {escape(node['host']):24} {node['gpus']:3.0f} GPUs {node['cpus']:4.0f} processors")
    out.print(f"Room for {found['room']} renders ({found['renders_on']}), {found['free']} free")
    if found["slots"] != found["room"]:
        hint = f"cluster.slots is {found['slots']}: write slots = {found['room']} under \\[cluster] to use them all."
        out.print(f"[yellow]{hint}[/]")
