from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from afterframe.domain import Stamp
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.list_index import KEYS, SHARED, ListFilter
from afterframe.state.listings import ClipListing
from afterframe.state.search_keys import SearchKeys
from afterframe.web.api.clip_list import FILTERS
from factories import make_clip

FACTS = {"camera_model": "NIKON Z 8", "lens": "85mm", "captured_at": "2026-03-14T10:00"}


def test_every_key_says_what_a_list_can_do_with_it() -> None:
    assert list(SearchKeys.kinds()) == list(KEYS[1:])


@pytest.mark.parametrize("key", SHARED)
def test_every_shared_key_is_filtered_by_and_offered(database: Database, catalog: Catalog, key: str) -> None:
    photo = catalog.put_photo(Path("/photos/a.jpg"), Stamp(1, 1), "a" * 64, FACTS)
    catalog.put_clip(make_clip(photo))
    clips = ClipListing(database)
    (offered,) = clips.facets()[key]
    assert offered
    assert len(clips.page(ListFilter.of(**{key: offered}), "newest")[0]) == 1
    assert clips.page(ListFilter.of(**{key: "another"}), "newest")[0] == []


def test_a_clip_is_found_by_the_name_of_a_person_shown(database: Database, catalog: Catalog) -> None:
    facts = {**FACTS, "keywords": ["Harbour"], "persons": ["Zoë Brown"]}
    catalog.put_clip(make_clip(catalog.put_photo(Path("/photos/a.jpg"), Stamp(1, 1), "a" * 64, facts)))
    clips = ClipListing(database)
    assert [len(clips.page(ListFilter.of(text=text), "newest")[0]) for text in ("zoe", "harbour", "ann")] == [1, 1, 0]


def test_a_filter_by_what_is_not_a_key_is_an_error() -> None:
    with pytest.raises(TypeError, match="aperture"):
        ListFilter.of(aperture="f/2")


@pytest.mark.parametrize("key", SHARED)
def test_the_page_and_its_api_offer_every_shared_key(key: str) -> None:
    web = files("afterframe.web")
    assert key in FILTERS
    assert f'("{key}", t(' in web.joinpath("templates/review.html").read_text("utf-8")
    scripts = (file for file in web.joinpath("static").iterdir() if file.name.endswith(".js"))
    assert any(f'"{key}"' in file.read_text("utf-8") for file in scripts)
