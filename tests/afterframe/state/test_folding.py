from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterframe.domain import Stamp
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folding import fold
from afterframe.state.list_index import ListFilter
from afterframe.state.listings import ClipListing
from factories import make_clip


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Łódź", "lodz"),
        ("KØBENHAVN", "kobenhavn"),
        ("Đakovo", "dakovo"),
        ("Ægir", "aegir"),
        ("Œuvre", "oeuvre"),
        ("Isparta ısparta İsparta", "isparta isparta isparta"),
        ("Straße STRASSE ẞ", "strasse strasse ss"),
        ("Þórsmörk", "thorsmork"),
        ("Seyðisfjörður", "seydisfjordur"),
        ("Ħal Għaxaq", "hal ghaxaq"),
        ("Guovdageaidnu Ŧ ŋ", "guovdageaidnu t n"),
        ("ǾRSTED ǽ", "orsted ae"),
        ("Para\u0140lel, ŉ", "parallel, n"),
        ("Hawaiʻi", "hawaii"),
        ("Bəxtiyar", "bextiyar"),
        ("ɓaɗa ƙasa", "bada kasa"),
        ("Қазақстан Ғ", "казакстан г"),
        ("Crème  Brûlée\n", "creme brulee"),
        ("ﬁlm Ǆ", "film dz"),
        ("Αθήνα ΣΟΦΟΣ", "αθηνα σοφοσ"),
        ("東京 とうきょう", "東京 とうきょう"),
    ],
)
def test_letters_are_found_however_they_are_typed(written: str, typed: str) -> None:
    assert fold(written) == typed


@given(st.text())
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(string.ascii_letters + string.digits + "-_.,"))
def test_plain_letters_stay(text: str) -> None:
    assert fold(text) == text.lower()


def test_a_clip_is_found_by_a_plain_spelling(database: Database, catalog: Catalog) -> None:
    facts = {"city": "Łódź", "keywords": ["Smørrebrød"]}
    photo = catalog.put_photo(Path("/photos/a.jpg"), Stamp(1, 1), "a" * 64, facts)
    clip = make_clip(photo)
    catalog.put_clip(clip)
    listing = ClipListing(database)
    for text in ("lodz", "ŁÓDŹ", "smorrebrod", "smørre"):
        assert [found.id for found in listing.page(ListFilter(text=text), "made")[0]] == [clip.id], text
