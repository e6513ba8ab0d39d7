from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from web_fixtures import TOKEN, Desk, make_desk  # noqa: F401 - a fixture

from afterframe.domain import Failure, JobState, Stamp
from afterframe.errors import PhotoError
from afterframe.state.catalog import WAITING
from afterframe.web.auth.boot import Boot
from factories import make_job


def test_the_daemon_proves_that_it_holds_the_token_without_showing_it(desk: Desk) -> None:
    challenge = "0123456789abcdef-ABC"
    answer = desk.client().get(f"/api/health?challenge={challenge}")
    boot = answer.json["boot"]
    assert answer.json["proof"] == hmac.digest(TOKEN.encode(), f"proof {challenge} {boot}".encode(), "sha256").hex()
    other = desk.client().get(f"/api/health?challenge={challenge}x").json
    assert (other["boot"], other["proof"] != answer.json["proof"]) == (boot, True)
    key = hmac.digest(TOKEN.encode(), f"key {boot}".encode(), "sha256").hex()
    for bearer, status in ((key, 200), (TOKEN, 200), (answer.json["proof"], 401), (boot, 401)):
        assert desk.client().get("/api/queue", headers={"Authorization": f"Bearer {bearer}"}).status_code == status
    for secret in (TOKEN, key):
        assert secret not in answer.text
    assert {"boot", "proof"}.isdisjoint(desk.client().get("/api/health").json)


@pytest.mark.parametrize("challenge", ["", "short", "x" * 129, "key 0123456789abcdef", "0123456789abcde%0A", "ü" * 16])
def test_a_challenge_that_is_none_is_refused(desk: Desk, challenge: str) -> None:
    answer = desk.client().get("/api/health", query_string={"challenge": challenge})
    assert (answer.status_code, "proof" in answer.json) == (400, False)


def test_the_key_of_one_run_does_not_open_the_next() -> None:
    runs = [Boot(TOKEN), Boot(TOKEN)]
    assert len({run.key for run in runs} | {run.id for run in runs}) == 4
    assert TOKEN not in repr(runs)  # as a log or a traceback would show it


def test_health_needs_no_token_and_tells_the_queue(desk: Desk) -> None:
    desk.good("POST", "/api/animate", {"photos": [str(desk.photo())]})
    health = desk.client().get("/api/health")
    assert health.status_code == 200
    assert health.json["name"] == "afterframe"
    assert health.json["queue_depth"] == 1
    assert "parallax" in health.json["generators"]
    assert health.json["paused"] is False


# -- animate -----------------------------------------------------------------------------------


def test_one_bad_photo_never_fails_the_others(desk: Desk) -> None:
    good, broken = desk.photo("good.jpg"), desk.photo("broken.jpg")
    desk.reader.problems[broken] = PhotoError("broken.jpg is cut short.", "Export it again.", code="truncated")
    stranger = desk.outside / "x.jpg"
    text = desk.watched / "notes.txt"
    text.write_text("no photo")
    asked = [
        *map(str, (broken, good, stranger, text, desk.watched, desk.watched / "gone.jpg")),
        "relative.jpg",
    ]
    answer = desk.good("POST", "/api/animate", {"photos": asked})
    assert [render["photo"] for render in answer["renders"]] == [str(good)]
    assert {entry["path"]: entry["reason"]["code"] for entry in answer["refused"]} == {
        str(broken): "truncated",
        str(stranger): "not_allowed",
        str(text): "unsupported_kind",
        str(desk.watched): "folder",
        str(desk.watched / "gone.jpg"): "missing",
        "relative.jpg": "relative_path",
    }
    assert all(entry["reason"]["message"] for entry in answer["refused"])


@pytest.mark.logs_errors
def test_a_surprise_with_one_photo_never_fails_the_others(desk: Desk) -> None:
    good, cursed = desk.photo("good.jpg"), desk.photo("cursed.jpg")
    desk.reader.problems[cursed] = ZeroDivisionError("secret detail")
    answer = desk.good("POST", "/api/animate", {"photos": [str(cursed), str(good)]})
    assert len(answer["renders"]) == 1
    assert answer["refused"][0]["reason"]["code"] == "internal"
    assert "secret detail" not in json.dumps(answer)


