"""/v1: OpenAI's Videos protocol over a real state file. The `openai` package itself is in test_web_videos_openai.py."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_web_uploads import jpeg
from web_fixtures import TOKEN, Desk, keep_to_contract, make_desk  # noqa: F401 - a fixture
from werkzeug.test import TestResponse

from afterframe.domain import Clip, Job, JobState
from afterframe.errors import PhotoError
from afterframe.formats.json_schema import check
from afterframe.intake.ingest import RenderRequest
from afterframe.intake.photo_reader import Reading, read_photo
from afterframe.naming import sidecar_of
from afterframe.scene import Scene
from afterframe.system.hashing import sha256_of
from afterframe.web.http.resources import SCHEMAS
from afterframe.web.http.schemas import ref
from afterframe.web.openai.upload_store import DELETED, RECORD
from factories import listed_clips, make_clip, make_reading
from photometa import Facts


def create(desk: Desk, data: bytes | None = None, name: str = "DSC_0042.jpg", **fields: Any) -> dict[str, Any]:
    """A video of a sent file, as the package sends it."""
    form = {"prompt": "waves", **fields, "input_reference": (io.BytesIO(data or jpeg()), name)}
    return good(desk, "POST", "/v1/videos", data=form)


def good(desk: Desk, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
    response = desk.ask(method, path, body, **more)
    assert response.status_code == 200, response.get_data(as_text=True)
    keep_to_contract(desk.app, method, path, response)
    answer: dict[str, Any] = response.get_json()
    return answer


def bad(desk: Desk, method: str, path: str, body: object = None, **more: Any) -> tuple[int, str]:
    return refusal(desk.ask(method, path, body, **more))


def refusal(response: TestResponse) -> tuple[int, str]:
    """(status, code) of a refusal in OpenAI's form."""
    check(response.get_json(), ref("OpenAIError"), SCHEMAS)
    error = response.get_json()["error"]
    assert error["message"]
    assert error["type"] == ("server_error" if response.status_code >= 500 else "invalid_request_error")
    return response.status_code, error["code"]


