from __future__ import annotations

from pathlib import Path

import pytest

from afterframe.system.paths import are_one, as_spelled, stands_as_spelled


def test_where_case_counts_a_path_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "A.jpg").touch()
    if (tmp_path / "a.jpg").exists():
        pytest.skip("this disk folds case")
    for name in ("a.jpg", "A.jpg"):
        (tmp_path / name).touch()
        assert as_spelled(str(tmp_path / name)) == str(tmp_path / name)
        assert stands_as_spelled(tmp_path / name, [])
    assert not are_one(tmp_path / "a.jpg", tmp_path / "A.jpg")
