from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afterframe.domain import Clip, PhotoType, Stamp, Verdict
from afterframe.errors import GenerateError, UsageError
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.list_index import SORTS, ListFilter
from afterframe.state.listings import ClipListing, RenderListing
from afterframe.state.queue import NewJob, Queue
from afterframe.state.search_keys import camera_name, fold, search_keys
from factories import make_clip, make_job, make_recipe

FIRST_DAY = 1_700_000_000.0


@pytest.fixture(name="gallery")
def make_gallery(database: Database) -> ClipListing:
    return ClipListing(database)


def add(
    catalog: Catalog, number: int, folder: str = "/photos", facts: dict[str, Any] | None = None, **more: Any
) -> Clip:
    path = Path(folder) / f"DSC_{number:04}.jpg"
    photo = catalog.put_photo(path, Stamp(1, 1), f"{number:064x}", facts or {})
    values = {"id": f"{number:08}-0000-0000-0000-000000000000", "created_at": FIRST_DAY + number, **more}
    clip = make_clip(photo, **values)
    catalog.put_clip(clip)
    return clip


def names(clips: list[Clip]) -> list[str]:
    return [Path(clip.photo_path).name[4:8] for clip in clips]


def test_clips_are_grouped_by_day_and_folder_newest_first(gallery: ClipListing, catalog: Catalog) -> None:
    for number, (folder, day) in enumerate([("/a", 0), ("/b", 0), ("/a", 1), ("/a", 0)]):
        add(catalog, number, folder, created_at=FIRST_DAY + day * 86_400 + number)
    groups = gallery.sections(ListFilter(), "made")
    assert [(group.count, group.labels["folder"]) for group in groups] == [(1, "/a"), (1, "/b"), (2, "/a")]
    assert groups[0].labels["made_day"] > groups[1].labels["made_day"] == groups[2].labels["made_day"]
    assert names(gallery.page(ListFilter(), "made")[0]) == ["0002", "0001", "0003", "0000"]


def test_folders_that_belong_together_are_one(database: Database, catalog: Catalog) -> None:
    uploads = Path("/home/uploads")
    add(catalog, 0, str(uploads / "videos" / "video_1"))
    gallery = ClipListing(database, together=uploads)
    assert len(gallery.sections(ListFilter(), "made")) == 1
    add(catalog, 1, str(uploads / "videos" / "video_2"))  # told by an event
    add(catalog, 2, "/home/uploads of mine")
    groups = gallery.sections(ListFilter(), "name")
    assert [(group.count, group.labels["folder"]) for group in groups] == [
        (2, str(uploads)),
        (1, "/home/uploads of mine"),
    ]
    assert gallery.facets()["folder"] == [str(uploads), "/home/uploads of mine"]
    assert names(gallery.page(ListFilter.of(folder=str(uploads)), "name")[0]) == ["0000", "0001"]


def test_the_camera_s_clock_orders_what_was_taken(gallery: ClipListing, catalog: Catalog) -> None:
    times = ["2026-03-14T18:03:00-05:00", "2026-03-14T20:00:00", None, "2025-01-01T08:00:00+01:00"]
    for number, taken in enumerate(times):
        add(catalog, number, facts={"captured_at": taken})
    assert names(gallery.page(ListFilter(), "taken")[0]) == ["0001", "0000", "0003", "0002"]
    assert [group.labels["taken_day"] for group in gallery.sections(ListFilter(), "taken")] == [
        "2026-03-14",
        "2025-01-01",
        "",
    ]


@pytest.mark.parametrize("sort", list(SORTS))
def test_pages_meet_without_gap_or_overlap_in_every_order(gallery: ClipListing, catalog: Catalog, sort: str) -> None:
    for number in range(23):
        add(catalog, number, f"/{number % 3}", rating=number % 4, created_at=FIRST_DAY + number % 5 * 86_400)
    seen: list[str] = []
    after = None
    while True:
        clips, after = gallery.page(ListFilter(), sort, after=after, limit=4)
        seen += names(clips)
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 23
    assert seen == [
        name for start in range(0, 23, 7) for name in names(gallery.page(ListFilter(), sort, skip=start, limit=7)[0])
    ]
    assert sum(group.count for group in gallery.sections(ListFilter(), sort)) == 23


