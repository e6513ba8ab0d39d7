"""Public bug reports of other programs, rebuilt as files, where this machine has them; the suite makes its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import photometa

CASES = Path(__file__).parents[2].parent / "shared" / "cases"
RIGHT = {
    "xmp-date-no-seconds-plus.jpg": {"captured_at": "2016-01-28T12:21:00+02:00"},
    "xmp-date-no-seconds-minus.jpg": {"captured_at": "2016-01-28T12:21:00-05:00"},
    "xmp-date-no-seconds-z.jpg": {"captured_at": "2016-01-28T12:21:00+00:00"},
    "exif-and-xmp-date-no-seconds.jpg": {"captured_at": "2009-12-25T21:52:00-05:00"},
    "exif-date-with-offset-in-it.jpg": {"captured_at": "2018-05-10T13:23:29+02:00"},
    "exif-date-am-pm.jpg": {"captured_at": "2018-05-10T13:23:29"},
    "iptc-date-and-time-only.jpg": {"captured_at": "2025-03-07T15:41:42+01:00"},
    "xmp-createdate-only.png": {"captured_at": "2023-10-07T15:30:12+02:00"},
    "keywords-hierarchical-only.jpg": {"keywords": ["Waterfall"]},
    "keywords-tagslist-only.jpg": {"keywords": ["Waterfall", "Surfing"]},
    "keywords-plain-subject.jpg": {"keywords": ["Waterfall"]},
    "png-raw-profile-iptc.png": {"keywords": ["Waterfall", "Iceland"]},
    "altitude-ref-3.jpg": {"altitude_m": -420},
    "tiff-thumbnail-first.tif": {"width": 480, "height": 320},
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_case_is_read_right(name: str) -> None:
    path: Path = CASES / name
    if not path.is_file():
        pytest.skip("no shared cases on this machine")
    facts = photometa.read(path).to_dict()
    assert {field: facts[field] for field in RIGHT[name]} == RIGHT[name]
