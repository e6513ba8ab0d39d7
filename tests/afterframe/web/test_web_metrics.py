"""The metrics, read by Prometheus' own parser."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.web.metrics import Metrics

DOCS = Path(__file__).parents[3] / "docs" / "api.md"


def metrics_of(desk: Desk) -> dict[tuple[str, str], float]:
    """(name, values of its labels) -> number."""
    answer = desk.ask("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def happen(desk: Desk, state: str, at: float, render: str = "r") -> None:
    event: dict[str, Any] = {"kind": "render", "id": render, "state": state, "at": at, "cursor": 1}
    desk.app.extensions["afterframe"].metrics.note_event(event)


def test_renders_are_counted_by_their_state(desk: Desk) -> None:
    assert desk.good("POST", "/api/animate", {"photos": [str(desk.photo("a.jpg")), str(desk.photo("b.jpg"))]})
    found = metrics_of(desk)
    assert found["afterframe_renders", "queued"] == 2
    assert found["afterframe_renders", "failed"] == 0
    assert found["afterframe_queue_paused", ""] == 0
    desk.good("POST", "/api/queue", {"paused": True})
    assert metrics_of(desk)["afterframe_queue_paused", ""] == 1


def test_a_render_is_timed_from_its_beginning_to_its_clip(desk: Desk) -> None:
    happen(desk, "queued", 0)
    for at in (100, 103):
        happen(desk, "running", at)
    happen(desk, "publishing", 107)
    happen(desk, "done", 108)
    found = metrics_of(desk)
    assert found["afterframe_render_duration_seconds_sum", ""] == 8
    assert found["afterframe_render_duration_seconds_bucket", "5.0"] == 0
    assert found["afterframe_render_duration_seconds_bucket", "10.0"] == 1
    assert found["afterframe_renders_ended_total", "done"] == 1


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_render_without_a_clip_is_counted_and_not_timed(desk: Desk, state: str) -> None:
    happen(desk, "running", 100)
    happen(desk, state, 200)
    found = metrics_of(desk)
    assert found["afterframe_renders_ended_total", state] == 1
    assert found["afterframe_render_duration_seconds_count", ""] == 0


def test_a_render_that_begins_again_is_timed_again(desk: Desk) -> None:
    happen(desk, "running", 100)
    happen(desk, "queued", 150)
    happen(desk, "running", 200)
    happen(desk, "done", 203)
    assert metrics_of(desk)["afterframe_render_duration_seconds_sum", ""] == 3


def test_a_clock_that_was_set_back_gives_no_negative_time(desk: Desk) -> None:
    happen(desk, "running", 100)
    happen(desk, "done", 50)
    assert metrics_of(desk)["afterframe_render_duration_seconds_sum", ""] == 0


def test_requests_are_counted_by_route_and_not_by_address(desk: Desk) -> None:
    for clip in ("one", "two"):
        desk.ask("GET", f"/api/clips/{clip}")
    desk.client().get("/api/queue")
    desk.ask("GET", "/nowhere/at/all")
    found = metrics_of(desk)
    assert found["afterframe_http_requests_total", "GET /api/clips/<clip_id> 404"] == 2
    assert found["afterframe_http_requests_total", "GET /api/queue 401"] == 1
    assert found["afterframe_http_requests_total", "GET  404"] == 1


def test_nobody_outside_makes_series_without_end(desk: Desk) -> None:
    before = len(metrics_of(desk))
    for number in range(20):
        desk.client().open(f"/{number}", method=f"M{number}")
    assert len(metrics_of(desk)) <= before + 4


@pytest.mark.skipif(os.name == "nt", reason="its names are always Unicode")
def test_a_folder_whose_name_is_no_unicode_is_told_too(desk: Desk, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd-\xff"))
    odd.mkdir()
    assert b"/odd-?" in Metrics(desk.services.queue, lambda: [odd]).text()


def test_disks_and_memory_are_told_in_bytes(desk: Desk) -> None:
    found = metrics_of(desk)
    for folder in (desk.watched, desk.services.home.root):
        assert found["afterframe_disk_free_bytes", str(folder)] > 0
    assert found["afterframe_memory_resident_bytes", "daemon"] > 1 << 20
    desk.watched.rmdir()
    assert ("afterframe_disk_free_bytes", str(desk.watched)) not in metrics_of(desk)


def test_every_metric_is_documented(desk: Desk) -> None:
    documented = set(re.findall(r"^\| `(afterframe_\w+)", DOCS.read_text("utf-8"), re.MULTILINE))
    found = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name, _ in metrics_of(desk)}
    assert found <= documented | {"afterframe_http_requests", "afterframe_renders_ended"}
    assert documented <= found | {"afterframe_http_requests_total"}