def test_the_words_of_the_request_lead_the_recipe(desk: Desk) -> None:
    body = {
        "photos": [str(desk.photo())],
        "recipe": {"prompt": "steam rises", "duration_s": 2},
        "variants": 3,
    }
    renders = desk.good("POST", "/api/animate", body)["renders"]
    assert [render["recipe"]["prompt"] for render in renders] == ["steam rises"] * 3
    assert len({render["recipe"]["seed"] for render in renders}) == 3
    assert renders[0]["recipe"]["duration_s"] == 2
    assert renders[0]["origin"] == "request"


def test_paths_are_echoed_exactly_as_given(desk: Desk) -> None:
    path = desk.photo("naïve “photo” 🌅\nline.jpg")
    given = f"{desk.watched}/sub/../{path.name}"
    assert desk.good("POST", "/api/animate", {"photos": [given]})["renders"][0]["photo"] == given
    assert desk.good("POST", "/api/photos/lookup", {"paths": [given]})["photos"][0]["path"] == given
    assert desk.good("POST", "/api/recipe", {"photo": given})["photo"] == given


def test_the_same_key_gives_the_same_answer_and_nothing_twice(desk: Desk) -> None:
    body = {"photos": [str(desk.photo())], "idempotency_key": "export-17"}
    first = desk.good("POST", "/api/animate", body)
    desk.services.queue.cancel(first["renders"][0]["id"])
    assert desk.good("POST", "/api/animate", body) == first
    assert len(desk.services.queue.page()[0]) == 1


def test_a_key_does_not_serve_two_requests(desk: Desk) -> None:
    body = {"photos": [str(desk.photo())], "idempotency_key": "export-17"}
    desk.good("POST", "/api/animate", body)
    assert desk.bad("POST", "/api/animate", {**body, "variants": 2}) == (409, "key_reused")


@pytest.mark.parametrize(
    ("change", "status", "code", "names"),
    [
        ({"recipe": {"motion": 1}}, 400, "unknown_key", "recipe.motion"),
        ({"recipe": {"motion_intensity": 7}}, 400, "setting_out_of_range", "motion_intensity"),
        ({"generator": "nope"}, 400, "no_generator", "nope"),
        ({"variants": 17}, 400, "bad_request", "variants"),
        ({"variants": True}, 400, "bad_request", "variants"),
        ({"photos": "a.jpg"}, 400, "bad_request", "photos"),
        ({"photos": []}, 400, "bad_request", "photos"),
        ({"photos": [3]}, 400, "bad_request", "photos[0]"),
        ({"photos": ["/x.jpg"] * 501}, 400, "bad_request", "photos"),
        ({"idempotency_key": "\ud800"}, 400, "bad_request", "idempotency_key"),
        ({"surprise": 1}, 400, "unknown_key", "surprise"),
    ],
)
def test_a_senseless_request_names_what_is_wrong(
    desk: Desk, change: dict[str, object], status: int, code: str, names: str
) -> None:
    response = desk.ask("POST", "/api/animate", {"photos": ["/x.jpg"], **change})
    assert response.status_code == status
    assert response.json["error"]["code"] == code
    assert names in response.json["error"]["message"]


def test_five_hundred_photos_go_in_one_request(desk: Desk) -> None:
    photos = [str(desk.photo()), *(str(desk.watched / f"{number}.jpg") for number in range(499))]
    answer = desk.good("POST", "/api/animate", {"photos": photos})
    assert [render["photo"] for render in answer["renders"]] == photos[:1]
    assert [entry["path"] for entry in answer["refused"]] == photos[1:]


def test_a_stopping_daemon_takes_no_more(desk: Desk) -> None:
    desk.services.stopping.set()
    answer = desk.good("POST", "/api/animate", {"photos": [str(desk.photo())]})
    assert answer["refused"][0]["reason"]["code"] == "stopping"


