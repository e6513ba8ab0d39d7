"""`afterframe cluster`: status."""

from __future__ import annotations

from typing import Any

import click

from afterframe.cli.command import CommandGroup, Outcome, load_settings, with_json
from afterframe.cli.output import out, shown


@click.group(cls=CommandGroup)
def cluster() -> None:
    """Ask the Ray cluster that config.toml names."""


@cluster.command("status")
@with_json
def cluster_status() -> Outcome:
    """Show the cluster's machines, and how many renders it has room for."""
    from afterframe.generators.ray_cluster.connection import cluster_status as ask_cluster

    found = ask_cluster(load_settings().config.cluster)
    print_cluster(found)
    return Outcome(found)


def print_cluster(found: dict[str, Any]) -> None:
    """What `afterframe cluster status` says."""
    out.print(f"Cluster at {shown(found['address'])}, Ray {found['ray']}")
    for node in found["nodes"]:
        out.print(f"  {shown(node['host']):24} {node['gpus']:3.0f} GPUs {node['cpus']:4.0f} CPU cores")
    slots, room = found["slots"], found["room"]
    out.print(f"Room for {room} {'render' if room == 1 else 'renders'} ({found['renders_on']}), {found['free']} free")
    if slots < room:
        out.print(f"[yellow]cluster.slots is {slots}: write slots = {room} under \\[cluster] to use them all.[/]")
    elif slots > room:
        out.print(f"[yellow]cluster.slots is {slots}, more than there is room for: write slots = {room}.[/]")
