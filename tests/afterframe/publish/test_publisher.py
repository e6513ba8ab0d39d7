from __future__ import annotations

from pathlib import Path

import pytest
from render_fixtures import OWNER, Studio, make_studio  # noqa: F401 - a fixture

import photometa
from afterframe.domain import JobState, Stamp, Verdict
from afterframe.errors import Cancelled
from afterframe.publish import publisher as publisher_module
from afterframe.publish.placement import Publication
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.system.hashing import sha256_of
from factories import listed_clips, make_clip, make_photo_file


def test_another_variant_gets_the_next_name_and_its_parent(studio: Studio) -> None:
    first = studio.order()
    studio.render()
    parent = studio.queue.get(first.id).clip_id
    second = studio.order(seed=8, origin="request", parent=parent)
    studio.render()
    clip = studio.catalog.clip(str(studio.queue.get(second.id).clip_id))
    assert Path(clip.path).name == "DSC_0042_motion-v2.mp4"
    assert clip.parent_clip == parent
    assert clip.variant == 2


def test_a_new_export_replaces_a_clip_that_nobody_touched(studio: Studio) -> None:
    studio.order()
    studio.render()
    old = sha256_of(studio.folder / "DSC_0042_motion.mp4")
    make_photo_file(studio.photo, seed=9)
    studio.generator.name = "fake again"
    studio.order()
    assert studio.render() is None
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}
    assert sha256_of(studio.folder / "DSC_0042_motion.mp4") != old
    (clip,) = listed_clips(studio.database)
    assert clip.photo_sha256 == sha256_of(studio.photo)


@pytest.mark.parametrize("how", ["approved", "rated", "refined", "edited"])
def test_a_new_export_leaves_a_clip_that_somebody_cares_for(studio: Studio, how: str) -> None:
    job = studio.order()
    studio.render()
    clip_id = str(studio.queue.get(job.id).clip_id)
    if how == "approved":
        studio.catalog.set_verdict(clip_id, Verdict.APPROVED, 0)
    elif how == "rated":
        studio.catalog.set_verdict(clip_id, Verdict.NONE, 3)
    elif how == "refined":
        studio.queue.cancel(studio.order(seed=99, origin="request", parent=clip_id).id)
    else:
        (studio.folder / "DSC_0042_motion.mp4").write_bytes(b"edited by hand")
    before = (studio.folder / "DSC_0042_motion.mp4").read_bytes()
    make_photo_file(studio.photo, seed=9)
    studio.order()
    assert studio.render() is None
    assert (studio.folder / "DSC_0042_motion.mp4").read_bytes() == before
    assert "DSC_0042_motion-v2.mp4" in studio.files()


def test_a_clip_that_is_made_again_takes_the_place_of_the_first(studio: Studio) -> None:
    first = studio.order()
    studio.render()
    again = studio.order(replaces=str(studio.queue.get(first.id).clip_id))
    assert studio.render() is None
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}
    (clip,) = listed_clips(studio.database)
    assert clip.id == studio.queue.get(again.id).clip_id
    assert clip.id != studio.queue.get(first.id).clip_id


@pytest.mark.parametrize("how", ["approved", "edited sidecar"])
def test_one_that_was_judged_before_it_was_made_again_stays(studio: Studio, how: str) -> None:
    first = studio.order()
    studio.render()
    clip_id = str(studio.queue.get(first.id).clip_id)
    studio.order(replaces=clip_id)
    if how == "approved":
        studio.catalog.set_verdict(clip_id, Verdict.APPROVED, 0)
    else:
        photometa.write_sidecar(studio.folder / "DSC_0042_motion.mp4.xmp", {"xmp:Rating": "5"})
    before = (studio.folder / "DSC_0042_motion.mp4").read_bytes()
    error = studio.render()
    assert isinstance(error, Cancelled)
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}
    assert (studio.folder / "DSC_0042_motion.mp4").read_bytes() == before


def test_a_clip_of_the_photo_at_another_path_is_not_replaced(
    studio: Studio, catalog: Catalog, database: Database
) -> None:
    other = catalog.put_photo(studio.folder / "other.jpg", Stamp(1, 1), "0" * 64, {})
    catalog.put_clip(make_clip(other))
    studio.order()
    studio.render()
    assert len(listed_clips(database)) == 2


def test_a_committed_publish_is_finished_after_a_crash(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    with monkeypatch.context() as patch:
        patch.setattr(publisher_module, "place", crash)
        with pytest.raises(KeyboardInterrupt):
            studio.render()
    assert studio.queue.get(job.id).state == JobState.PUBLISHING
    studio.publisher.roll_forward(lambda owner: owner == OWNER)
    assert studio.queue.get(job.id).state == JobState.DONE
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}


def test_a_publish_that_an_earlier_version_committed_is_finished(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its record of the clip lacks the fields that came later."""
    job = studio.order()
    with monkeypatch.context() as patch:
        patch.setattr(publisher_module, "place", crash)
        with pytest.raises(KeyboardInterrupt):
            studio.render()
    ((job_id, _, body),) = studio.queue.intents()
    for later in ("cost", "measures", "present", "rating", "verdict", "parent_clip", "variant"):
        del body["record"][later]
    studio.publisher.publish(job_id, Publication.from_dict(body))
    assert studio.queue.get(job.id).state == JobState.DONE


def crash(publication: Publication) -> None:
    raise KeyboardInterrupt


def test_a_publish_whose_file_was_lost_is_rendered_again(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    with monkeypatch.context() as patch:
        patch.setattr(publisher_module, "place", crash)
        with pytest.raises(KeyboardInterrupt):
            studio.render()
    (studio.folder / f".afterframe-{job.id}.mp4").unlink()
    studio.publisher.roll_forward(lambda owner: True)
    assert studio.queue.get(job.id).state == JobState.QUEUED
    assert studio.render() is None
    assert "DSC_0042_motion.mp4" in studio.files()


def test_a_name_that_a_stranger_took_meanwhile_leads_to_another_name(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.order()
    place = publisher_module.place

    def stranger_first(publication: Publication) -> None:
        Path(publication.clip).write_text("a stranger's")
        monkeypatch.setattr(publisher_module, "place", place)
        place(publication)

    monkeypatch.setattr(publisher_module, "place", stranger_first)
    assert studio.render() is None
    assert studio.render() is None
    assert (studio.folder / "DSC_0042_motion.mp4").read_text() == "a stranger's"
    assert "DSC_0042_jpg_motion.mp4" in studio.files()


def test_living_workers_publishes_are_left_to_them(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    with monkeypatch.context() as patch:
        patch.setattr(publisher_module, "place", crash)
        with pytest.raises(KeyboardInterrupt):
            studio.render()
    studio.publisher.roll_forward(lambda owner: False)
    assert studio.queue.get(job.id).state == JobState.PUBLISHING