# -- bodies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        (b'{"photo": "/x.jpg"}', "text/plain", (415, "not_json")),
        (b"photo=x", "application/x-www-form-urlencoded", (415, "not_json")),
        (b'{"photo": "/x.jpg"}', "", (415, "not_json")),
        (b"{", "application/json", (400, "bad_json")),
        (b"", "application/json", (400, "bad_json")),
        (b"\xff\xfe", "application/json", (400, "bad_json")),
        (b'{"photo": NaN}', "application/json", (400, "bad_json")),
        (b"[" * 100_000, "application/json", (400, "bad_json")),
        (b"9" * 10_000, "application/json", (400, "bad_json")),
        (b"[]", "application/json", (400, "bad_request")),
        (b"null", "application/json", (400, "bad_request")),
        (b'{"photo": "' + b"x" * (5 << 20) + b'"}', "application/json", (413, "too_large")),
    ],
)
def test_a_body_must_be_sensible_json(desk: Desk, data: bytes, kind: str, expected: tuple[int, str]) -> None:
    assert desk.bad("POST", "/api/recipe", data=data, content_type=kind) == expected


def test_a_charset_may_be_named(desk: Desk) -> None:
    body = json.dumps({"photo": str(desk.photo())}).encode()
    kind = "application/json; charset=utf-8"
    assert desk.ask("POST", "/api/recipe", data=body, content_type=kind).status_code == 200


@pytest.mark.parametrize("name", ["n" * 300 + ".jpg", "a/" * 4000 + "a.jpg"])
def test_a_path_longer_than_the_disk_can_hold_is_refused_everywhere_alike(desk: Desk, name: str) -> None:
    path = f"{desk.watched}/{name}"
    assert desk.bad("POST", "/api/recipe", {"photo": path}) == (400, "name_too_long")
    assert desk.bad("GET", f"/api/folders/photos?path={path}") == (400, "name_too_long")
    refused = desk.good("POST", "/api/animate", {"photos": [path]})["refused"][0]["reason"]
    looked_up = desk.good("POST", "/api/photos/lookup", {"paths": [path]})["photos"][0]
    assert refused == looked_up["error"]
    assert refused["code"] == "name_too_long"
    assert len(refused["message"]) < 400


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/api/clips?limit=-1", "“limit” must be from 1 to 200."),
        ("/api/clips?skip=-1", "“skip” must be from 0 to"),
        ("/api/events?since=-1", "“since” must be"),
        ("/api/events?since=soon", "“since” must be a whole number."),
        ("/api/clips?until=abc", "“until” must be a date."),
        ("/api/clips/outline?since=abc", "“since” must be a date."),
        ("/api/clips?since=2026-W11-6", "“since” must be a date."),
    ],
)
def test_a_query_is_told_what_is_expected_of_it(desk: Desk, address: str, words: str) -> None:
    assert desk.ask("GET", address).json["error"]["message"].startswith(words)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/api/renders?limit=0", "bad_request"),
        ("/api/renders?limit=many", "bad_request"),
        ("/api/renders?after=99999999999999999999999", "bad_request"),
        ("/api/renders?state=asleep", "bad_request"),
        ("/api/renders?since=1", "unknown_key"),
        ("/api/renders?limit=1&limit=2", "bad_request"),
        ("/api/clips?verdict=maybe", "bad_request"),
        ("/api/events?since=-1", "bad_request"),
    ],
)
def test_a_senseless_query_is_refused(desk: Desk, address: str, code: str) -> None:
    assert desk.bad("GET", address) == (400, code)


def test_unknown_addresses_and_methods_answer_in_the_same_form(desk: Desk) -> None:
    assert desk.bad("GET", "/api/nothing") == (404, "no_route")
    assert desk.bad("GET", "/nothing") == (404, "no_route")
    assert desk.bad("PUT", "/api/folders") == (405, "wrong_method")
    assert desk.ask("PUT", "/api/folders").headers["Allow"]
    assert desk.bad("OPTIONS", "/api/folders") == (405, "wrong_method")


@pytest.mark.logs_errors
def test_a_mistake_of_ours_is_a_plain_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("afterframe.state.queue.Queue.counts", lambda queue: 1 / 0)
    assert desk.bad("GET", "/api/queue") == (500, "internal")
    assert "ZeroDivisionError" in caplog.text


