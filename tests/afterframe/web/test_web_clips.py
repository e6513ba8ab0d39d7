from __future__ import annotations

from pathlib import Path

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.domain import Clip, Verdict
from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding
from afterframe.naming import is_our_poster
from afterframe.publish.sidecar import read_clip
from afterframe.state.catalog import Catalog
from factories import make_frames

DATA = b"0123456789" * 100


@pytest.fixture
def clip(desk: Desk) -> Clip:
    return desk.clip(data=DATA)


def said(clip: Clip) -> tuple[Verdict, int]:
    written = read_clip(Path(clip.sidecar_path))
    assert written is not None
    return written.verdict, written.rating


# -- the list ----------------------------------------------------------------------------------


def test_clips_come_newest_first_and_say_where_their_media_is(desk: Desk, clip: Clip) -> None:
    newer = desk.clip("later.jpg", id="22222222-2222-3333-4444-555555555555", verdict=Verdict.APPROVED)
    first = desk.good("GET", "/api/clips?limit=1")
    second = desk.good("GET", f"/api/clips?after={first['next']}")
    assert [found["id"] for found in first["clips"] + second["clips"]] == [newer.id, clip.id]
    assert [found["id"] for found in desk.good("GET", "/api/clips?verdict=approved")["clips"]] == [newer.id]
    one = desk.good("GET", f"/api/clips/{clip.id}")
    assert one["path"] == clip.path
    assert one["sidecar"] == clip.sidecar_path
    assert desk.ask("GET", one["file"]).data == DATA


# -- the file ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "content_range", "data"),
    [
        ("bytes=0-9", "bytes 0-9/1000", DATA[:10]),
        ("bytes=990-", "bytes 990-999/1000", DATA[990:]),
        ("bytes=-5", "bytes 995-999/1000", DATA[-5:]),
        ("bytes=995-5000", "bytes 995-999/1000", DATA[995:]),
        ("bytes=0-", "bytes 0-999/1000", DATA),
        ("Bytes = 3 - 4", "bytes 3-4/1000", DATA[3:5]),
    ],
)
def test_a_range_of_the_clip(desk: Desk, clip: Clip, wanted: str, content_range: str, data: bytes) -> None:
    response = desk.ask("GET", f"/api/clips/{clip.id}/file", headers={"Range": wanted})
    assert response.status_code == 206
    assert response.headers["Content-Range"] == content_range
    assert int(response.headers["Content-Length"]) == len(data)
    assert response.data == data


@pytest.mark.parametrize("wanted", ["bytes=1000-", "bytes=5000-6000", "bytes=9-3"])
def test_a_range_behind_the_end(desk: Desk, clip: Clip, wanted: str) -> None:
    response = desk.ask("GET", f"/api/clips/{clip.id}/file", headers={"Range": wanted})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */1000"
    assert response.json["error"]["code"] == "range"


@pytest.mark.parametrize("wanted", ["", "bytes", "bytes=", "bytes=a-b", "frames=0-3", "bytes=0-1,5-6", "bytes=--1"])
def test_a_range_that_says_nothing_gets_the_whole_file(desk: Desk, clip: Clip, wanted: str) -> None:
    response = desk.ask("GET", f"/api/clips/{clip.id}/file", headers={"Range": wanted})
    assert response.status_code == 200
    assert response.data == DATA
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.mimetype == "video/mp4"


def test_head_tells_the_length_and_sends_nothing(desk: Desk, clip: Clip) -> None:
    response = desk.ask("HEAD", f"/api/clips/{clip.id}/file")
    assert response.status_code == 200
    assert response.headers["Content-Length"] == "1000"
    assert response.headers["ETag"]
    assert response.data == b""