def data_url(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def folder_of(desk: Desk, video: dict[str, Any]) -> Path:
    folder: Path = desk.services.home.uploads / "videos" / video["id"]
    return folder


def job_of(desk: Desk, video: dict[str, Any]) -> Job:
    jobs = [job for job in desk.services.queue.page(limit=200)[0] if video["id"] in job.photo_path]
    return jobs[-1]


def claim(desk: Desk) -> Job:
    job = desk.services.queue.claim("worker/0")
    assert job is not None
    return job


def finish(desk: Desk, video: dict[str, Any], data: bytes = b"0123456789" * 100, **changes: Any) -> Clip:
    """Publish a video's clip as a worker would."""
    job = job_of(desk, video)
    photo = desk.services.catalog.photo_at(Path(job.photo_path))
    assert photo is not None
    path = Path(photo.path).with_name(f"{Path(photo.path).stem}_motion.mp4")
    path.write_bytes(data)
    sidecar_of(path).write_text("<xmp/>")
    clip = make_clip(photo, path, id=f"clip-of-{job.id}", recipe=job.recipe, sha256=sha256_of(path), **changes)
    desk.services.catalog.put_clip(clip)
    desk.services.queue.finish(job.id, clip.id)
    return clip


def every_photo_says(facts: Facts, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> Reading:
        return make_reading(path, sha256_of(path), facts=facts, scene=Scene())

    monkeypatch.setattr(desk.services.ingest, "_read", read)


# -- create ------------------------------------------------------------------------------------


def test_a_sent_photo_is_kept_in_a_folder_of_its_own_and_queued(desk: Desk) -> None:
    video = create(desk, jpeg(3), "Größe Ä.jpg", model="sora-2", seconds="4", size="1280x720")
    job = job_of(desk, video)
    assert Path(job.photo_path) == folder_of(desk, video) / "Größe Ä.jpg"
    assert Path(job.photo_path).read_bytes() == jpeg(3)
    assert (job.recipe.duration_s, job.recipe.size, job.recipe.prompt) == (4.0, (1280, 720), "waves")
    assert {name: video[name] for name in ("object", "status", "progress", "model", "seconds", "size", "prompt")} == {
        "object": "video",
        "status": "queued",
        "progress": 0,
        "model": "sora-2",
        "seconds": "4",
        "size": "1280x720",
        "prompt": "waves",
    }
    assert desk.services.folders.all()[0].path == desk.watched  # nothing else is watched


def test_the_photo_may_be_a_data_url_or_a_file_that_was_sent_before(desk: Desk) -> None:
    stored = good(desk, "POST", "/v1/files", data={"purpose": "vision", "file": (io.BytesIO(jpeg(1)), "a.jpg")})
    assert (stored["bytes"], stored["filename"], stored["purpose"]) == (len(jpeg(1)), "a.jpg", "vision")
    ways = [
        {"body": {"input_reference": {"file_id": stored["id"]}}},
        {"body": {"input_reference": {"image_url": data_url(jpeg(1))}}},
        {"data": {"input_reference[file_id]": stored["id"]}, "content_type": "multipart/form-data"},
        {"data": {"input_reference[image_url]": data_url(jpeg(1))}, "content_type": "multipart/form-data"},
    ]
    for way in ways:
        video = good(desk, "POST", "/v1/videos", **way)
        assert Path(job_of(desk, video).photo_path).read_bytes() == jpeg(1)
    assert good(desk, "GET", f"/v1/files/{stored['id']}") == stored
    assert good(desk, "DELETE", f"/v1/files/{stored['id']}")["deleted"]
    assert bad(desk, "GET", f"/v1/files/{stored['id']}") == (404, "not_found")
    assert bad(desk, "POST", "/v1/videos", ways[0]["body"]) == (404, "not_found")
    assert Path(job_of(desk, video).photo_path).exists()


def test_a_large_photo_fits_into_a_data_url(desk: Desk) -> None:
    large = jpeg(1) + bytes(6 << 20)  # beyond what other requests and form fields may have
    field = 'Content-Disposition: form-data; name="input_reference[image_url]"'
    form = f"--x\r\n{field}\r\n\r\n{data_url(large)}\r\n--x--".encode()
    for way in (
        {"body": {"input_reference": {"image_url": data_url(large)}}},
        {"data": form, "content_type": "multipart/form-data; boundary=x"},
    ):
        video = good(desk, "POST", "/v1/videos", **way)
        assert Path(job_of(desk, video).photo_path).stat().st_size == len(large)


def test_what_is_left_out_follows_from_the_photo(desk: Desk) -> None:
    video = good(desk, "POST", "/v1/videos", {"input_reference": {"image_url": data_url(jpeg())}})
    asked = desk.services.ingest.recipe_for(folder_of(desk, video) / "photo.jpg", {})
    assert (video["size"], video["seconds"], video["prompt"]) == (
        "{}x{}".format(*asked.size),
        f"{asked.duration_s:g}",
        asked.prompt,
    )
    assert video["model"] == job_of(desk, video).generator


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"seconds": "8"}, {"duration_s": 8.0}),
        ({"seconds": "2.5"}, {"duration_s": 2.5}),
        ({"num_frames": "33", "fps": "16"}, {"frame_count": 33, "fps": 16}),
        ({"num_frames": "49", "seconds": "4"}, {"frame_count": 49, "fps": 24}),
        ({"size": "720x1280"}, {"size": (720, 1280)}),
        (
            {"seed": "7", "loop": "true", "negative_prompt": "text"},
            {"seed": 7, "loop": True, "negative_prompt": "text"},
        ),
        ({"camera_movement": "pan_left", "motion_intensity": "0.3"}, {"motion_intensity": 0.3}),
    ],
)
def test_fields_of_a_form_become_the_recipe(desk: Desk, fields: dict[str, str], asked: dict[str, Any]) -> None:
    recipe = job_of(desk, create(desk, **fields)).recipe
    assert {name: getattr(recipe, name) for name in asked} == asked