# -- lookup, recipe ----------------------------------------------------------------------------


def test_lookup_tells_each_photos_state(desk: Desk) -> None:
    fresh, queued, broken, held = (desk.photo(f"{name}.jpg") for name in ("fresh", "queued", "broken", "held"))
    catalog = desk.services.catalog
    desk.good("POST", "/api/animate", {"photos": [str(queued)]})
    catalog.record_rejection(broken, Stamp.of(broken.stat()), Failure("truncated", "It is cut short."))
    desk.services.folders.hold_backlog({str(held): Stamp.of(held.stat())})
    clip = desk.clip("done.jpg")
    paths = [
        fresh,
        queued,
        broken,
        held,
        desk.watched / "done.jpg",
        desk.watched / "no.jpg",
        desk.outside / "x.jpg",
    ]
    photos = desk.good("POST", "/api/photos/lookup", {"paths": [str(path) for path in paths]})["photos"]
    assert [photo["state"] for photo in photos] == [
        "unknown", "queued", "refused", "waiting", "done", "missing", "outside",
    ]  # fmt: skip
    assert len(photos[1]["renders"]) == 1
    assert photos[2]["error"]["code"] == "truncated"
    assert photos[3]["error"]["code"] == WAITING.code
    assert [found["id"] for found in photos[4]["clips"]] == [clip.id]
    assert photos[6]["error"]["code"] == "not_allowed"


def test_lookup_through_a_linked_folder_finds_the_same_photo(desk: Desk, tmp_path: Path) -> None:
    clip = desk.clip()
    link = tmp_path / "link"
    link.symlink_to(desk.watched)
    given = str(link / "DSC_0042.jpg")
    (photo,) = desk.good("POST", "/api/photos/lookup", {"paths": [given]})["photos"]
    assert photo["clips"][0]["id"] == clip.id
    assert photo["clips"][0]["photo"] == given


def test_a_recipe_is_shown_with_its_reasons_and_nothing_queued(desk: Desk) -> None:
    answer = desk.good("POST", "/api/recipe", {"photo": str(desk.photo()), "overrides": {"fps": 12}})
    assert answer["recipe"]["fps"] == 12
    assert answer["recipe"]["because"]["fps"] == ["your words for this photo"]
    assert desk.services.queue.page()[0] == []


# -- renders -----------------------------------------------------------------------------------


def test_renders_come_in_pages_newest_first(desk: Desk) -> None:
    photos = [str(desk.photo(f"{number}.jpg")) for number in range(5)]
    made = [render["id"] for render in desk.good("POST", "/api/animate", {"photos": photos})["renders"]]
    first = desk.good("GET", "/api/renders?limit=3")
    second = desk.good("GET", f"/api/renders?limit=3&after={first['next']}")
    assert [render["id"] for render in first["renders"] + second["renders"]] == made[::-1]
    assert second["next"] is None
    assert desk.good("GET", "/api/renders?state=done")["renders"] == []
    assert desk.good("GET", f"/api/renders/{made[0]}")["photo"] == photos[0]


def test_many_renders_are_cancelled_at_once_and_what_has_ended_is_left_alone(desk: Desk) -> None:
    answer = desk.good("POST", "/api/animate", {"photos": [str(desk.photo(f"DSC_{n}.jpg")) for n in range(3)]})
    first, second, third = (render["id"] for render in answer["renders"])
    desk.services.queue.cancel(third)
    stopped = desk.good("POST", "/api/renders/cancel", {"renders": [first, first, "nope", second, third]})
    assert [(render["id"], render["state"]) for render in stopped["renders"]] == [
        (first, "cancelled"),
        (second, "cancelled"),
    ]


def test_many_renders_are_retried_at_once_and_what_has_not_ended_is_left_alone(desk: Desk) -> None:
    answer = desk.good("POST", "/api/animate", {"photos": [str(desk.photo(f"DSC_{n}.jpg")) for n in range(3)]})
    first, second, third = (render["id"] for render in answer["renders"])
    desk.good("POST", "/api/renders/cancel", {"renders": [first, second]})
    retried = desk.good("POST", "/api/renders/retry", {"renders": [first, first, "nope", second, third]})
    assert retried == {"retried": [first, second]}
    assert desk.services.queue.counts()["queued"] == 3


