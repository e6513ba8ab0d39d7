"""Must show 1 of the Lightroom plugin: its Lua under a real 5.1, against a real daemon that renders tiny clips."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import psutil
import pytest
from faults_processes import until
from lightroom import Dialog
from lightroom_studio import Studio
from squatter import squatting

import photometa
from afterframe.domain import Failure
from afterframe.state.database import Database
from afterframe.state.held_folders import HeldFolders

pytestmark = pytest.mark.slow

SELECTED = int(os.environ.get("AFTERFRAME_LIGHTROOM_PHOTOS", "40"))
"""Photos of the big selection; 500 by hand (docs/lightroom.md says how it went)."""
LONG = pytest.mark.timeout(120 + 2 * SELECTED)


def shoot_mixture(studio: Studio, count: int) -> list[Any]:
    """A selection of so many, of which 3 are missing, 2 are videos and one is a virtual copy."""
    shots = [studio.shoot(f"Café {n:03}.jpg", seed=n) for n in range(count - 10)]
    shots += [studio.shoot(f"DSC_{n:04}.NEF", fileFormat="RAW") for n in range(3)]
    shots.append(studio.shoot("developed.jpg", developed=True))
    shots += [studio.shoot(f"gone {n}.jpg", missing=True) for n in range(3)]
    shots += [studio.shoot(f"film {n}.mov", isVideo=True, fileFormat="VIDEO") for n in range(2)]
    shots.append(studio.lightroom.photo(studio.photos / "Café 000.jpg", isVirtualCopy=True))
    return shots


def counted(text: str) -> dict[str, int]:
    """The counts of a summary by their words."""
    return {words: int(count) for words, count in re.findall(r"^(\S.*): (\d+)$", text, re.MULTILINE)}


@LONG
def test_a_big_selection_becomes_stacked_clips_and_one_summary(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    selected = shoot_mixture(studio, SELECTED)
    lightroom.select(selected)
    lightroom.run("MenuAnimateNow.lua")

    good = SELECTED - 6
    (message,) = (dialog for dialog in lightroom.dialogs if dialog.kind == "message")
    assert counted(message.text) == {
        "Skipped: missing files": 3,
        "Skipped: videos": 2,
        "Skipped: virtual copies (export them to animate them)": 1,
        "Clips finished": good,
        "Clips imported": good,
    }
    assert "gone 0.jpg, gone 1.jpg, gone 2.jpg" in message.text
    assert len(studio.clips()) == len(lightroom.clips()) == good
    for clip in lightroom.clips():
        path, original = lightroom.facts(clip)["path"], lightroom.facts(clip)["stackedWith"]
        assert lightroom.facts(original)["path"].rpartition("/")[0] == path.rpartition("/")[0]
        assert lightroom.fields(original)["clip"] == path
        assert lightroom.fields(original)["status"] == lightroom.fields(clip)["status"] == "done"
    # Gates are short, requests are batched, and every request had a time-out.
    assert max(lightroom.writes) <= 50 * 8
    sent = [request for request in lightroom.requests if request.path == "/api/animate"]
    assert len(sent) == -(-(SELECTED - 10) // 100)
    assert all(request.seconds <= 300 for request in lightroom.requests)
    portions = [portion for portion, _ in lightroom.progress]
    assert portions == sorted(portions)
    assert portions[-1] == 1
    assert any("about" in caption for _, caption in lightroom.progress)

    # A second time there is nothing to make and nothing to import.
    lightroom.run("MenuAnimateNow.lua")
    assert counted(lightroom.said.text)["Clips already in the catalog"] == good
    lightroom.run("MenuImport.lua")
    assert len(studio.clips()) == len(lightroom.clips()) == good


def test_cancelling_in_mid_run_stops_the_renders(studio: Studio) -> None:
    studio.start()
    lightroom, total = studio.lightroom, 12
    lightroom.select([studio.shoot(f"{n}.jpg", seed=n) for n in range(total)])

    def cancel_after_two() -> None:
        lightroom.cancelled = studio.afterframe.states().get("done", 0) >= 2

    lightroom.while_waiting = cancel_after_two
    lightroom.run("MenuAnimateNow.lua")
    counts = counted(lightroom.said.text)
    assert counts["Clips finished"] + counts["Cancelled"] == total
    assert counts["Cancelled"] >= 1
    states = studio.afterframe.states()
    assert states == {"done": counts["Clips finished"], "cancelled": counts["Cancelled"]}
    statuses = sorted(lightroom.fields(photo)["status"] for photo in lightroom.sdk.selection.values())
    assert statuses == ["cancelled"] * counts["Cancelled"] + ["done"] * counts["Clips finished"]
    requests = [request for request in lightroom.requests if "cancel" in request.path]
    assert [request.path for request in requests] == ["/api/renders/cancel"]


def test_cancelling_while_photos_are_handed_over_leaves_the_rest(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    photos = [studio.shoot(f"{n}.NEF", fileFormat="RAW") for n in range(6)]
    lightroom.select(photos)
    lightroom.answer = lambda dialog: "ok"
    lightroom.while_waiting = lambda: None
    rendered = lightroom._render

    def cancel_at_the_third(path: str, destination: str) -> Any:
        lightroom.cancelled = path.endswith("2.NEF")
        return rendered(path, destination)

    lightroom._render = cancel_at_the_third  # type: ignore[method-assign]
    lightroom.run("MenuAnimateNow.lua")
    assert counted(lightroom.said.text)["Cancelled"] >= 4
    assert set(studio.afterframe.states()) <= {"done", "cancelled"}
    assert list(lightroom.temp.iterdir()) == []


def test_a_killed_daemon_is_noticed_and_nothing_is_lost(studio: Studio) -> None:
    daemon = studio.start()
    lightroom, total = studio.lightroom, 8
    photos = [studio.shoot(f"{n}.jpg", seed=n) for n in range(total)]
    lightroom.select(photos)

    def kill_after_two() -> None:
        if daemon.process.poll() is None and studio.afterframe.states().get("done", 0) >= 2:
            daemon.kill()

    lightroom.while_waiting = kill_after_two
    lightroom.run("MenuAnimateNow.lua")
    assert "Afterframe stopped responding. Queued photos continue when it runs again.: 1" in lightroom.said.text
    assert any("is not responding, waiting" in caption for _, caption in lightroom.progress)
    assert lightroom.said.more == "warning"

    # Status without the daemon: from the sidecars.
    lightroom.run("MenuStatus.lua")
    finished = len(list(studio.photos.glob("*.mp4.xmp")))
    assert 2 <= finished < total
    assert lightroom.said.title.startswith("Afterframe is not responding")
    assert counted(lightroom.said.text) == {"Clips finished": finished}
    statuses = sorted(lightroom.fields(photo)["status"] for photo in photos)
    assert statuses == ["done"] * finished + ["queued"] * (total - finished)
    lightroom.answer = lambda dialog: "cancel"  # do not start it
    lightroom.run("MenuImport.lua")
    assert lightroom.clips() == []

    lightroom.answer = lambda dialog: "ok"
    studio.start()
    until(lambda: studio.afterframe.states().get("done") == total, "the rest to be rendered")
    lightroom.run("MenuImport.lua")
    assert len(lightroom.clips()) == total
    assert {lightroom.fields(photo)["status"] for photo in photos} == {"done"}


def test_whoever_takes_a_killed_daemons_address_in_mid_run_gets_no_token(studio: Studio) -> None:
    daemon = studio.start()
    lightroom, token = studio.lightroom, (studio.afterframe.home / "token").read_text().strip()
    port, heard = int(studio.url.rpartition(":")[2]), list[str]()
    lightroom.select([studio.shoot(f"{n}.jpg", seed=n) for n in range(8)])
    lightroom.real_s_per_s = 0.02
    with ExitStack() as stack:

        def kill_and_squat() -> None:
            if not heard and daemon.process.poll() is None and studio.afterframe.states().get("done", 0) >= 1:
                daemon.kill()
                squatter = stack.enter_context(squatting("health", port))
                heard.append("")
                squatter.heard = heard

        lightroom.while_waiting = kill_and_squat
        lightroom.run("MenuAnimateNow.lua")
    assert "Afterframe stopped responding." in lightroom.said.text
    assert len(heard) > 2
    assert not [line for line in heard if token in line]
    # One question may go to the stranger before it is known as one, with a key that opens nothing any more.
    opened = [line for line in heard if "Authorization" in line]
    assert len(opened) <= 1
    second = studio.start()
    for line in opened:
        key = line.partition("Authorization: ")[2].splitlines()[0]
        request = urllib.request.Request(f"{studio.url}/api/queue", headers={"Authorization": key})
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=20)
    assert second.process.poll() is None


def test_a_daemon_that_is_started_again_in_time_is_waited_for(studio: Studio) -> None:
    first = studio.start()
    lightroom, total = studio.lightroom, 6
    lightroom.select([studio.shoot(f"{n}.jpg", seed=n) for n in range(total)])

    def restart_after_one() -> None:
        if first.process.poll() is None and studio.afterframe.states().get("done", 0) >= 1:
            first.kill()
        elif studio.daemon is first and lightroom.requests[-1].status is None:
            studio.start()  # at another port

    lightroom.while_waiting = restart_after_one
    lightroom.run("MenuAnimateNow.lua")
    assert studio.daemon is not first
    assert counted(lightroom.said.text) == {"Clips finished": total, "Clips imported": total}


def test_events_that_were_missed_are_made_up_for(studio: Studio) -> None:
    studio.start(studio.photos)
    lightroom = studio.lightroom
    studio.shoot("one.jpg")
    until(lambda: studio.afterframe.states().get("done") == 1, "a clip")
    (render,) = studio.afterframe.rows("SELECT id FROM jobs")
    path = str(studio.photos / "one.jpg")
    lightroom.snippet(f"""
        local Api, Progress, LrProgressScope = require "Api", require "Progress", import "LrProgressScope"
        local scope = LrProgressScope {{ title = "x", functionContext = {{}} }}
        local renders = {{ ["{render["id"]}"] = {{ path = "{path}", state = "queued" }} }}
        local how = Progress.follow(Api.connect(), renders, scope, {{ cursor = 1e9 }})
        assert(how == "ended" and renders["{render["id"]}"].state == "done", how)
    """)


def test_a_wrong_token_is_explained_and_a_right_one_pasted(studio: Studio) -> None:
    studio.start()
    lightroom, url = studio.lightroom, studio.url
    photo = studio.shoot("one.jpg")
    lightroom.select([photo])
    lightroom.require("Settings").saveToken(url, "wrong")
    for script in ("MenuAnimateNow.lua", "MenuImport.lua", "MenuCancel.lua", "MenuReview.lua"):
        lightroom.run(script)
        assert lightroom.said.title == "Afterframe does not accept the token."
        assert url in lightroom.said.text
    assert (lightroom.fields(photo), studio.clips(), studio.afterframe.states()) == ({}, [], {})
    lightroom.require("Settings").saveToken(url, (studio.afterframe.home / "token").read_text())
    lightroom.run("MenuAnimateNow.lua")
    assert lightroom.fields(photo)["status"] == "done"


def test_the_dialog_shows_the_recipe_and_what_was_asked_for_is_what_is_made(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    lightroom.select([studio.shoot("one.jpg"), studio.shoot("raw.NEF", fileFormat="RAW")])
    lightroom.fill_in = lambda values: {
        "prompt": "she turns to the light",
        "camera": "pull_out",
        "quality": "best",
        "variants": 2,
        "motionOn": True,
        "motion": 0.25,
    }
    lightroom.press = True  # “Update preview”
    lightroom.run("MenuAnimate.lua")
    assert lightroom.dialogs[1].title == "Photos to animate: 2"
    assert studio.clips() == [
        "one_motion-v2.mp4",
        "one_motion.mp4",
        "raw-animate_motion-v2.mp4",
        "raw-animate_motion.mp4",
    ]
    said = photometa.read_sidecar(studio.photos / "one_motion.mp4.xmp")
    assert "she turns to the light" in str(said["afterframe:prompt"])
    assert (said["afterframe:cameraMovement"], said["afterframe:motionIntensity"]) == ("pull_out", "0.25")
    assert said["afterframe:quality"] == "best"
    assert len(lightroom.clips()) == 4
    recipe = lightroom.modal["preview"]
    assert recipe.lower().startswith("pull out · 1 s · motion 0.25 · she turns to the light")
    assert "\ncamera_movement: " in recipe

    # The next time the dialog begins with these values; cancelled, it changes nothing.
    begun: list[dict[str, Any]] = []
    lightroom.fill_in = lambda values: begun.append(values)  # None: cancel
    lightroom.run("MenuAnimate.lua")
    assert (begun[0]["prompt"], begun[0]["camera"], begun[0]["variants"]) == ("she turns to the light", "pull_out", 2)
    assert len(studio.clips()) == 4


def test_folders_are_asked_for_and_a_refusal_is_kept_to(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    photos = [studio.shoot("day 1/a.jpg"), studio.shoot("day 2/b.jpg", seed=2)]
    lightroom.select(photos)
    lightroom.answer = lambda dialog: "cancel"
    lightroom.run("MenuAnimateNow.lua")
    (question,) = (dialog for dialog in lightroom.dialogs if dialog.kind == "confirm")
    assert f"{studio.photos}/day 1\n{studio.photos}/day 2" in question.text
    assert counted(lightroom.said.text) == {"Skipped: Afterframe may not use the folder": 2}
    assert studio.clips() == []
    lightroom.answer = lambda dialog: "ok"
    lightroom.run("MenuAnimateNow.lua")
    assert studio.clips() == ["a_motion.mp4", "b_motion.mp4"]
    lightroom.dialogs.clear()
    lightroom.run("MenuAnimateNow.lua")
    assert [dialog.kind for dialog in lightroom.dialogs] == ["message"]


def test_one_bad_photo_does_not_stop_the_others(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    names = ["broken.jpg", "also broken.jpg"]
    for name in names:
        (studio.photos / name).write_bytes(b"\xff\xd8\xff\xe0 cut off")
    photos = [studio.shoot(name) for name in (*names, "good.jpg")]
    photos.append(studio.shoot("unrenderable.NEF", fileFormat="RAW"))
    lightroom.unrenderable.add("unrenderable.NEF")
    lightroom.select(photos)
    lightroom.run("MenuAnimateNow.lua")
    text, counts = lightroom.said.text, counted(lightroom.said.text)
    assert (counts["Clips finished"], counts["Clips imported"]) == (1, 1)
    assert sorted(counts.values()) == [1, 1, 1, 2]  # grouped by reason
    assert "broken.jpg, also broken.jpg" in text
    assert "Lightroom could not render the photo" in text
    fields = [lightroom.fields(photo) for photo in photos]
    assert [field["status"] for field in fields] == ["failed", "failed", "done", "failed"]
    assert all(field["error"] for field in fields if field["status"] == "failed")


def test_flags_and_stars_travel_both_ways(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    lightroom.select([studio.shoot("one.jpg"), studio.shoot("two.jpg", seed=2)])
    lightroom.run("MenuAnimateNow.lua")
    one, two = lightroom.clips()
    lightroom.sdk.data(one).pickStatus, lightroom.sdk.data(one).rating = 1, 4
    lightroom.sdk.data(two).pickStatus = -1
    lightroom.run("MenuReview.lua")
    leading = url2pathname(urlsplit(lightroom.pages[0]).path)
    assert lightroom.pages[0].startswith("file:///")
    assert re.search(r"http://127\.0\.0\.1:\d+/login\?code=[\w-]+", Path(leading).read_text("utf-8"))
    said = photometa.read_sidecar(studio.photos / "one_motion.mp4.xmp")
    assert (said["afterframe:verdict"], said["xmp:Rating"]) == ("approved", "4")
    assert photometa.read_sidecar(studio.photos / "two_motion.mp4.xmp")["afterframe:verdict"] == "rejected"

    # The other way; and when both changed, Lightroom wins.
    api = lightroom.require("Api").connect()
    later = lightroom.table([lightroom.fields(one)["clipId"], lightroom.fields(two)["clipId"]])
    both = "api:setVerdict(ids[1], 'none', 2) api:setVerdict(ids[2], 'none', 1)"
    work = f"local api, ids = ...; return function() {both} end"
    lightroom.task(work, api, later)
    lightroom.sdk.data(two).rating = 3
    lightroom.run("MenuStatus.lua")
    assert counted(lightroom.said.text)["Flags and stars received from Afterframe"] == 1
    assert counted(lightroom.said.text)["Flags and stars sent to Afterframe"] == 1
    assert (lightroom.facts(one)["pickStatus"], lightroom.facts(one)["rating"]) == (0, 2)
    assert photometa.read_sidecar(studio.photos / "two_motion.mp4.xmp")["xmp:Rating"] == "3"
    originals = [lightroom.fields(photo)["status"] for photo in lightroom.sdk.selection.values()]
    assert originals == ["done", "rejected"]
    before = len(lightroom.requests)
    lightroom.run("MenuStatus.lua")
    assert not [request for request in lightroom.requests[before:] if request.path.endswith("/verdict")]


def test_a_busy_catalogue_is_tried_again_and_then_named(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    photo = studio.shoot("one.jpg")
    lightroom.select([photo])
    lightroom.sdk.busy = 2
    lightroom.run("MenuAnimateNow.lua")
    assert lightroom.fields(photo)["status"] == "done"
    lightroom.sdk.busy = 1000
    lightroom.run("MenuStatus.lua")
    assert counted(lightroom.said.text)["Lightroom was busy: metadata not written (“Status” writes it)"] >= 1
    lightroom.sdk.busy = 0


def test_a_photo_that_cannot_be_stacked_gets_its_clip_all_the_same(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    lightroom.select([studio.shoot("one.jpg", unstackable=True)])
    lightroom.run("MenuAnimateNow.lua")
    assert counted(lightroom.said.text) == {
        "Clips finished": 1,
        "Imported, but not stacked (different folder or stack)": 1,
    }
    assert len(lightroom.clips()) == 1


def test_an_export_is_animated_and_works_without_the_daemon_too(studio: Studio, tmp_path: Path) -> None:
    lightroom = studio.lightroom
    out = tmp_path / "exported"
    out.mkdir()
    photos = [studio.shoot(f"DSC_{n}.NEF", fileFormat="RAW") for n in range(2)]
    lightroom.export(photos, out, afterframePrompt="leaves fall")
    assert sorted(path.name for path in out.iterdir()) == ["DSC_0-animate.jpg", "DSC_1-animate.jpg"]
    assert "Exported; will be animated when Afterframe runs again: 2" in lightroom.said.text
    assert {lightroom.fields(photo)["status"] for photo in photos} == {"waiting"}

    studio.settings(watch={"settle_s": 2.0})
    studio.start(studio.photos)
    lightroom.answer = lambda dialog: "cancel"  # the folder is not allowed: they go on waiting
    lightroom.run("MenuStatus.lua")
    assert {lightroom.fields(photo)["status"] for photo in photos} == {"waiting"}
    lightroom.answer = lambda dialog: "ok"
    lightroom.run("MenuStatus.lua")
    until(lambda: studio.afterframe.idle(), "the renders to end")
    lightroom.run("MenuImport.lua")
    assert {lightroom.fields(photo)["status"] for photo in photos} == {"done"}
    assert counted(lightroom.said.text)["Imported, but not stacked (different folder or stack)"] == 2

    # A photo that Lightroom cannot render is named, and the others go on.
    lightroom.unrenderable.add("DSC_8.NEF")
    lightroom.export([studio.shoot("DSC_8.NEF", fileFormat="RAW")])
    assert "The file could not be read." in lightroom.said.text
    assert "DSC_8.NEF" in lightroom.said.text

    # Into a watched folder: asked for with words, and not animated a second time without them.
    beside = [studio.shoot("DSC_9.NEF", fileFormat="RAW")]
    lightroom.export(beside, afterframePrompt="leaves fall", afterframeQuality="fast")
    assert studio.clips() == ["DSC_9-animate_motion.mp4"]
    said = photometa.read_sidecar(studio.photos / "DSC_9-animate_motion.mp4.xmp")
    assert "leaves fall" in str(said["afterframe:prompt"])
    assert said["afterframe:quality"] == "fast"
    assert lightroom.under(lightroom.clips()[-1]) == lightroom.facts(beside[0])["path"]


def test_a_daemon_elsewhere_gets_paths_that_it_knows_or_the_photos_themselves(studio: Studio, tmp_path: Path) -> None:
    lightroom, home = studio.lightroom, studio.afterframe.home
    nas, inbox = tmp_path / "nas", tmp_path / "inbox"
    nas.mkdir()
    inbox.mkdir()
    mounted = tmp_path / "mounted"
    mounted.symlink_to(nas)
    studio.settings(
        server={"allowed_hosts": ["studio.example"]},
        watch={"allowed": [str(nas), str(inbox)]},
    )
    studio.start()
    lightroom.hosts["studio.example"] = "127.0.0.1"
    url = f"http://studio.example:{studio.url.rpartition(':')[2]}"
    lightroom.prefs(address=url, mappings=f"{mounted} => {nas}", uploadFolder=str(inbox))

    # The token file is this machine's: it is not shown to another.
    lightroom.select([studio.shoot("here.jpg")])
    lightroom.run("MenuAnimateNow.lua")
    assert lightroom.said.title == "Afterframe does not accept the token."
    lightroom.require("Settings").saveToken(url, (home / "token").read_text())

    seen = studio.lightroom.photo(mounted / "shared.jpg")
    (studio.photos / "shared.jpg").write_bytes(b"")
    studio.shoot("copy.jpg", seed=5)
    (studio.photos / "copy.jpg").rename(nas / "shared.jpg")
    here, raw = studio.shoot("here.jpg"), studio.shoot("raw.NEF", fileFormat="RAW")
    (studio.photos / "here_motion.mp4").write_bytes(b"the photographer's own")
    lightroom.select([seen, here, raw])
    lightroom.run("MenuAnimateNow.lua")
    assert counted(lightroom.said.text) == {"Clips finished": 3, "Clips imported": 3}
    assert (nas / "shared_motion.mp4").exists()
    assert lightroom.fields(seen)["clip"] == str(mounted / "shared_motion.mp4")
    assert sorted(path.name for path in inbox.glob("*.jpg")) == ["here.jpg", "raw-animate.jpg"]
    assert studio.clips() == ["here_motion-v2.mp4", "here_motion.mp4", "raw_motion.mp4"]
    assert (studio.photos / "here_motion.mp4").read_bytes() == b"the photographer's own"
    for mine, theirs in (("here_motion-v2", "here_motion"), ("raw_motion", "raw-animate_motion")):
        for suffix in (".mp4", ".mp4.xmp"):
            assert (studio.photos / (mine + suffix)).read_bytes() == (inbox / (theirs + suffix)).read_bytes()

    # Without the daemon, the sidecars that were fetched tell; with it, nothing is fetched or imported twice.
    lightroom.hosts["studio.example"] = "127.0.0.255"
    lightroom.run("MenuStatus.lua")
    assert counted(lightroom.said.text) == {"Clips finished": 3}
    lightroom.hosts["studio.example"] = "127.0.0.1"
    before = studio.clips()
    lightroom.run("MenuImport.lua")
    assert (studio.clips(), len(lightroom.clips())) == (before, 3)
    assert counted(lightroom.said.text)["Clips already in the catalog"] == 3


def test_the_plugin_starts_the_daemon_when_it_ran_before(studio: Studio) -> None:
    lightroom, home = studio.lightroom, studio.afterframe.home
    photo = studio.shoot("one.jpg")
    lightroom.select([photo])
    lightroom.run("MenuAnimateNow.lua")
    assert lightroom.said.title.startswith("Afterframe is not responding")  # it never ran: there is no way to start it
    studio.settings(server={"port": 0})
    studio.start().stop()
    assert not (home / "daemon.json").exists()
    questions: list[Dialog] = []
    lightroom.answer = lambda dialog: questions.append(dialog) or "ok"
    lightroom.real_s_per_s = 1.0  # a process really starts
    lightroom.run("MenuAnimateNow.lua")
    process = psutil.Process(json.loads((home / "daemon.json").read_text())["pid"])
    try:
        assert [question.title for question in questions] == [
            "Afterframe is not running.",
            "May Afterframe use these folders?",
        ]
        assert lightroom.fields(photo)["status"] == "done"
    finally:
        process.terminate()
        process.wait(20)


def test_a_folder_that_cannot_be_used_is_told_while_its_renders_wait(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    lightroom.select([studio.shoot("1.jpg", seed=1)])
    api = lightroom.require("Api").connect()
    lightroom.task("local api = ...; return function() api:post('/api/queue', { paused = true }) end", api)

    def hold_then_cancel() -> None:
        if any("is full" in caption for _, caption in lightroom.progress):
            lightroom.cancelled = True
        elif lightroom.progress:
            with closing(Database(studio.afterframe.home / "state.db")) as database:
                full = Failure("disk_full", "The disk that holds /exports is full.", "Free some space.")
                HeldFolders(database).hold(Path("/exports"), full)

    lightroom.while_waiting = hold_then_cancel
    lightroom.real_s_per_s = 0
    lightroom.run("MenuAnimateNow.lua")
    assert any("waiting: The disk that holds /exports is full." in caption for _, caption in lightroom.progress)
    assert counted(lightroom.said.text) == {"Cancelled": 1}


def test_a_paused_queue_is_waited_for_and_cancelled_from_the_menu(studio: Studio) -> None:
    studio.start()
    lightroom = studio.lightroom
    photos = [studio.shoot(f"{n}.jpg", seed=n) for n in range(3)]
    lightroom.select(photos)
    api = lightroom.require("Api").connect()
    lightroom.task("local api = ...; return function() api:post('/api/queue', { paused = true }) end", api)

    def give_up_after_a_quarter_of_an_hour() -> None:
        lightroom.cancelled = lightroom.now > began + 1000

    began = lightroom.now
    lightroom.while_waiting = give_up_after_a_quarter_of_an_hour
    lightroom.real_s_per_s = 0
    lightroom.run("MenuAnimateNow.lua")
    assert any("the queue is paused" in caption for _, caption in lightroom.progress)
    assert counted(lightroom.said.text) == {"Cancelled": 3}
    lightroom.while_waiting, lightroom.cancelled = lambda: None, False

    # Three ways to answer the menu's question.
    paths = lightroom.table([lightroom.facts(photo)["path"] for photo in photos])
    again = "local api, paths = ...; return function() api:animate(paths, { recipe = { seed = 7 } }, nil) end"
    lightroom.task(again, api, paths)
    lightroom.select(photos[:1])
    for answer, left in (("cancel", 3), ("ok", 2), ("other", 0)):
        lightroom.answer = lambda dialog, answer=answer: answer  # type: ignore[misc]
        lightroom.run("MenuCancel.lua")
        assert studio.afterframe.states().get("queued", 0) == left
    asked = [dialog.text for dialog in lightroom.dialogs if dialog.title == "What do you want to cancel?"]
    assert asked[0] == "Queued or rendering for the selected photos: 1. In total: 3."
    assert {lightroom.fields(photo)["status"] for photo in photos} == {"cancelled"}
