"""The takes that a clip was chosen from, by the API."""

from __future__ import annotations

import os
import time

from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.render.takes import KEPT_S, Take, TakeFolder
from afterframe.state.queue import NewJob
from factories import make_recipe


def chosen(desk: Desk) -> tuple[str, TakeFolder]:
    """A clip that was chosen from two takes."""
    clip = desk.clip()
    queue = desk.services.queue
    job, _ = queue.enqueue(NewJob(desk.known(desk.photo()), make_recipe(takes=2), "parallax"))
    queue.finish(job.id, clip.id)
    folder = TakeFolder(desk.services.home, job.id)
    folder.begin()
    folder.file(1).write_bytes(b"0123456789")
    folder.file(2).write_bytes(b"abcdefghij")
    lost = Take(1, 7, False, "it flickers (9)", {"flicker": 9.0})
    folder.keep([lost, Take(2, 8, True, "take 2 of 2 has the fewest faults", {"flicker": 0.5})])
    return clip.id, folder


def test_takes_are_told_with_their_reasons_and_sent(desk: Desk) -> None:
    clip_id, _ = chosen(desk)
    one, two = desk.good("GET", f"/api/clips/{clip_id}/takes")["takes"]
    assert (one["seed"], one["taken"], one["reason"]) == (7, False, "it flickers (9)")
    assert two["taken"]
    assert desk.ask("GET", one["file"]).data == b"0123456789"
    part = desk.ask("GET", two["file"], headers={"Range": "bytes=2-3"})
    assert (part.status_code, part.data) == (206, b"cd")


def test_takes_are_gone_after_a_day(desk: Desk) -> None:
    clip_id, folder = chosen(desk)
    long_ago = time.time() - KEPT_S - 60
    for file in folder.file(1).parent.iterdir():
        os.utime(file, (long_ago, long_ago))
    assert desk.good("GET", f"/api/clips/{clip_id}/takes") == {"takes": []}
    assert desk.bad("GET", f"/api/clips/{clip_id}/takes/1") == (404, "not_found")


def test_a_clip_without_takes_has_none_and_strange_numbers_are_none(desk: Desk) -> None:
    other = desk.clip("DSC_0050.jpg", id="22222222-2222-3333-4444-555555555555")
    assert desk.good("GET", f"/api/clips/{other.id}/takes") == {"takes": []}
    clip_id, folder = chosen(desk)
    for number in ("0", "9", "-1", "1.5", "x", "..%2f..%2ftoken"):
        assert desk.bad("GET", f"/api/clips/{clip_id}/takes/{number}")[0] == 404
    assert desk.bad("GET", "/api/clips/nobody/takes")[0] == 404
    next(folder.file(1).parent.glob("*.json")).write_text("[{]")
    assert desk.good("GET", f"/api/clips/{clip_id}/takes") == {"takes": []}