def test_clips_are_chosen_by_everything_at_once(gallery: ClipListing, catalog: Catalog) -> None:
    facts = {
        "camera_make": "NIKON CORPORATION",
        "camera_model": "NIKON Z 8",
        "lens": "85mm",
        "captured_at": "2026-03-14T10:00",
    }
    add(catalog, 1, "/a", facts, verdict=Verdict.APPROVED, rating=4, recipe=make_recipe(photo_type=PhotoType.PORTRAIT))
    add(catalog, 2, "/a", {**facts, "lens": "50mm"}, verdict=Verdict.APPROVED, rating=4)
    add(catalog, 3, "/b", facts, rating=5)
    every = ListFilter.of(
        verdict="approved",
        rating=3,
        photo_type="portrait",
        camera="NIKON Z 8",
        lens="85mm",
        folder="/a",
        since="2026-03-14",
        until="2026-03-14",
        text="coffee",
    )
    assert names(gallery.page(every, "made")[0]) == ["0001"]
    for choice, found in (
        (ListFilter(verdict="approved"), ["0002", "0001"]),
        (ListFilter(rating=5), ["0003"]),
        (ListFilter.of(folder="/a"), ["0002", "0001"]),
        (ListFilter.of(camera="Canon"), []),
        (ListFilter(since="2026-03-15"), []),
        (ListFilter(until="2026-03-13"), []),
    ):
        assert names(gallery.page(choice, "newest")[0]) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("harbour", ["0001"]),
        ("HARBOUR dawn", ["0001"]),
        ("dawn harbour dusk", []),
        ("bru", ["0002"]),
        ("BRÜCKE", ["0002"]),
        ("朝焼け", ["0003"]),
        ("朝", ["0003"]),
        ("dsc_0002", ["0002"]),
        ('"; DROP TABLE clips; --', []),
        ("%", []),
        ("coffee", ["0003", "0002", "0001"]),
    ],
)
def test_words_are_found_in_caption_prompt_and_name(
    gallery: ClipListing, catalog: Catalog, text: str, found: list[str]
) -> None:
    add(catalog, 1, facts={"caption": "Harbour at dawn", "keywords": ["boats"]})
    add(catalog, 2, facts={"title": "Die Brücke"})
    add(catalog, 3, facts={"caption": "朝焼けの港"})
    assert names(gallery.page(ListFilter(text=text), "newest")[0]) == found


def test_the_list_follows_verdicts_new_clips_and_deleted_ones(gallery: ClipListing, catalog: Catalog) -> None:
    for number in range(3):
        add(catalog, number)
    approved = ListFilter(verdict="approved")
    assert gallery.page(approved, "newest")[0] == []
    catalog.set_verdict("00000001-0000-0000-0000-000000000000", Verdict.APPROVED, 5)
    add(catalog, 7, verdict=Verdict.APPROVED)
    assert names(gallery.page(approved, "newest")[0]) == ["0007", "0001"]
    assert names(gallery.page(ListFilter(), "rating")[0])[0] == "0001"
    catalog.mark_absent("00000001-0000-0000-0000-000000000000")
    assert names(gallery.page(ListFilter(), "newest")[0]) == ["0007", "0002", "0000"]


def test_a_clip_that_replaces_another_takes_its_place(gallery: ClipListing, catalog: Catalog) -> None:
    old = add(catalog, 1)
    assert len(gallery.page(ListFilter(), "newest")[0]) == 1
    new = make_clip(catalog.photo_at(Path(old.photo_path)), old.path, id="new")  # type: ignore[arg-type]
    catalog.put_clip(new)
    assert [clip.id for clip in gallery.page(ListFilter(), "newest")[0]] == ["new"]
    assert gallery.sections(ListFilter(), "name")[0].count == 1