def test_all_renders_that_failed_are_retried_in_the_order_they_were_asked_for(desk: Desk) -> None:
    queue, catalog = desk.services.queue, desk.services.catalog
    asked = [make_job(queue, catalog, f"/photos/{n:03}.jpg").id for n in range(205)]
    with desk.services.database.transaction():
        for _ in asked[1:]:
            job = queue.claim("a/0")
            assert job is not None
            queue.fail(job.id, "a/0", PhotoError("It cannot be read."))
    queue.cancel(asked[-1])
    assert desk.good("POST", "/api/renders/retry", {"state": "failed"}) == {"retried": asked[:-1]}
    assert [job.id for job in queue.unfinished()] == asked[:-1]
    assert desk.good("POST", "/api/renders/retry", {"state": "cancelled"}) == {"retried": asked[-1:]}
    assert desk.good("POST", "/api/renders/retry", {"state": "failed"}) == {"retried": []}


@pytest.mark.parametrize("body", [{}, {"state": "running"}, {"renders": []}])
def test_a_retry_names_renders_or_a_state_that_can_be_retried(desk: Desk, body: dict[str, Any]) -> None:
    assert desk.bad("POST", "/api/renders/retry", body)[0] == 400


def test_a_render_is_cancelled_and_tried_again(desk: Desk) -> None:
    (render,) = desk.good("POST", "/api/animate", {"photos": [str(desk.photo())]})["renders"]
    address = f"/api/renders/{render['id']}"
    assert desk.good("POST", f"{address}/cancel")["state"] == "cancelled"
    assert desk.bad("POST", f"{address}/cancel") == (409, "wrong_state")
    assert desk.good("POST", f"{address}/retry", {})["state"] == "queued"
    assert desk.bad("POST", f"{address}/retry") == (409, "wrong_state")


def test_a_running_render_says_that_it_is_about_to_stop(desk: Desk) -> None:
    desk.good("POST", "/api/animate", {"photos": [str(desk.photo())]})
    job = desk.services.queue.claim("somebody/0")
    assert job is not None
    answer = desk.good("POST", f"/api/renders/{job.id}/cancel")
    assert (answer["state"], answer["cancelling"]) == ("running", True)


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/api/renders/nope"),
        ("POST", "/api/renders/nope/cancel"),
        ("POST", "/api/renders/nope/retry"),
        ("GET", "/api/clips/nope"),
        ("GET", "/api/clips/nope/file"),
        ("GET", "/api/clips/nope/poster"),
    ],
)
def test_an_unknown_id_is_not_found(desk: Desk, method: str, address: str) -> None:
    assert desk.bad(method, address) == (404, "not_found")


# -- queue -------------------------------------------------------------------------------------


def test_the_queue_is_arranged_paused_and_emptied(desk: Desk) -> None:
    photos = [str(desk.photo(f"{number}.jpg")) for number in range(3)]
    ids = [render["id"] for render in desk.good("POST", "/api/animate", {"photos": photos})["renders"]]
    answer = desk.good("POST", "/api/queue", {"order": [ids[2], ids[0]], "paused": True})
    assert [render["id"] for render in answer["renders"]] == [ids[2], ids[0], ids[1]]
    assert answer["paused"] is True
    assert answer["depth"] == 3
    emptied = desk.good("POST", "/api/queue", {"cancel_all": True, "paused": False})
    assert (emptied["depth"], emptied["paused"]) == (0, False)
    assert emptied["counts"][JobState.CANCELLED] == 3
    assert desk.good("GET", "/api/queue") == emptied


def test_a_queue_request_is_done_as_a_whole_or_not_at_all(desk: Desk) -> None:
    assert desk.bad("POST", "/api/queue", {"paused": True, "order": ["nope"]}) == (404, "not_found")
    assert desk.bad("POST", "/api/queue", {}) == (400, "bad_request")
    assert desk.services.queue.paused is False