def test_one_video_is_one_render_whatever_the_settings_say(desk: Desk) -> None:
    (desk.services.home.uploads / "videos").mkdir(parents=True)
    (desk.services.home.uploads / "afterframe.toml").write_text("variants = 3")
    create(desk)
    assert len(desk.services.queue.page()[0]) == 1


@pytest.mark.parametrize(
    ("model", "generator"), [("sora-2-pro", "default"), ("parallax", "parallax"), ("a:b", "default")]
)
def test_an_unknown_model_means_the_default_generator_and_is_echoed(desk: Desk, model: str, generator: str) -> None:
    video = create(desk, model=model)
    default = desk.services.ingest.request(desk.photo(), RenderRequest({}))[0].generator
    assert video["model"] == model
    assert job_of(desk, video).generator == (default if generator == "default" else generator)


def test_the_words_lead_and_the_facts_add_the_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    every_photo_says(Facts(focal_35mm=85.0, depth_of_field="shallow", light="soft"), desk, monkeypatch)
    with_look, without = create(desk, prompt=" Waves. "), create(desk, prompt="Waves.", facts="false")
    recipe = job_of(desk, with_look).recipe
    assert recipe.prompt == (
        "Waves. The look stays as photographed: 85 mm lens, shallow depth of field, soft, even light."
    )
    assert recipe.because["prompt"] == ("your words for this photo", "the look comes from the camera's facts")
    assert job_of(desk, without).recipe.prompt == "Waves."
    assert with_look["prompt"] == without["prompt"] == "Waves."


# -- refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, (400, "no_photo")),
        ({"input_reference": {}}, (400, "no_photo")),
        ({"input_reference": {"file_id": "x", "image_url": "data:,"}}, (400, "no_photo")),
        ({"input_reference": {"image_url": "https://example.com/a.jpg"}}, (400, "remote_image")),
        ({"input_reference": {"image_url": "file:///etc/passwd"}}, (400, "remote_image")),
        ({"input_reference": {"image_url": "/etc/passwd"}}, (400, "remote_image")),
        ({"input_reference": {"image_url": "data:image/jpeg;base64,%%%"}}, (400, "bad_data_url")),
        ({"input_reference": {"image_url": "data:image/jpeg,abc"}}, (400, "bad_data_url")),
        ({"input_reference": {"image_url": "data:image/jpeg;base64,aGVsbG8="}}, (422, "unsupported_kind")),
        ({"input_reference": {"file_id": "../../token"}}, (404, "not_found")),
        ({"input_reference": "DSC_0042.jpg"}, (400, "bad_request")),
        ({"seconds": "soon"}, (400, "bad_request")),
        ({"seconds": "nan"}, (400, "setting_out_of_range")),
        ({"seconds": 10**400}, (400, "bad_request")),
        ({"seconds": "9" * 400}, (400, "setting_out_of_range")),
        ({"model": "diffusers:/tmp/x"}, (404, "no_model")),
        ({"model": "parallax:best"}, (400, "bad_request")),
        ({"seconds": 3600}, (400, "setting_out_of_range")),
        ({"size": "1x1"}, (400, "setting_out_of_range")),
        ({"fps": 0, "num_frames": 9}, (400, "setting_out_of_range")),
        ({"prompt": "x" * 5000}, (400, "setting_out_of_range")),
        ({"promt": "waves"}, (400, "unknown_key")),
    ],
)
def test_a_senseless_request_is_refused_and_leaves_nothing(
    desk: Desk, body: dict[str, Any], answer: tuple[int, str]
) -> None:
    assert bad(desk, "POST", "/v1/videos", {"prompt": "waves", **body}) == answer
    assert list(desk.services.home.uploads.rglob("*")) == []
    assert desk.services.queue.page()[0] == []