def test_a_clip_that_is_as_it_was_is_not_sent_again(desk: Desk, clip: Clip) -> None:
    address = f"/api/clips/{clip.id}/file"
    tag = desk.ask("HEAD", address).headers["ETag"]
    assert desk.ask("GET", address, headers={"If-None-Match": tag}).status_code == 304
    assert desk.ask("GET", address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_range_is_only_added_to_the_same_file(desk: Desk, clip: Clip) -> None:
    address = f"/api/clips/{clip.id}/file"
    tag = desk.ask("HEAD", address).headers["ETag"]
    wanted = {"Range": "bytes=5-6"}
    assert desk.ask("GET", address, headers={**wanted, "If-Range": tag}).status_code == 206
    assert desk.ask("GET", address, headers={**wanted, "If-Range": '"other"'}).data == DATA
    Path(clip.path).write_bytes(DATA + b"longer")
    assert desk.ask("GET", address, headers={**wanted, "If-Range": tag}).status_code == 200


def test_an_empty_file_is_sent_as_one(desk: Desk, clip: Clip) -> None:
    Path(clip.path).write_bytes(b"")
    response = desk.ask("GET", f"/api/clips/{clip.id}/file", headers={"Range": "bytes=0-"})
    assert (response.status_code, response.data) == (200, b"")


def test_a_deleted_clip_is_said_to_be_gone(desk: Desk, clip: Clip) -> None:
    Path(clip.path).unlink()
    assert desk.bad("GET", f"/api/clips/{clip.id}/file") == (404, "file_gone")
    assert desk.bad("GET", f"/api/clips/{clip.id}/poster") == (404, "file_gone")
    desk.services.catalog.mark_absent(clip.id)
    assert desk.bad("GET", f"/api/clips/{clip.id}/file") == (404, "file_gone")


def test_what_a_link_in_a_clips_place_leads_to_is_never_sent(desk: Desk, clip: Clip) -> None:
    secret = desk.outside / "secret"
    secret.write_bytes(b"secret")
    Path(clip.path).unlink()
    Path(clip.path).symlink_to(secret)
    assert desk.bad("GET", f"/api/clips/{clip.id}/file") == (404, "file_gone")
    assert desk.bad("GET", f"/api/clips/{clip.id}/poster") == (404, "file_gone")


# -- the sidecar -------------------------------------------------------------------------------


def test_the_sidecar_is_sent_byte_for_byte(desk: Desk, clip: Clip) -> None:
    response = desk.ask("GET", f"/api/clips/{clip.id}/sidecar")
    assert (response.status_code, response.mimetype) == (200, "application/rdf+xml")
    assert response.data == Path(clip.sidecar_path).read_bytes()
    Path(clip.sidecar_path).unlink()
    assert desk.bad("GET", f"/api/clips/{clip.id}/sidecar") == (404, "file_gone")


# -- the poster --------------------------------------------------------------------------------


def test_a_poster_is_the_first_frame_and_made_once(desk: Desk, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    encode(make_frames(4, level=90), video, Encoding(preset="ultrafast"), lambda share: None, lambda: False)
    clip = desk.clip(data=video.read_bytes())
    first = desk.ask("GET", f"/api/clips/{clip.id}/poster")
    assert first.status_code == 200
    assert first.mimetype == "image/jpeg"
    assert first.data.startswith(b"\xff\xd8")
    folder = desk.services.home.cache / "posters"
    (kept,) = folder.iterdir()
    assert kept.name.startswith(".")  # never taken for a photo
    stamp = kept.stat().st_mtime_ns
    assert desk.ask("GET", f"/api/clips/{clip.id}/poster").data == first.data
    assert kept.stat().st_mtime_ns == stamp


def test_a_poster_is_put_beside_its_clip_over_ours_and_never_over_a_strangers(desk: Desk, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    encode(make_frames(4, level=90), video, Encoding(preset="ultrafast"), lambda share: None, lambda: False)
    clip = desk.clip(data=video.read_bytes())
    target = Path(clip.path).with_suffix(".jpg")
    for standing in (None, b"an older one: Afterframe poster"):
        if standing:
            target.write_bytes(standing)
        assert desk.good("POST", f"/api/clips/{clip.id}/poster", {}) == {"path": str(target)}
        assert target.read_bytes() == desk.ask("GET", f"/api/clips/{clip.id}/poster").data
        assert is_our_poster(target)
    target.write_bytes(b"a stranger's")
    assert desk.bad("POST", f"/api/clips/{clip.id}/poster", {}) == (409, "name_taken")
    assert target.read_bytes() == b"a stranger's"
    assert not list(target.parent.glob(".afterframe-*"))


def test_a_file_that_we_did_not_write_never_reaches_ffmpeg(
    desk: Desk, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterframe.web.api.media.write_poster", lambda *args, **more: pytest.fail("it did"))
    Path(clip.path).write_bytes(b"somebody else's")
    assert desk.bad("GET", f"/api/clips/{clip.id}/poster") == (404, "clip_changed")


def test_a_clip_that_does_not_decode_leaves_no_poster(desk: Desk, clip: Clip) -> None:
    status, code = desk.bad("GET", f"/api/clips/{clip.id}/poster")
    assert (status, code) == (500, "encode")
    assert list((desk.services.home.cache / "posters").iterdir()) == []


# -- verdict -----------------------------------------------------------------------------------


def test_a_verdict_stands_in_sidecar_and_catalogue(desk: Desk, clip: Clip) -> None:
    answer = desk.good("POST", f"/api/clips/{clip.id}/verdict", {"verdict": "approved", "rating": 4})
    assert (answer["verdict"], answer["rating"]) == ("approved", 4)
    assert said(clip) == (Verdict.APPROVED, 4)
    assert desk.services.catalog.clip(clip.id).verdict == Verdict.APPROVED


def test_the_sidecar_is_written_before_the_catalogue(desk: Desk, clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    stood: list[tuple[Verdict, int]] = []
    really = Catalog.set_verdict

    def look(catalog: Catalog, clip_id: str, verdict: Verdict, rating: int) -> Clip:
        stood.append(said(clip))
        return really(catalog, clip_id, verdict, rating)

    monkeypatch.setattr(Catalog, "set_verdict", look)
    desk.good("POST", f"/api/clips/{clip.id}/verdict", {"verdict": "rejected"})
    assert stood == [(Verdict.REJECTED, 0)]


def test_what_is_left_out_stays_as_the_sidecar_says(desk: Desk, clip: Clip) -> None:
    desk.good("POST", f"/api/clips/{clip.id}/verdict", {"rating": 3})
    desk.services.catalog.set_verdict(clip.id, Verdict.NONE, 0)  # the catalogue is no authority
    answer = desk.good("POST", f"/api/clips/{clip.id}/verdict", {"verdict": "approved"})
    assert answer["rating"] == 3
    assert desk.good("POST", f"/api/clips/{clip.id}/verdict", {"verdict": "none", "rating": 0})["rating"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"verdict": "maybe"},
        {"rating": 6},
        {"rating": -1},
        {"rating": 2.5},
        {"rating": "3"},
        {"rating": None},
    ],
)
def test_a_verdict_must_make_sense(desk: Desk, clip: Clip, body: dict[str, object]) -> None:
    status, _ = desk.bad("POST", f"/api/clips/{clip.id}/verdict", body)
    assert status == 400
    assert said(clip) == (Verdict.NONE, 0)


def test_without_its_sidecar_no_verdict_is_kept(desk: Desk, clip: Clip) -> None:
    Path(clip.sidecar_path).unlink()
    assert desk.bad("POST", f"/api/clips/{clip.id}/verdict", {"rating": 5}) == (409, "no_sidecar")
    assert not Path(clip.sidecar_path).exists()
    assert desk.services.catalog.clip(clip.id).rating == 0


def test_what_stands_in_the_sidecars_place_is_never_changed(desk: Desk, clip: Clip) -> None:
    other = desk.clip("other.jpg", id="22222222-2222-3333-4444-555555555555")
    sidecar, target = Path(clip.sidecar_path), Path(other.sidecar_path)
    before = target.read_bytes()
    sidecar.unlink()
    sidecar.symlink_to(target)
    assert desk.bad("POST", f"/api/clips/{clip.id}/verdict", {"rating": 5}) == (409, "sidecar_foreign")
    sidecar.unlink()
    sidecar.write_text("no XMP at all")
    assert desk.bad("POST", f"/api/clips/{clip.id}/verdict", {"rating": 5}) == (422, "sidecar")
    assert target.read_bytes() == before
    assert sidecar.read_text() == "no XMP at all"


# -- refine ------------------------------------------------------------------------------------


def test_refining_makes_a_variant_that_names_its_parent(desk: Desk, clip: Clip) -> None:
    answer = desk.good("POST", f"/api/clips/{clip.id}/refine", {"changes": {"motion_intensity": 0.2}})
    (render,) = answer["renders"]
    assert render["parent"] == clip.id
    assert render["recipe"]["motion_intensity"] == 0.2
    assert render["recipe"]["prompt"] == clip.recipe.prompt
    assert render["recipe"]["size"] == list(clip.recipe.size)
    assert render["recipe"]["seed"] == clip.recipe.seed


def test_with_a_new_seed_alone_parallax_moves_in_a_way_that_no_clip_of_the_photo_does(desk: Desk, clip: Clip) -> None:
    address = f"/api/clips/{clip.id}/refine"
    made = [desk.good("POST", address, {"changes": {"seed": seed}})["renders"][0]["recipe"] for seed in (1, 2, 3)]
    moved = [str(clip.recipe.camera_movement), *(recipe["camera_movement"] for recipe in made)]
    assert len(set(moved)) == 4
    assert [recipe["seed"] for recipe in made] == [1, 2, 3]


def test_with_a_new_seed_and_more_the_camera_moves_as_before(desk: Desk, clip: Clip) -> None:
    changes = {"seed": 1, "motion_intensity": 0.2}
    (render,) = desk.good("POST", f"/api/clips/{clip.id}/refine", {"changes": changes})["renders"]
    assert render["recipe"]["camera_movement"] == str(clip.recipe.camera_movement)


def test_a_new_long_side_replaces_the_size(desk: Desk, clip: Clip) -> None:
    (render,) = desk.good("POST", f"/api/clips/{clip.id}/refine", {"changes": {"long_side": 128}})["renders"]
    assert max(render["recipe"]["size"]) == 128


def test_refining_needs_a_change_that_makes_sense(desk: Desk, clip: Clip) -> None:
    address = f"/api/clips/{clip.id}/refine"
    assert desk.bad("POST", address, {"changes": {}}) == (400, "bad_request")
    assert desk.bad("POST", address, {}) == (400, "bad_request")
    assert desk.bad("POST", address, {"changes": {"fps": 1000}}) == (400, "setting_out_of_range")
    assert desk.bad("POST", address, {"changes": {"fps": 12}, "generator": "nope"}) == (400, "no_generator")


@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_a_prompt_longer_than_a_recipe_takes_is_refused_on_every_way_in(desk: Desk, clip: Clip, name: str) -> None:
    values, long = {name: "x" * 2001}, (400, "setting_out_of_range")
    assert desk.bad("POST", f"/api/clips/{clip.id}/refine", {"changes": values}) == long
    assert desk.bad("POST", f"/api/clips/{clip.id}/draft", {"changes": values}) == long
    assert desk.bad("POST", "/api/recipe", {"photo": clip.photo_path, "overrides": values}) == long
    assert desk.bad("POST", "/api/animate", {"photos": [clip.photo_path], "recipe": values}) == long
    (desk.watched / "afterframe.toml").write_text(f'{name} = "{values[name]}"')
    (refused,) = desk.good("POST", "/api/animate", {"photos": [clip.photo_path]})["refused"]
    assert refused["reason"]["code"] == long[1]
    assert desk.services.queue.page()[0] == []


def test_refining_needs_the_photo_that_the_clip_was_made_of(desk: Desk, clip: Clip) -> None:
    address, body = f"/api/clips/{clip.id}/refine", {"changes": {"fps": 12}}
    photo = Path(clip.photo_path)
    photo.write_bytes(photo.read_bytes() + b"again")
    desk.known(photo)
    assert desk.bad("POST", address, body) == (409, "photo_changed")
    photo.unlink()
    assert desk.bad("POST", address, body) == (422, "missing")
    photo.symlink_to(desk.outside / "x.jpg")
    assert desk.bad("POST", address, body) == (403, "not_allowed")
