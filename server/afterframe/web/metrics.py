"""What the daemon counts about itself, in the form that Prometheus and its like read.

Names and units by https://prometheus.io/docs/practices/naming: base units, `_total` for what only grows.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from afterframe import __version__
from afterframe.domain import JobState
from afterframe.state.queue import Queue

DURATIONS_S = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)
"""Bounds of the histogram of renders: a parallax clip takes seconds, a model's clip minutes."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Told apart; anybody can send words of their own, and each would be a series."""


class Metrics:
    """Counts from the daemon's start, and what is asked anew each time.

    Args:
        queue: whose renders are counted.
        disks: asked for the folders whose free space is told.
    """

    def __init__(self, queue: Queue, disks: Callable[[], Iterable[Path]]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Now(queue, disks))
        self._requests = Counter(
            "afterframe_http_requests",
            "HTTP requests answered since the daemon's start.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._ended = Counter(
            "afterframe_renders_ended",
            "Renders that ended since the daemon's start.",
            ("state",),
            registry=self._registry,
        )
        for state in JobState:
            if state.ended:
                self._ended.labels(state)  # shown as 0 from the start
        self._durations = Histogram(
            "afterframe_render_duration_seconds",
            "From a worker's first word about a render to its finished clip.",
            buckets=DURATIONS_S,
            registry=self._registry,
        )
        self._guard = threading.Lock()
        self._began: dict[str, float] = {}

    def count_request(self, method: str, route: str, status: int) -> None:
        """An answer was given.

        Args:
            route: the rule, never the address itself: ids would make a series each.
        """
        self._requests.labels(method if method in METHODS else "other", route, status).inc()

    def note_event(self, event: Mapping[str, Any]) -> None:
        """An event of the daemon; those of renders are counted and timed."""
        if event["kind"] != "render":
            return
        state, render = JobState(event["state"]), event["id"]
        with self._guard:
            if state is JobState.RUNNING:
                self._began.setdefault(render, event["at"])
                return
            if state is JobState.PUBLISHING:
                return
            began = self._began.pop(render, None)
        if state.ended:
            self._ended.labels(state).inc()
        if state is JobState.DONE and began is not None:
            self._durations.observe(max(0.0, event["at"] - began))

    def text(self) -> bytes:
        """Everything, as text."""
        return generate_latest(self._registry)


class _Now(Collector):
    """What is asked anew each time."""

    def __init__(self, queue: Queue, disks: Callable[[], Iterable[Path]]) -> None:
        self._queue = queue
        self._disks = disks

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        yield _gauge("afterframe_build_info", "The version that runs; always 1.", "version", {__version__: 1})
        yield _gauge("afterframe_renders", "Renders in the state file.", "state", self._queue.counts())
        paused = GaugeMetricFamily(
            "afterframe_queue_paused", "1: nothing new is begun.", value=float(self._queue.paused)
        )
        yield paused
        free = {str(folder): left for folder in self._disks() if (left := _free(folder)) is not None}
        yield _gauge("afterframe_disk_free_bytes", "Free space where a folder lies.", "folder", free)
        yield _gauge("afterframe_memory_resident_bytes", "Memory of Afterframe's processes.", "process", _memory())

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked when it is registered."""
        return ()


def _gauge(name: str, about: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, number in values.items():
        family.add_metric([str(value).encode("utf-8", "replace").decode()], number)
    return family


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _memory() -> dict[str, float]:
    """Of the daemon, and of its workers, readers and ffmpegs together."""
    daemon = psutil.Process()
    others = 0
    for child in daemon.children(recursive=True):
        try:
            others += child.memory_info().rss
        except psutil.Error:
            continue
    return {"daemon": daemon.memory_info().rss, "children": others}