def test_a_list_outlives_the_log_of_events(
    gallery: ClipListing, catalog: Catalog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterframe.state.database.EVENTS_KEPT", 3)
    add(catalog, 1)
    assert len(gallery.page(ListFilter(), "newest")[0]) == 1
    for number in range(2, 12):
        add(catalog, number)
    assert len(gallery.page(ListFilter(), "newest")[0]) == 10 + 1


def test_a_cursor_of_a_clip_that_is_gone_is_refused(gallery: ClipListing, catalog: Catalog) -> None:
    add(catalog, 1)
    with pytest.raises(UsageError, match="gone"):
        gallery.page(ListFilter(), "made", after=99)


def test_an_empty_catalogue_has_nothing_to_show(gallery: ClipListing) -> None:
    assert gallery.sections(ListFilter(), "made") == []
    assert gallery.page(ListFilter(text="x"), "name") == ([], None)
    assert gallery.facets() == {"folder": [], "photo_type": [], "camera": [], "lens": []}


def test_what_there_is_to_choose_from(gallery: ClipListing, catalog: Catalog) -> None:
    add(catalog, 1, "/b", {"camera_model": "X-T5", "camera_make": "FUJIFILM", "lens_name": "XF 23", "lens": "XF23mmF2"})
    add(catalog, 2, "/a")
    choices = gallery.facets()
    assert choices["folder"] == ["/a", "/b"]
    assert choices["camera"] == ["", "FUJIFILM X-T5"]
    assert choices["lens"] == ["", "XF 23"]


def test_makers_that_repeat_themselves_are_named_once() -> None:
    assert camera_name("NIKON CORPORATION", "NIKON Z 8") == "NIKON Z 8"
    assert camera_name("SONY", "ILCE-7M4") == "SONY ILCE-7M4"
    assert camera_name(None, None) == ""


def test_text_is_found_however_it_was_typed() -> None:
    assert fold("Caf\u00e9  STRASSE\n") == fold("cafe\u0301 straße ") == "cafe strasse"
    keys = search_keys("/a/b.jpg", FIRST_DAY, {"prompt": "x" * 20_000}, {"captured_at": "2026-03-14T18:03:00.5-05:00"})
    assert len(keys.words) == 10_000
    assert keys.taken == "2026-03-14T18:03:00"


# -- renders that are no clip yet ----------------------------------------------------------------


@pytest.fixture(name="unfinished")
def make_unfinished(database: Database, queue: Queue) -> RenderListing:
    return RenderListing(database, queue)


def listed(unfinished: RenderListing, **choice: Any) -> list[str]:
    return [Path(job.photo_path).stem for job in unfinished.page(ListFilter.of(**choice), "newest")[0]]


def test_renders_are_chosen_by_their_state_and_follow_it(
    unfinished: RenderListing, queue: Queue, catalog: Catalog
) -> None:
    for name in ("a", "b", "c", "d"):
        make_job(queue, catalog, f"/photos/{name}.jpg")
    assert listed(unfinished) == ["d", "c", "b", "a"]
    first, second = queue.claim("worker/0"), queue.claim("worker/1")
    assert first is not None
    assert second is not None
    assert (listed(unfinished, state="queued"), listed(unfinished, state="running")) == (["d", "c"], ["b", "a"])
    queue.begin_publish(first.id, "worker/0", "/photos/a_motion.mp4", {})
    assert listed(unfinished, state="running") == ["b", "a"]
    queue.finish(first.id, "clip")
    queue.fail(second.id, "worker/1", GenerateError("It broke."))
    queue.cancel(queue.unfinished()[0].id)
    states = ("queued", "running", "failed", "cancelled")
    assert [listed(unfinished, state=state) for state in states] == [["d"], [], ["b"], ["c"]]
    queue.retry(second.id)
    assert listed(unfinished) == ["d", "c", "b"]
    assert listed(unfinished, state="failed") == []


def test_progress_leaves_the_list_of_renders_as_it_is(
    unfinished: RenderListing, queue: Queue, catalog: Catalog, database: Database
) -> None:
    make_job(queue, catalog)
    job = queue.claim("worker/0")
    assert job is not None
    before = unfinished._fresh()
    queue.heartbeat(job.id, "worker/0", 0.5, 60)
    assert unfinished._fresh() is before
    assert unfinished.page(ListFilter(), "newest")[0][0].progress == 0.5
    queue.finish(job.id, "clip")
    assert listed(unfinished) == []
    assert database.connection.execute("SELECT COUNT(*) FROM render_keys").fetchone()[0] == 0


def test_renders_are_grouped_and_chosen_as_clips_are(unfinished: RenderListing, queue: Queue, catalog: Catalog) -> None:
    facts = {"camera_model": "NIKON Z 8", "lens": "85mm", "captured_at": "2026-03-14T10:00", "caption": "Harbour"}
    photo = catalog.put_photo(Path("/a/one.jpg"), Stamp(1, 1), "1" * 64, facts)
    queue.enqueue(NewJob(photo, make_recipe(photo_type=PhotoType.PORTRAIT), "parallax"))
    make_job(queue, catalog, "/b/two.jpg")
    assert [group.labels["folder"] for group in unfinished.sections(ListFilter(), "name")] == ["/a", "/b"]
    for choice in (
        ListFilter.of(camera="NIKON Z 8"),
        ListFilter.of(lens="85mm"),
        ListFilter.of(folder="/a"),
        ListFilter.of(photo_type="portrait"),
        ListFilter(since="2026-03-14", until="2026-03-14"),
        ListFilter(text="harbour one.jpg"),
    ):
        assert [Path(job.photo_path).stem for job in unfinished.page(choice, "made")[0]] == ["one"]
    assert unfinished.facets()["camera"] == ["", "NIKON Z 8"]


def test_the_list_of_renders_outlives_the_log_of_events(
    unfinished: RenderListing, queue: Queue, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterframe.state.database.EVENTS_KEPT", 3)
    make_job(queue, catalog, "/photos/0.jpg")
    assert listed(unfinished) == ["0"]
    for number in range(1, 8):
        make_job(queue, catalog, f"/photos/{number}.jpg")
    assert len(listed(unfinished)) == 8
