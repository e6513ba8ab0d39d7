from __future__ import annotations

import json
from typing import Any

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.state.database import EVENTS_KEPT
from afterframe.web.api import events
from afterframe.web.api.events import KEEP_ALIVE_S, POLL_S, STREAM_S, stream
from afterframe.web.http.context import MAX_STREAMS
from factories import Clock

STREAM = {"Accept": "text/event-stream"}


def happen(desk: Desk, *kinds: str) -> None:
    for kind in kinds:
        desk.services.database.emit(kind, {"photo": "a\nb 🌅"}, desk.clock())


def parsed(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line.partition("data: ")[2]) for line in lines if "data: " in line]


def test_events_after_a_cursor_come_at_once(desk: Desk) -> None:
    start = desk.good("GET", "/api/events")
    assert start["events"] == []
    happen(desk, "render", "clip")
    answer = desk.good("GET", f"/api/events?since={start['cursor']}")
    assert [event["kind"] for event in answer["events"]] == ["render", "clip"]
    assert answer["cursor"] == answer["events"][-1]["cursor"]
    again = desk.good("GET", f"/api/events?since={answer['cursor']}")
    assert (again["events"], again["cursor"], again["reset"]) == ([], answer["cursor"], False)


def test_no_event_is_lost_or_told_twice_between_pages(desk: Desk) -> None:
    cursor = desk.good("GET", "/api/events")["cursor"]
    with desk.services.database.transaction():
        happen(desk, *["render"] * 1200)
    told: list[int] = []
    while answer := desk.good("GET", f"/api/events?since={cursor}"):
        if not answer["events"]:
            break
        told += [event["cursor"] for event in answer["events"]]
        cursor = answer["cursor"]
    assert told == list(range(told[0], told[0] + 1200))


def test_a_cursor_of_another_state_file_is_told_to_begin_anew(desk: Desk) -> None:
    answer = desk.good("GET", "/api/events?since=999999")
    assert answer["reset"] is True
    assert answer["cursor"] == desk.services.database.last_cursor()


def test_a_cursor_older_than_what_is_kept_is_told_to_begin_anew(desk: Desk) -> None:
    cursor = desk.services.database.last_cursor()
    with desk.services.database.transaction() as connection:
        happen(desk, "render")
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (cursor + EVENTS_KEPT + 5,))
        happen(desk, "render", "render")
    assert desk.good("GET", f"/api/events?since={cursor}")["reset"] is True


class Waiting:
    """Waits without waiting: moves the clock, does something, and says stop in the end."""

    def __init__(self, clock: Clock, *steps: Any) -> None:
        self.clock = clock
        self.steps = list(steps)
        self.waited: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.clock.forward(seconds)
        if not self.steps:
            return True
        step = self.steps.pop(0)
        return bool(step()) if callable(step) else False


def test_a_stream_tells_what_happens_until_the_daemon_stops(desk: Desk) -> None:
    start = desk.services.database.last_cursor()
    wait = Waiting(desk.clock, lambda: happen(desk, "render"), None, lambda: happen(desk, "clip", "verdict"))
    lines = list(stream(desk.services.database, None, wait, desk.clock))
    events = parsed(lines)
    assert [event["kind"] for event in events] == ["render", "clip", "verdict"]
    assert [event["cursor"] for event in events] == [start + 1, start + 2, start + 3]
    assert all(line.endswith("\n\n") for line in lines)
    assert f"id: {start + 1}\n" in lines[1]
    assert events[0]["photo"] == "a\nb 🌅"


def test_a_stream_goes_on_where_the_last_one_ended(desk: Desk) -> None:
    start = desk.services.database.last_cursor()
    happen(desk, "render", "clip")
    lines = list(stream(desk.services.database, start + 1, Waiting(desk.clock), desk.clock))
    assert [event["kind"] for event in parsed(lines)] == ["clip"]


def test_a_quiet_stream_says_that_it_is_still_there(desk: Desk) -> None:
    quiet = int(KEEP_ALIVE_S / POLL_S)
    lines = list(stream(desk.services.database, None, Waiting(desk.clock, *[None] * quiet * 2), desk.clock))
    assert lines.count(": still here\n\n") == 2


def test_a_stream_ends_by_itself_so_that_the_browser_comes_back(desk: Desk) -> None:
    wait = Waiting(desk.clock, *[None] * 10_000)
    list(stream(desk.services.database, None, wait, desk.clock))
    assert sum(wait.waited) == pytest.approx(STREAM_S)


def test_a_stream_with_a_strange_cursor_says_reset(desk: Desk) -> None:
    lines = list(stream(desk.services.database, 999_999, Waiting(desk.clock), desk.clock))
    assert [event["kind"] for event in parsed(lines)] == ["reset"]


def test_the_browsers_own_header_leads_the_stream(desk: Desk) -> None:
    start = desk.services.database.last_cursor()
    happen(desk, "render", "clip")
    desk.services.stopping.set()
    response = desk.ask("GET", f"/api/events?since={start}", headers={**STREAM, "Last-Event-ID": str(start + 1)})
    assert response.mimetype == "text/event-stream"
    assert [event["kind"] for event in parsed(response.get_data(as_text=True).split("\n\n"))] == ["clip"]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("strange", ["", "x", "-1", "9" * 30, "²"])
def test_a_strange_header_is_left_alone(desk: Desk, strange: str) -> None:
    assert desk.ask("GET", "/api/events", headers={"Last-Event-ID": strange}).status_code == 200


def test_an_open_stream_ends_when_the_daemon_stops(desk: Desk) -> None:
    response = desk.ask("GET", "/api/events", headers=STREAM, buffered=False)
    lines = iter(response.response)
    assert b"retry" in bytes(next(lines))
    desk.services.stopping.set()
    assert list(lines) == []
    response.close()


@pytest.mark.parametrize("why", ["reader gone", "logged out"])
def test_an_open_stream_ends_with_its_reader(desk: Desk, why: str) -> None:
    gone: list[str] = []
    client = desk.browser()
    environ = {"waitress.client_disconnected": lambda: bool(gone)}
    response = client.get("/api/events", headers=STREAM, environ_overrides=environ)
    lines = iter(response.response)
    assert b"retry" in bytes(next(lines))
    if why == "reader gone":
        gone.append(why)
    else:
        (session,) = desk.good("GET", "/api/sessions")["sessions"]
        desk.good("DELETE", f"/api/sessions/{session['id']}")
    assert list(lines) == []
    response.close()


def test_very_many_streams_are_asked_to_come_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SLOT_WAIT_S", 0.0)
    open_ones = [desk.ask("GET", "/api/events", headers=STREAM, buffered=False) for _ in range(MAX_STREAMS)]
    assert {response.status_code for response in open_ones} == {200}
    refused = desk.ask("GET", "/api/events", headers=STREAM)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert refused.json["error"]["code"] == "too_many_streams"
    assert desk.good("GET", "/api/events")["events"] == []  # without a stream it goes on
    for response in open_ones:
        response.close()
        response.close()
    freed = desk.ask("GET", "/api/events", headers=STREAM, buffered=False)
    assert freed.status_code == 200
    freed.close()


def test_asking_for_a_streams_headers_takes_no_place(desk: Desk) -> None:
    for _ in range(MAX_STREAMS + 1):
        assert desk.ask("HEAD", "/api/events", headers=STREAM).status_code == 200
