from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from afterframe.domain import Clip, Failure, Stamp, Verdict
from afterframe.errors import NotFound
from afterframe.field_mapping import stored
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from factories import listed_clips, make_clip, make_job, make_photo


def test_a_photo_is_remembered_with_its_facts(catalog: Catalog) -> None:
    photo = catalog.put_photo(Path("/p/a.jpg"), Stamp(5, 6), "aa", {"iso": 100})
    assert catalog.photo_at(Path("/p/a.jpg")) == photo
    assert photo.facts["iso"] == 100


def test_a_photo_exported_again_keeps_its_row(catalog: Catalog) -> None:
    first = make_photo(catalog, sha256="a" * 64)
    again = make_photo(catalog, sha256="b" * 64)
    assert again.id == first.id
    assert again.sha256 == "b" * 64


def test_a_refused_file_is_not_a_photo_but_its_stamp_and_reason_are_known(catalog: Catalog) -> None:
    path = Path("/p/broken.jpg")
    catalog.record_rejection(path, Stamp(5, 6), Failure("truncated", "broken.jpg is cut short.", "Export again."))
    assert catalog.photo_at(path) is None
    assert catalog.stamps(Path("/p")) == {str(path): Stamp(5, 6)}
    problem = catalog.problem_at(path)
    assert problem is not None
    assert problem.code == "truncated"


def test_a_photo_is_ingested_once_for_each_path_and_content(catalog: Catalog) -> None:
    path = Path("/p/a.jpg")
    assert catalog.mark_auto_animated(path, "aa")
    assert not catalog.mark_auto_animated(path, "aa")
    assert catalog.mark_auto_animated(path, "bb")
    assert catalog.mark_auto_animated(Path("/p/b.jpg"), "aa")


def test_stamps_do_not_reach_into_a_folder_with_a_similar_name(catalog: Catalog) -> None:
    make_photo(catalog, "/photos/a.jpg")
    make_photo(catalog, "/photos 2/a.jpg")
    make_photo(catalog, "/photos/deep/ünïcode 😀.jpg")
    assert set(catalog.stamps(Path("/photos"))) == {"/photos/a.jpg", "/photos/deep/ünïcode 😀.jpg"}


def test_a_verdict_is_kept_and_told(catalog: Catalog) -> None:
    clip = make_clip(make_photo(catalog))
    catalog.put_clip(clip)
    assert catalog.set_verdict(clip.id, Verdict.APPROVED, 4).rating == 4
    assert catalog.clip(clip.id).verdict == Verdict.APPROVED


def test_a_deleted_clip_leaves_the_list_but_stays_known(catalog: Catalog, database: Database) -> None:
    photo = make_photo(catalog)
    clip = make_clip(photo)
    catalog.put_clip(clip)
    catalog.mark_absent(clip.id)
    assert listed_clips(database) == []
    assert [known.present for known in catalog.clips_of(photo.id)] == [False]


def test_a_clip_that_replaces_another_takes_its_path(catalog: Catalog) -> None:
    photo = make_photo(catalog)
    catalog.put_clip(make_clip(photo))
    newer = make_clip(photo, id="99999999-2222-3333-4444-555555555555")
    catalog.put_clip(newer)
    assert [clip.id for clip in catalog.clips_of(photo.id)] == [newer.id]


def test_a_refined_clip_is_known_to_be(catalog: Catalog, queue: Queue) -> None:
    clip = make_clip(make_photo(catalog))
    catalog.put_clip(clip)
    assert not catalog.refined(clip.id)
    make_job(queue, catalog, parent_clip=clip.id)
    assert catalog.refined(clip.id)


def test_unknown_clips_are_not_found(catalog: Catalog) -> None:
    with pytest.raises(NotFound):
        catalog.clip("nope")


def test_the_table_of_clips_has_a_column_for_every_field_that_is_stored(database: Database) -> None:
    columns = {row["name"] for row in database.connection.execute("SELECT name FROM pragma_table_info('clips')")}
    assert {column.name for column in stored(Clip)} == columns - {"seq"}, "a new field needs a migration"


def test_a_clip_is_read_as_it_was_put(catalog: Catalog) -> None:
    photo = make_photo(catalog)
    clip = make_clip(
        photo,
        variant=2,
        parent_clip="a-parent",
        verdict=Verdict.APPROVED,
        rating=4,
        present=False,
        measures={"photo_psnr_db": 41.5},
    )
    catalog.put_clip(clip)
    assert catalog.clip(clip.id) == clip


def test_a_clip_put_again_keeps_how_it_was_made_and_takes_what_changed(catalog: Catalog) -> None:
    """A rebuild knows a clip from its sidecar, which has the time to the second and a generator without its model."""
    photo = make_photo(catalog)
    clip = make_clip(photo, generator="diffusers:wan", created_at=1_700_000_000.75)
    catalog.put_clip(clip)
    catalog.put_clip(replace(clip, generator="diffusers", created_at=1_700_000_000.0, rating=4, sha256="d" * 64))
    assert catalog.clip(clip.id) == replace(clip, rating=4, sha256="d" * 64)


def test_pages_hear_of_a_clip_that_was_replaced(catalog: Catalog, database: Database) -> None:
    photo = make_photo(catalog)
    catalog.put_clip(make_clip(photo))
    catalog.put_clip(make_clip(photo, id="99999999-2222-3333-4444-555555555555"))
    gone = [event["id"] for event in database.events_since(0) if event["kind"] == "clip_gone"]
    assert gone == ["11111111-2222-3333-4444-555555555555"]


@pytest.mark.parametrize("nan", ["NaN", "Infinity", "-Infinity", "null", '"loud"'])
def test_a_measure_that_an_earlier_version_let_in_and_json_cannot_hold_is_left_out(
    catalog: Catalog, database: Database, nan: str
) -> None:
    clip = make_clip(make_photo(catalog), measures={"photo_de00": 1.5, "photo_psnr_db": float("nan")})
    catalog.put_clip(clip)
    stored = database.connection.execute("SELECT measures FROM clips").fetchone()[0]
    assert stored == '{"photo_de00": 1.5}'
    database.connection.execute("UPDATE clips SET measures = ?", (f'{{"photo_psnr_db": {nan}, "photo_de00": 1.5}}',))
    assert catalog.clip(clip.id).measures == {"photo_de00": 1.5}