@pytest.mark.parametrize("way", ["json", "form", "remix", "edits", "edits as a form"])
def test_a_prompt_longer_than_a_recipe_takes_is_refused_on_every_way_in(desk: Desk, way: str) -> None:
    video, prompt = create(desk), "x" * 2001
    finish(desk, video)
    before = sorted(desk.services.home.uploads.rglob("*"))
    form: dict[str, Any] = {"content_type": "multipart/form-data"}
    path, more = {
        "json": ("", {"body": {"prompt": prompt, "input_reference": {"image_url": data_url(jpeg(1))}}}),
        "form": ("", {"data": {"prompt": prompt, "input_reference": (io.BytesIO(jpeg(1)), "a.jpg")}}),
        "remix": (f"/{video['id']}/remix", {"body": {"prompt": prompt}}),
        "edits": ("/edits", {"body": {"prompt": prompt, "video": {"id": video["id"]}}}),
        "edits as a form": ("/edits", {"data": {"prompt": prompt, "video[id]": video["id"]}, **form}),
    }[way]
    assert bad(desk, "POST", f"/v1/videos{path}", **more) == (400, "setting_out_of_range")
    assert sorted(desk.services.home.uploads.rglob("*")) == before
    assert len(desk.services.queue.page()[0]) == 1


def test_the_longest_prompt_leaves_no_room_for_the_look_and_can_be_remixed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_photo_says(Facts(focal_35mm=85.0), desk, monkeypatch)
    video = create(desk, prompt="x" * 2000)
    assert job_of(desk, video).recipe.prompt == "x" * 2000
    finish(desk, video)
    assert job_of(desk, good(desk, "POST", f"/v1/videos/{video['id']}/remix", {"prompt": ""})).recipe.prompt


def test_a_long_value_is_not_repeated_whole(desk: Desk) -> None:
    response = desk.ask("POST", "/v1/videos", {"prompt": "x" * 1_000_000})
    assert "prompt is 'xxx" in response.json["error"]["message"]
    assert len(response.json["error"]["message"]) < 400


def test_words_alone_are_told_that_afterframe_animates_photographs(desk: Desk) -> None:
    response = desk.ask("POST", "/v1/videos", {"prompt": "A cat."})
    assert "animates photographs" in response.get_json()["error"]["message"]


