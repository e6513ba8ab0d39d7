"""The page's own parts of the API: lists, context, pictures, drafts, many verdicts, audit, disk, settings."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.app.rebuild import rebuild
from afterframe.domain import Clip, Stamp, Verdict
from afterframe.errors import GenerateError
from afterframe.formats import strict_json
from afterframe.publish.adoption import Adoption
from afterframe.render.drafts import coarse
from afterframe.scene import BoundingBox, Detection, Scene
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.list_index import ListFilter
from afterframe.state.listings import ClipListing
from afterframe.web.api.pictures import with_changes
from factories import make_recipe
from fakes import open_files
from photometa import read_sidecar


def numbered(desk: Desk, count: int) -> list[Clip]:
    return [desk.clip(f"{number}.jpg", id=f"{number:08}-2222-3333-4444-555555555555") for number in range(count)]


def real(desk: Desk, name: str = "DSC_0042.jpg") -> Clip:
    """A clip of a photo that the catalogue knows as it is on the disk."""
    return desk.clip(name, recipe=make_recipe(size=(96, 64), duration_s=1.0))


def picture(desk: Desk, address: str) -> tuple[int, int]:
    response = desk.ask("GET", address)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.mimetype == "image/jpeg"
    with Image.open(io.BytesIO(response.data)) as image:
        return image.size


def test_a_list_is_outlined_and_cut_anywhere(desk: Desk) -> None:
    numbered(desk, 5)
    outline = desk.good("GET", "/api/clips/outline?sort=made")
    assert outline["total"] == 5
    assert outline["groups"][0]["folder"] == str(desk.watched)
    page = desk.good("GET", "/api/clips?sort=made&skip=2&limit=2")
    assert [Path(clip["photo"]).name for clip in page["clips"]] == ["2.jpg", "1.jpg"]
    rest = desk.good("GET", f"/api/clips?sort=made&after={page['next']}")
    assert [Path(clip["photo"]).name for clip in rest["clips"]] == ["0.jpg"]
    assert rest["next"] is None


def test_what_is_no_number_in_a_state_file_breaks_neither_list_nor_context(desk: Desk) -> None:
    first, second = numbered(desk, 2)
    write = desk.services.database.connection.execute
    write("UPDATE clips SET measures = ? WHERE id = ?", ('{"photo_psnr_db": NaN, "photo_de00": 1.5}', first.id))
    write("UPDATE photos SET facts = ?", ('{"f_number": Infinity, "iso": 100}',))
    clips = desk.good("GET", "/api/clips?sort=made")["clips"]
    assert {clip["id"]: clip["measures"] for clip in clips} == {first.id: {"photo_de00": 1.5}, second.id: {}}
    text = desk.ask("GET", f"/api/clips/{first.id}/context").get_data(as_text=True)
    assert strict_json.loads(text)["facts"] == {"f_number": None, "iso": 100}


@pytest.mark.parametrize("spoil", ["UPDATE clips SET recipe = '{'", "ALTER TABLE clips RENAME COLUMN rating TO stars"])
def test_a_damaged_state_file_is_told_with_its_remedy_in_the_api_and_on_the_page(desk: Desk, spoil: str) -> None:
    numbered(desk, 1)
    desk.services.database.connection.execute(spoil)
    status, code = desk.bad("GET", "/api/clips?sort=made")
    assert (status, code) == (500, "state_damaged")
    assert "rebuild" in desk.ask("GET", "/api/clips?sort=made").get_json()["error"]["hint"]
    page = desk.browser().get("/folders").get_data(as_text=True)
    assert 'role="alert"' in page
    assert "afterframe rebuild" in page


def test_lists_are_chosen_by_query(desk: Desk) -> None:
    numbered(desk, 3)
    assert desk.good("GET", "/api/clips/outline?text=1.jpg")["total"] == 1
    assert desk.good("GET", f"/api/clips/outline?folder={quote(str(desk.watched))}&verdict=none")["total"] == 3
    assert desk.good("GET", "/api/clips/choices")["photo_type"] == ["still_life"]
    assert desk.bad("GET", "/api/clips?since=2026-99-99") == (400, "bad_request")
    assert desk.bad("GET", "/api/clips?sort=size") == (400, "bad_request")


def test_renders_that_are_no_clip_yet_are_listed_by_state(desk: Desk) -> None:
    photos = [str(desk.photo(f"{name}.jpg")) for name in "abc"]
    renders = desk.good("POST", "/api/animate", {"photos": photos})["renders"]
    job = desk.services.queue.claim("worker/0")
    assert job is not None
    desk.services.queue.fail(job.id, "worker/0", GenerateError("It broke.", "Mend it."))
    address = "/api/renders/unfinished"
    assert desk.good("GET", f"{address}/outline?sort=made")["total"] == 3
    assert desk.good("GET", f"{address}/outline?state=queued&text=b.jpg")["total"] == 1
    failed = desk.good("GET", f"{address}?state=failed&sort=made")
    assert [(one["id"], one["error"]["hint"]) for one in failed["renders"]] == [(renders[0]["id"], "Mend it.")]
    page = desk.good("GET", f"{address}?sort=name&limit=1&skip=1")
    assert [Path(one["photo"]).name for one in page["renders"]] == ["b.jpg"]
    rest = desk.good("GET", f"{address}?sort=name&after={page['next']}")
    assert [Path(one["photo"]).name for one in rest["renders"]] == ["c.jpg"]
    assert desk.good("GET", f"{address}/choices")["folder"] == [str(desk.watched)]
    for wrong in ("state=done", "sort=rating", "verdict=none"):
        assert desk.bad("GET", f"{address}?{wrong}")[0] == 400


def test_many_verdicts_go_to_the_sidecars_and_one_that_cannot_is_named(desk: Desk) -> None:
    clips = numbered(desk, 3)
    Path(clips[1].sidecar_path).unlink()
    body = {"clips": [clip.id for clip in clips] + ["nobody"], "verdict": "approved", "rating": 4}
    answer = desk.good("POST", "/api/clips/verdicts", body)
    assert [(clip["verdict"], clip["rating"]) for clip in answer["clips"]] == [("approved", 4)] * 2
    assert [(one["id"], one["reason"]["code"]) for one in answer["refused"]] == [
        (clips[1].id, "no_sidecar"),
        ("nobody", "not_found"),
    ]
    assert read_sidecar(Path(clips[2].sidecar_path))["afterframe:verdict"] == "approved"
    assert desk.services.catalog.clip(clips[1].id).verdict == Verdict.NONE
    assert desk.bad("POST", "/api/clips/verdicts", {"clips": [clips[0].id]}) == (400, "bad_request")


def test_verdicts_survive_the_loss_of_the_database(desk: Desk, tmp_path: Path) -> None:
    clip = desk.clip()
    desk.good("POST", "/api/clips/verdicts", {"clips": [clip.id], "verdict": "rejected", "rating": 2})
    database = Database(tmp_path / "fresh.db")
    rebuild(desk.watched, database, Adoption(Catalog(database), tmp_path), desk.reader.read, open_files().clip)
    kept = Catalog(database).clip(clip.id)
    assert (kept.verdict, kept.rating) == (Verdict.REJECTED, 2)
    assert ClipListing(database).page(ListFilter(verdict="rejected"), "made")[0] == [kept]
    database.close()


def test_a_clip_s_context_is_its_photo_and_its_other_clips(desk: Desk) -> None:
    clip = desk.clip()
    context = desk.good("GET", f"/api/clips/{clip.id}/context")
    assert [other["id"] for other in context["clips"]] == [clip.id]
    assert context["facts"] == {}
    assert context["seen"] is None


LOOKED = Scene(
    faces=(Detection(0.5, 0.2, 0.1, 0.2),),
    subject=BoundingBox(0.45, 0.1, 0.2, 0.8),
    things=(Detection(0.45, 0.1, 0.2, 0.8, "person", 0.9), Detection(0.1, 0.1, 0.1, 0.1, "kite", 0.31)),
    measures={"horizon": 0.4, "sky_share": 0.4},
    claims={"sky": 0.9, "water": 0.2, "people": 0.95},
    by_nets=True,
)


def test_what_was_seen_in_a_clip_s_photo_is_told_with_the_part_that_the_clip_shows(desk: Desk) -> None:
    clip = desk.clip(recipe=make_recipe(size=(64, 64)), generator="diffusers")
    desk.reader.scene = LOOKED
    seen = desk.good("GET", f"/api/clips/{clip.id}/seen")["seen"]
    assert seen["words"] == "One person."
    assert [thing["label"] for thing in seen["things"]] == ["person"]  # a kite that is no more than a hint is not told
    assert (seen["faces"][0]["label"], seen["sure_of"], seen["horizon"]) == ("face", ["sky", "people"], 0.4)
    assert seen["subject"] == {"x": 0.45, "y": 0.1, "width": 0.2, "height": 0.8}
    assert (seen["frame"]["y"], seen["frame"]["height"]) == (0, 1)
    assert seen["frame"]["width"] == pytest.approx(128 / 192)  # of a photo of 192 by 128, a square
    assert seen["frame"]["x"] == pytest.approx(0.55 - 64 / 192, abs=0.02)  # around the face
    assert desk.good("GET", f"/api/clips/{clip.id}/context")["seen"] == seen
    desk.good("GET", f"/api/clips/{clip.id}/seen")
    assert len(desk.reader.asked) == 1


def test_no_horizon_is_told_where_there_may_be_no_sky(desk: Desk) -> None:
    clip = desk.clip()
    desk.reader.scene = replace(LOOKED, claims={"sky": 0.4, "people": 0.0}, subject=None)
    seen = desk.good("GET", f"/api/clips/{clip.id}/seen")["seen"]
    assert (seen["horizon"], seen["sure_of"], seen["subject"], seen["words"]) == (None, [], None, "")


def test_what_was_seen_in_a_photo_is_not_told_of_one_that_was_exported_again(desk: Desk) -> None:
    clip = desk.clip()
    desk.reader.scene = LOOKED
    desk.good("GET", f"/api/clips/{clip.id}/seen")
    photo = Path(clip.photo_path)
    desk.services.catalog.put_photo(photo, Stamp.of(photo.stat()), "f" * 64, {}, LOOKED, (192, 128))
    assert desk.good("GET", f"/api/clips/{clip.id}/context")["seen"] is None
    assert desk.bad("GET", f"/api/clips/{clip.id}/seen") == (409, "photo_changed")


@pytest.mark.parametrize("wanted", ["photo?size=framed", "interactive/relief", "draft"])
def test_what_a_picture_had_to_look_for_is_kept(desk: Desk, wanted: str) -> None:
    clip = real(desk)
    desk.reader.scene = LOOKED
    for _ in range(2):
        if wanted == "draft":
            desk.good("POST", f"/api/clips/{clip.id}/draft", {"changes": {}})
        else:
            assert desk.ask("GET", f"/api/clips/{clip.id}/{wanted}").status_code == 200
    assert len(desk.reader.asked) == 1
    photo = desk.services.catalog.photo_at(Path(clip.photo_path))
    assert photo is not None
    assert photo.scene == Scene.from_dict(LOOKED.to_dict())


def test_a_photo_is_shown_whole_small_and_as_its_clip_begins(desk: Desk) -> None:
    clip = real(desk)
    assert picture(desk, f"/api/clips/{clip.id}/photo") == (192, 128)
    assert picture(desk, f"/api/clips/{clip.id}/photo?size=framed") == (96, 64)
    assert picture(desk, f"/api/photos/picture?path={quote(clip.photo_path)}") == (192, 128)
    assert desk.bad("GET", f"/api/photos/picture?path={quote(str(desk.outside))}") == (403, "not_allowed")
    assert desk.bad("GET", "/api/photos/picture") == (400, "relative_path")
    assert not [file for file in desk.watched.iterdir() if file.suffix == ".jpg" and file.name != "DSC_0042.jpg"]


def test_a_photo_that_was_exported_again_is_not_shown_as_the_clip_s(desk: Desk) -> None:
    clip = real(desk)
    desk.services.catalog.put_photo(Path(clip.photo_path), Stamp(1, 1), "b" * 64, {}, Scene())
    assert desk.bad("GET", f"/api/clips/{clip.id}/photo") == (409, "photo_changed")
    assert desk.bad("POST", f"/api/clips/{clip.id}/draft", {"changes": {"loop": True}}) == (409, "photo_changed")


def test_a_draft_is_a_small_clip_in_the_cache(desk: Desk) -> None:
    clip = real(desk)
    before = set(desk.watched.iterdir())
    draft = desk.good("POST", f"/api/clips/{clip.id}/draft", {"changes": {"camera_movement": "pan_left"}})
    assert draft["recipe"]["camera_movement"] == "pan_left"
    film = desk.ask("GET", draft["file"])
    assert film.mimetype == "video/mp4"
    assert b"ftyp" in film.data[:16]
    assert set(desk.watched.iterdir()) == before
    again = desk.good("POST", f"/api/clips/{clip.id}/draft", {"changes": {"camera_movement": "pan_left"}})
    assert again["file"] == draft["file"]
    assert desk.bad("GET", "/api/drafts/../../token") == (404, "no_route")
    assert desk.bad("GET", f"/api/drafts/{'0' * 40}") == (404, "file_gone")
    assert desk.bad("POST", f"/api/clips/{clip.id}/draft", {"changes": {"fps": 1}}) == (400, "setting_out_of_range")


def test_a_clip_that_is_not_there_yet_has_a_draft(desk: Desk) -> None:
    (render,) = desk.good("POST", "/api/animate", {"photos": [str(desk.photo())]})["renders"]
    file = desk.good("POST", f"/api/renders/{render['id']}/draft", {})["file"]
    assert desk.ask("GET", file).mimetype == "video/mp4"
    assert desk.bad("POST", "/api/renders/nobody/draft", {}) == (404, "not_found")


def test_a_running_render_is_shown_by_its_photo_until_there_is_a_frame(desk: Desk) -> None:
    photo = desk.photo()
    (render,) = desk.good("POST", "/api/animate", {"photos": [str(photo)]})["renders"]
    assert picture(desk, f"/api/renders/{render['id']}/preview?at=7") == (192, 128)
    preview = desk.services.home.cache / "previews" / f".{render['id']}.jpg"
    preview.parent.mkdir()
    Image.new("RGB", (64, 48)).save(preview)
    assert picture(desk, f"/api/renders/{render['id']}/preview") == (64, 48)


def test_drafts_are_coarse_and_changes_keep_the_clip_s_shape() -> None:
    recipe = make_recipe(size=(1280, 852), fps=24, duration_s=20.0)
    assert coarse(recipe).size == (480, 320)
    assert coarse(recipe).frame_count <= 80
    assert with_changes(recipe, {"long_side": 640}).size == (640, 426)


def test_the_photos_of_a_folder_are_marked_some_at_a_time(desk: Desk) -> None:
    desk.clip("a.jpg")
    desk.photo("b.jpg")
    listed = desk.good("GET", f"/api/folders/photos?path={quote(str(desk.watched))}")
    assert [Path(path).name for path in listed["photos"]] == ["a.jpg", "b.jpg"]
    marked = desk.good("POST", "/api/audit", {"photos": [*listed["photos"], str(desk.outside / "x.jpg")]})["photos"]
    assert [one["clips"] for one in marked] == [1, 0, 0]
    assert marked[0]["readiness"]["source_quality"]["reason"]
    assert marked[2]["error"]["code"] == "not_allowed"
    desk.reader.asked.clear()
    desk.good("POST", "/api/audit", {"photos": listed["photos"]})
    assert desk.reader.asked == []  # marks are kept
    assert desk.bad("GET", f"/api/folders/photos?path={quote(str(desk.outside))}") == (403, "not_allowed")


def test_the_room_that_clips_take_is_told(desk: Desk) -> None:
    desk.clip(data=b"x" * 5000)
    disk = desk.good("GET", "/api/disk")
    (folder,) = disk["folders"]
    assert (folder["clips"], folder["bytes"], folder["there"]) == (1, 5000, True)
    assert disk["own"]["free"] > 0


# -- settings ----------------------------------------------------------------------------------


def test_settings_are_kept_among_comments_and_taken_away_again(desk: Desk) -> None:
    file = desk.services.home.config
    file.write_text("# mine\n[render]\ncrf = 20 # fine\n", "utf-8")
    values = {"render.crf": 23, "recipe.long_side": 1920, "recipe.loop": True, "recipe.motion_intensity": 0.3}
    assert desk.good("POST", "/api/settings", {"values": values})["values"] == values
    text = file.read_text("utf-8")
    assert "# mine" in text
    assert "crf = 23 # fine" in text
    desk.good("POST", "/api/settings", {"values": dict.fromkeys(values)})
    assert desk.good("GET", "/api/settings")["values"] == {}


@pytest.mark.parametrize(
    "values",
    [
        {"render.crf": 99},
        {"recipe.duration_s": 900},
        {"render.generator": "nobody"},
        {"render.preset": "x"},
        {"render.crf": "x"},
        {"render.crf": 10**400},
        {"recipe.duration_s": 10**400},
    ],
)
def test_settings_that_make_no_sense_leave_the_file_alone(desk: Desk, values: dict[str, object]) -> None:
    file = desk.services.home.config
    file.write_text("# mine\n", "utf-8")
    status, _ = desk.bad("POST", "/api/settings", {"values": {"recipe.loop": True, **values}})
    assert status == 400
    assert file.read_text("utf-8") == "# mine\n"
    assert [path.name for path in desk.services.home.root.iterdir() if "part" in path.name] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions, and links need a right")
def test_settings_behind_a_link_keep_their_place_and_permissions(desk: Desk) -> None:
    file, real = desk.services.home.config, desk.outside / "dotfiles.toml"
    real.write_text("# mine\n", "utf-8")
    real.chmod(0o600)
    file.symlink_to(real)
    desk.good("POST", "/api/settings", {"values": {"render.crf": 23}})
    assert file.is_symlink()
    assert "crf = 23" in real.read_text("utf-8")
    assert real.stat().st_mode & 0o777 == 0o600


def test_other_settings_are_for_an_editor(desk: Desk) -> None:
    assert desk.bad("POST", "/api/settings", {"values": {"render.ffmpeg": "/bin/sh"}}) == (400, "unknown_key")
