"""What a clip says of when and where its photo was taken."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from render_fixtures import Studio, make_studio  # noqa: F401 - a fixture

import photometa
from afterframe.domain import Stamp
from afterframe.publish.taken import taken_properties
from photometa import Facts
from photometa.xmp.packets import packet, parse
from photometa.xmp.xmp_facts import read_xmp_facts

VIENNA = {"latitude": 48.208333, "longitude": 16.366667}
FACTS = {"captured_at": "2024-05-31T17:20:00.250000+02:00", **VIENNA, "altitude_m": -171.5, "city": "Wien"}


def test_the_sidecar_says_it_by_the_standards_and_it_reads_back_as_it_was() -> None:
    properties = taken_properties({**FACTS, "sublocation": "Prater", "state": "Wien", "country": "Austria"})
    assert properties["photoshop:DateCreated"] == "2024-05-31T17:20:00.250000+02:00"
    assert properties["exif:GPSLatitude"] == "48,12.499980N"
    read = {name: value for name, (value, _) in read_xmp_facts(parse(packet(properties))).items()}
    assert (read["captured_at"].isoformat(), read["offset_text"]) == ("2024-05-31T17:20:00.250000", "+02:00")
    assert (read["latitude"], read["longitude"]) == pytest.approx((48.208333, 16.366667), abs=1e-6)
    assert read["altitude_m"] == -171.5
    assert [read[name] for name in ("sublocation", "city", "state", "country")] == ["Prater", "Wien", "Wien", "Austria"]


@pytest.mark.parametrize("text", ["2024-05-31", "2024-05-31T17:20:00", "2024-05-31T17:20:00-08:00"])
def test_a_day_a_local_time_and_an_offset_stay_what_they_are(text: str) -> None:
    assert taken_properties({"captured_at": text})["photoshop:DateCreated"] == text


@pytest.mark.parametrize("facts", [{}, Facts().to_dict(), {"captured_at": "yesterday"}, {"latitude": 48.2}])
def test_nothing_known_says_nothing(facts: dict[str, Any]) -> None:
    assert taken_properties(facts) == {}


@pytest.mark.parametrize(
    ("facts", "utc", "with_offset"),
    [
        (FACTS, "2024-05-31T15:20:00", "2024-05-31T17:20:00+0200"),
        ({"captured_at": "2024-05-31T17:20:00", **VIENNA}, "2024-05-31T15:20:00", "2024-05-31T17:20:00+0200"),
        ({"captured_at": "2024-05-31T17:20:00"}, "2024-05-31T17:20:00", None),
        ({"captured_at": "2024-05-31T23:20:00-08:00"}, "2024-06-01T07:20:00", "2024-05-31T23:20:00-0800"),
        ({"captured_at": "2024-05-31"}, None, None),
        ({}, None, None),
    ],
)
def test_a_published_clip_says_it_too(
    studio: Studio, facts: dict[str, Any], utc: str | None, with_offset: str | None
) -> None:
    job = studio.order()
    photo = studio.catalog.photo_at(studio.photo)
    assert photo is not None
    studio.catalog.put_photo(studio.photo, Stamp(photo.size, photo.mtime_ns), photo.sha256, facts)
    studio.render()
    clip = studio.catalog.clip(str(studio.queue.get(job.id).clip_id))
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", clip.path], capture_output=True, text=True, check=False
    ).stderr
    assert told.count(f"creation_time   : {utc}.000000Z") == (2 if utc else 0)  # the movie and its track
    assert ("creationdate: " + str(with_offset) in told) == (with_offset is not None)
    assert ("+48.208333+016.366667" in told) == ("latitude" in facts)
    sidecar = photometa.read_sidecar(clip.sidecar_path)
    assert sidecar.get("photoshop:DateCreated") == facts.get("captured_at")
    assert Path(clip.path).read_bytes().endswith(Path(clip.sidecar_path).read_bytes())