def test_a_photo_that_cannot_be_read_is_not_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> None:
        raise PhotoError(f"{path.name} is damaged or cut short.", "Export it again.", code="truncated")

    monkeypatch.setattr(desk.services.ingest, "_read", read)
    form = {"input_reference": (io.BytesIO(jpeg()), "DSC_0042.jpg")}
    response = desk.ask("POST", "/v1/videos", data=form)
    assert refusal(response) == (422, "truncated")
    assert response.get_json()["error"]["message"] == "DSC_0042.jpg is damaged or cut short. Export it again."
    assert list((desk.services.home.uploads / "videos").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("notes.jpg", b"no picture at all", "not_a_photo"),
        ("cut.jpg", jpeg()[:300], "truncated"),
        ("empty.png", b"", "empty"),
        ("batch.jsonl", b"{}", "unsupported_kind"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_picture_is_not_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, code: str
) -> None:
    monkeypatch.setattr(desk.services.ingest, "_read", lambda path: read_photo(path, 200.0))
    response = desk.ask("POST", "/v1/files", data={"purpose": "user_data", "file": (io.BytesIO(data), name)})
    assert refusal(response) == (422, code)
    assert response.get_json()["error"]["message"].startswith(name)
    assert "xport it" in response.get_json()["error"]["message"]
    assert list(desk.services.home.uploads.rglob("file-*")) == []


def test_every_error_has_openais_form(desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    anybody = desk.client()
    assert refusal(anybody.get("/v1/videos")) == (401, "not_logged_in")
    assert refusal(anybody.get("/v1/videos", headers={"Host": "evil.example"})) == (403, "foreign_host")
    assert bad(desk, "GET", "/v1/nothing") == (404, "no_route")
    assert bad(desk, "PUT", "/v1/videos") == (405, "wrong_method")
    assert bad(desk, "GET", "/v1/videos?limit=1000") == (400, "bad_request")
    assert bad(desk, "POST", "/v1/videos", data=b"{", content_type="application/json") == (400, "bad_json")
    assert bad(desk, "POST", "/v1/videos", data=b"x", content_type="text/plain") == (415, "not_json")


@pytest.mark.logs_errors
def test_a_mistake_of_ours_has_openais_form(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(path: Path) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(desk.services.ingest, "_read", stumble)
    response = desk.ask("POST", "/v1/videos", {"input_reference": {"image_url": data_url(jpeg())}})
    assert refusal(response) == (500, "internal")
    assert "secret" not in response.get_data(as_text=True)
    assert list((desk.services.home.uploads / "videos").iterdir()) == []


@pytest.mark.parametrize("path", ["/v1/videos/extensions", "/v1/videos/characters", "/v1/videos/edits"])
def test_what_photographs_have_not_is_refused_clearly(desk: Desk, path: str) -> None:
    form = {"prompt": "more", "seconds": "4", "name": "Ann", "video": (io.BytesIO(b"\0"), "a.mp4")}
    known = {"/v1/videos/extensions": "prompt seconds video", "/v1/videos/characters": "name video"}
    names = known.get(path, "prompt video").split()
    response = desk.ask("POST", path, data={name: form[name] for name in names})
    assert refusal(response) in ((400, "not_supported"), (400, "no_photo"))
    assert bad(desk, "GET", "/v1/videos/characters/ann") == (404, "not_found")


# -- look --------------------------------------------------------------------------------------


def test_a_video_goes_from_queued_to_completed(desk: Desk) -> None:
    video = create(desk)
    address = f"/v1/videos/{video['id']}"
    assert good(desk, "GET", address) == video
    job = claim(desk)
    desk.services.queue.heartbeat(job.id, "worker/0", 0.374, 8.0)
    running = desk.ask("GET", address)
    assert (running.get_json()["status"], running.get_json()["progress"]) == ("in_progress", 37)
    assert running.headers["openai-poll-after-ms"].isdigit()
    assert bad(desk, "GET", f"{address}/content") == (404, "video_not_ready")
    clip = finish(desk, video)
    done = good(desk, "GET", address)
    assert (done["status"], done["progress"], done["completed_at"]) == ("completed", 100, int(clip.created_at))
    content = desk.ask("GET", f"{address}/content")
    assert (content.mimetype, content.data) == ("video/mp4", Path(clip.path).read_bytes())
    part = desk.ask("GET", f"{address}/content?variant=video", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, b"0123456789")
    assert bad(desk, "GET", f"{address}/content?variant=hologram") == (400, "bad_request")


def test_a_failed_and_a_cancelled_render_say_why(desk: Desk) -> None:
    failed, cancelled = create(desk, jpeg(1)), create(desk, jpeg(2))
    job = claim(desk)
    desk.services.queue.fail(job.id, "worker/0", PhotoError("a.jpg is gone.", "Put it back.", code="missing"))
    desk.services.queue.cancel(job_of(desk, cancelled).id)
    told = [good(desk, "GET", f"/v1/videos/{video['id']}") for video in (failed, cancelled)]
    assert [video["status"] for video in told] == ["failed", "failed"]
    assert told[0]["error"] == {"code": "missing", "message": "a.jpg is gone. Put it back."}
    assert told[1]["error"]["code"] == "cancelled"


def test_a_clip_that_the_photographer_deleted_is_gone(desk: Desk) -> None:
    video = create(desk)
    Path(finish(desk, video).path).unlink()
    assert bad(desk, "GET", f"/v1/videos/{video['id']}/content") == (404, "file_gone")


def test_the_list_has_pages_in_both_orders(desk: Desk) -> None:
    made = [create(desk, jpeg(seed))["id"] for seed in range(5)]
    for order, expected in (("desc", made[::-1]), ("asc", made)):
        found: list[str] = []
        page = good(desk, "GET", f"/v1/videos?limit=2&order={order}")
        while page["has_more"]:
            found += [video["id"] for video in page["data"]]
            assert (page["first_id"], page["last_id"]) == (found[-2], found[-1])
            page = good(desk, "GET", f"/v1/videos?limit=2&order={order}&after={page['last_id']}")
        assert found + [video["id"] for video in page["data"]] == expected
    good(desk, "DELETE", f"/v1/videos/{made[2]}")
    after_deleted = good(desk, "GET", f"/v1/videos?after={made[2]}")
    assert [video["id"] for video in after_deleted["data"]] == [made[1], made[0]]


def test_an_empty_list_is_a_list(desk: Desk) -> None:
    assert good(desk, "GET", "/v1/videos") == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@pytest.mark.parametrize(
    "name", ["video_", "video_" + "0" * 32, "..", "%2e%2e%2ftoken", "video_" + "g" * 32, "x" * 5000]
)
def test_an_id_that_is_none_of_ours_is_not_found(desk: Desk, name: str) -> None:
    for method, end in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
        status, code = bad(desk, method, f"/v1/videos/{name}{end}")
        assert (status, code) in ((404, "not_found"), (404, "no_route"), (405, "wrong_method"))


def test_a_damaged_record_hides_one_video_and_not_the_others(desk: Desk) -> None:
    damaged, fine = create(desk, jpeg(1)), create(desk, jpeg(2))
    (folder_of(desk, damaged) / RECORD).write_text("{")
    assert [video["id"] for video in good(desk, "GET", "/v1/videos")["data"]] == [fine["id"]]
    assert bad(desk, "GET", f"/v1/videos/{damaged['id']}") == (404, "not_found")


def test_a_photo_whose_render_was_never_queued_is_told_as_failed(desk: Desk) -> None:
    video = create(desk)
    source, lost = folder_of(desk, video), folder_of(desk, video).with_name("video_" + "0" * 32)
    source.rename(lost)
    record = json.loads((lost / RECORD).read_text())
    (lost / RECORD).write_text(json.dumps({**record, "id": lost.name}))
    told = good(desk, "GET", f"/v1/videos/{lost.name}")
    assert (told["status"], told["error"]["code"]) == ("failed", "interrupted")
    assert good(desk, "DELETE", f"/v1/videos/{lost.name}")["deleted"]
    assert not lost.exists()


def test_models_are_the_generators(desk: Desk) -> None:
    models = good(desk, "GET", "/v1/models")["data"]
    assert "parallax" in [model["id"] for model in models]
    assert good(desk, "GET", "/v1/models/parallax") in models
    assert bad(desk, "GET", "/v1/models/sora-2") == (404, "not_found")


# -- delete ------------------------------------------------------------------------------------


def test_deleting_a_waiting_video_cancels_its_render_and_leaves_nothing(desk: Desk) -> None:
    video = create(desk)
    job = job_of(desk, video)
    answer = good(desk, "DELETE", f"/v1/videos/{video['id']}")
    assert answer == {"id": video["id"], "object": "video.deleted", "deleted": True}
    assert desk.services.queue.get(job.id).state is JobState.CANCELLED
    assert not folder_of(desk, video).exists()
    assert bad(desk, "GET", f"/v1/videos/{video['id']}") == (404, "not_found")
    assert bad(desk, "DELETE", f"/v1/videos/{video['id']}") == (404, "not_found")


def test_deleting_a_finished_video_removes_photo_clip_and_sidecar(desk: Desk) -> None:
    video, mine = create(desk), desk.clip()
    clip = finish(desk, video)
    good(desk, "DELETE", f"/v1/videos/{video['id']}")
    assert not folder_of(desk, video).exists()
    assert not desk.services.catalog.clip(clip.id).present
    assert Path(mine.path).exists() and Path(mine.photo_path).exists()  # noqa: PT018
    assert desk.services.catalog.clip(mine.id).present


def in_the_meantime(desk: Desk, monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]) -> None:
    """Do these while a deletion waits, one at each look; it gives up when there are none left."""
    todo, ticks = list(steps), iter(range(1000))

    def wait(seconds: float) -> bool:
        if todo:
            todo.pop(0)()
        return False

    stopping = desk.services.stopping
    monkeypatch.setattr(stopping, "wait", wait)
    site = desk.app.extensions["afterframe"]
    object.__setattr__(site, "monotonic", lambda: next(ticks) * 2.0)


def test_deleting_a_running_video_waits_until_its_worker_has_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = create(desk)
    job, seen = claim(desk), list[bool]()

    def stop() -> None:
        seen.append(desk.services.queue.heartbeat(job.id, "worker/0", 0.5, None))
        seen.append(folder_of(desk, video).exists())
        error = PhotoError("cancelled", code="cancelled")
        desk.services.queue.fail(job.id, "worker/0", error)

    in_the_meantime(desk, monkeypatch, lambda: None, stop)
    good(desk, "DELETE", f"/v1/videos/{video['id']}")
    assert seen == [True, True]  # it was told to stop, and its files were there until it did
    assert desk.services.queue.get(job.id).state is JobState.CANCELLED
    assert not folder_of(desk, video).exists()


def test_deleting_a_video_that_is_being_published_removes_what_is_published(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = create(desk)
    job = claim(desk)
    desk.services.queue.begin_publish(job.id, "worker/0", str(folder_of(desk, video) / "clip.mp4"), {})
    in_the_meantime(desk, monkeypatch, lambda: None, lambda: finish(desk, video))
    good(desk, "DELETE", f"/v1/videos/{video['id']}")
    assert not folder_of(desk, video).exists()
    assert listed_clips(desk.services.database) == []


def test_what_stops_too_late_is_removed_with_the_next_request(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    video = create(desk, jpeg(1))
    job = claim(desk)
    in_the_meantime(desk, monkeypatch)
    good(desk, "DELETE", f"/v1/videos/{video['id']}")
    assert (folder_of(desk, video) / DELETED).exists()
    assert bad(desk, "GET", f"/v1/videos/{video['id']}") == (404, "not_found")
    assert good(desk, "GET", "/v1/videos")["data"] == []
    desk.services.queue.fail(job.id, "worker/0", PhotoError("cancelled", code="cancelled"))
    create(desk, jpeg(2))
    assert not folder_of(desk, video).exists()


def test_what_a_photographer_made_of_the_photo_since_stays(desk: Desk) -> None:
    video = create(desk)
    clip = finish(desk, video)
    refined = desk.good("POST", f"/api/clips/{clip.id}/refine", {"changes": {"fps": 12}})["renders"][0]
    (job,) = [job for job in desk.services.queue.page()[0] if job.id == refined["id"]]
    better = replace(clip, id="better", path=clip.path.replace("_motion", "_motion-v2"))
    Path(better.path).write_bytes(b"better")
    desk.services.catalog.put_clip(better)
    desk.services.queue.finish(job.id, better.id)
    good(desk, "DELETE", f"/v1/videos/{video['id']}")
    assert sorted(path.name for path in folder_of(desk, video).iterdir()) == ["DSC_0042.jpg", "DSC_0042_motion-v2.mp4"]
    assert bad(desk, "GET", f"/v1/videos/{video['id']}") == (404, "not_found")
    create(desk, jpeg(5))  # sweeps
    assert Path(better.path).exists()


def test_a_file_in_use_is_removed_with_the_next_request(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    video = create(desk, jpeg(1))
    clip = finish(desk, video)
    in_the_meantime(desk, monkeypatch)
    with monkeypatch.context() as windows:

        def unlink(path: Path, missing_ok: bool = False) -> None:
            raise PermissionError(13, "The process cannot access the file", str(path))

        windows.setattr(Path, "unlink", unlink)
        good(desk, "DELETE", f"/v1/videos/{video['id']}")
    assert Path(clip.path).exists()
    assert bad(desk, "GET", f"/v1/videos/{video['id']}") == (404, "not_found")
    create(desk, jpeg(2))
    assert not folder_of(desk, video).exists()
    assert not desk.services.catalog.clip(clip.id).present


# -- remix -------------------------------------------------------------------------------------


@pytest.mark.parametrize("newer", [False, True])
def test_a_remix_is_a_new_video_of_the_same_photo_with_other_words(desk: Desk, newer: bool) -> None:
    video = create(desk, model="sora-2", seconds="4", size="96x64", seed="7", loop="true")
    clip = finish(desk, video)
    if newer:
        form = {"prompt": "fog", "video[id]": video["id"]}
        remix = good(desk, "POST", "/v1/videos/edits", data=form, content_type="multipart/form-data")
    else:
        remix = good(desk, "POST", f"/v1/videos/{video['id']}/remix", {"prompt": "fog"})
    assert (remix["remixed_from_video_id"], remix["prompt"], remix["model"]) == (video["id"], "fog", "sora-2")
    first, second = job_of(desk, video), job_of(desk, remix)
    assert second.parent_clip == clip.id
    kept = ("duration_s", "size", "seed", "loop", "camera_movement", "motion_intensity")
    assert [getattr(second.recipe, name) for name in kept] == [getattr(first.recipe, name) for name in kept]
    good(desk, "DELETE", f"/v1/videos/{video['id']}")
    assert Path(second.photo_path).read_bytes() == jpeg()  # it has its own copy


@pytest.mark.parametrize("prompt", ["fog comes", ""])
def test_an_extension_is_a_new_video_that_begins_with_the_first(desk: Desk, prompt: str) -> None:
    video = create(desk, model="sora-2", seconds="4", size="96x64", seed="7", loop="true", prompt="waves")
    clip = finish(desk, video)
    form = {"prompt": prompt, "seconds": "8", "video[id]": video["id"]}
    longer = good(desk, "POST", "/v1/videos/extensions", data=form, content_type="multipart/form-data")
    assert (longer["remixed_from_video_id"], longer["model"]) == (video["id"], "sora-2")
    job = job_of(desk, longer)
    assert (job.parent_clip, job.recipe.extends, job.recipe.duration_s) == (clip.id, clip.id, 8)
    assert job.recipe.prompt.startswith(prompt or "waves")
    assert not job.recipe.loop
    usual = good(desk, "POST", "/v1/videos/extensions", {"video": {"id": video["id"]}, "prompt": "x"})
    assert job_of(desk, usual).recipe.duration_s == 4
    for seconds in ("1000", "soon", "nan"):
        body = {"video": {"id": video["id"]}, "seconds": seconds}
        assert bad(desk, "POST", "/v1/videos/extensions", body)[0] == 400
    unfinished = {"video": {"id": create(desk)["id"]}}
    assert bad(desk, "POST", "/v1/videos/extensions", unfinished)[0] == 400


def test_a_remix_without_words_keeps_the_prompt_as_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    every_photo_says(Facts(focal_35mm=85.0), desk, monkeypatch)
    video = create(desk, prompt="waves")
    finish(desk, video)
    prompt = job_of(desk, video).recipe.prompt
    assert prompt.startswith("waves ")  # and the look
    remix = good(desk, "POST", f"/v1/videos/{video['id']}/remix", {"prompt": " "})
    assert job_of(desk, remix).recipe.prompt == prompt


def test_a_remix_is_made_by_the_folder_that_made_the_video(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    index = {"_class_name": "WanImageToVideoPipeline", "_diffusers_version": "0.39.0"}
    (folder / "model_index.json").write_text(json.dumps(index))
    video = create(desk)
    made_by = f"diffusers:{folder}"
    finish(desk, video, generator=made_by)
    remix = good(desk, "POST", f"/v1/videos/{video['id']}/remix", {"prompt": "fog"})
    assert job_of(desk, remix).generator == made_by


def test_only_a_finished_video_can_be_remixed(desk: Desk) -> None:
    video = create(desk)
    assert bad(desk, "POST", f"/v1/videos/{video['id']}/remix", {"prompt": "fog"}) == (400, "video_not_ready")
    assert bad(desk, "POST", "/v1/videos/video_x/remix", {"prompt": "fog"}) == (404, "not_found")
    assert bad(desk, "POST", f"/v1/videos/{video['id']}/remix", {}) == (400, "bad_request")
    assert len(desk.services.queue.page()[0]) == 1


def test_the_token_is_the_api_key_and_a_session_is_none(desk: Desk) -> None:
    assert desk.client().get("/v1/videos", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert refusal(desk.browser().get("/v1/videos")) == (401, "not_logged_in")