# -- folders -----------------------------------------------------------------------------------


def test_a_folder_is_added_changed_and_forgotten(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "more 🌅"
    folder.mkdir()
    added = desk.good("POST", "/api/folders", {"path": str(folder)})
    assert added["path"] == added["folder"]["path"] == str(folder)
    assert added["folder"]["watch"] is True
    assert desk.good("POST", "/api/folders", {"path": f"{folder}/", "watch": False})["folder"]["watch"] is False
    assert desk.good("POST", "/api/folders", {"path": str(folder)})["folder"]["watch"] is False
    assert len(desk.good("GET", "/api/folders")["folders"]) == 2
    folder.rmdir()
    assert desk.good("DELETE", "/api/folders", {"path": str(folder)}) == {"path": str(folder)}
    assert desk.bad("DELETE", "/api/folders", {"path": str(folder)}) == (404, "not_found")
    assert desk.changes == ["folders"] * 4


def test_an_allowed_root_lets_requests_in(desk: Desk) -> None:
    path = desk.outside / "a.jpg"
    path.write_bytes(desk.photo().read_bytes())
    assert desk.bad("POST", "/api/recipe", {"photo": str(path)}) == (403, "not_allowed")
    desk.good("POST", "/api/folders", {"path": str(desk.outside), "watch": False})
    assert desk.good("POST", "/api/recipe", {"photo": str(path)})


def test_a_backlog_waits_for_a_word(desk: Desk) -> None:
    stamps = {str(path): Stamp.of(path.stat()) for path in (desk.photo("a.jpg"), desk.photo("b.jpg"))}
    desk.services.folders.hold_backlog(stamps)
    desk.services.folders.set_backlog(desk.watched, seen=True, waiting=2)
    assert desk.good("GET", "/api/folders")["folders"][0]["waiting"] == 2
    answer = desk.good("POST", "/api/folders", {"path": str(desk.watched), "confirm_backlog": True})
    assert answer["released"] == 2
    assert answer["folder"]["waiting"] == 0
    assert desk.changes == ["folders", f"look {desk.watched}"]


def test_what_is_no_folder_for_photos_is_refused(desk: Desk) -> None:
    home = desk.services.home
    root = desk.watched.anchor
    assert desk.bad("POST", "/api/folders", {"path": "photos"}) == (400, "relative_path")
    assert desk.bad("POST", "/api/folders", {"path": str(desk.watched / "nope")}) == (400, "no_folder")
    assert desk.bad("POST", "/api/folders", {"path": str(desk.photo())}) == (400, "no_folder")
    assert desk.bad("POST", "/api/folders", {"path": root}) == (403, "whole_disk")
    assert desk.bad("POST", "/api/folders", {"path": str(home.root)}) == (403, "own_folder")
    assert desk.bad("POST", "/api/folders", {"path": str(home.cache)}) == (403, "own_folder")
    assert desk.bad("POST", "/api/folders", {"path": "/x" * 9000}) == (400, "no_folder")
    assert desk.changes == []


# -- login codes -------------------------------------------------------------------------------


def test_a_plugin_gets_a_link_for_the_browser(desk: Desk) -> None:
    link = desk.good("POST", "/api/login-code")
    assert link["url"].endswith(link["path"])
    client = desk.client()
    assert client.get("/").status_code == 401
    assert client.get(link["path"]).status_code == 200
    assert client.get("/").status_code == 200
    assert TOKEN not in client.get("/").get_data(as_text=True)


def test_a_plugin_gets_a_private_file_that_leads_to_the_link(desk: Desk) -> None:
    assert desk.good("POST", "/api/login-code")["file"] == ""
    link = desk.good("POST", "/api/login-code", {"file": True})
    file = desk.services.home.login_pages / link["file"].rpartition("/")[2]
    assert link["file"] == file.as_uri()
    assert link["url"] in file.read_text("utf-8")
    desk.services.home.login_pages.rename(desk.outside / "login")
    desk.services.home.login_pages.write_text("in the way")
    assert desk.good("POST", "/api/login-code", {"file": True})["file"] == ""
