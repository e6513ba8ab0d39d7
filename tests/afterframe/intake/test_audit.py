from __future__ import annotations

from pathlib import Path

import pytest

from afterframe.config import Config, Home, LimitsConfig, Settings
from afterframe.errors import PhotoError
from afterframe.intake import audit as audit_module
from afterframe.intake.audit import AuditResult, audit
from afterframe.intake.contact_sheet import write_contact_sheet
from factories import make_photo_file
from fakes import FakeReader


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    reader = FakeReader()

    class InThisProcess:
        def __init__(self, limits: LimitsConfig, processes: int, detectors: Path) -> None: ...

        read = staticmethod(reader.read)

        def close(self) -> None: ...

    monkeypatch.setattr(audit_module, "PhotoReader", InThisProcess)
    return reader


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    folder = tmp_path / "photos <b>&"
    folder.mkdir()
    return [str(make_photo_file(folder / f"{n} é.jpg", seed=n)) for n in range(3)]


def run(photos: list[str]) -> list[AuditResult]:
    return audit(photos, Settings(Home.find(), Config()), lambda done: None, processes=2)


def test_every_photo_is_marked_and_the_best_come_first(reader: FakeReader, photos: list[str]) -> None:
    results = run(photos)
    assert {result.path for result in results} == set(photos)
    assert [result.score for result in results] == sorted((result.score for result in results), reverse=True)


def test_a_photo_that_cannot_be_read_comes_last_with_its_reason(reader: FakeReader, photos: list[str]) -> None:
    reader.problems[Path(photos[0])] = PhotoError("0 é.jpg is empty.", "Export it again.", code="empty")
    results = run([*photos, "/no/such.jpg"])
    assert [result.error["code"] for result in results if result.error] == ["missing", "empty"]
    assert results[0].error is None


def test_a_second_audit_goes_on_where_the_first_stopped(reader: FakeReader, photos: list[str]) -> None:
    run(photos[:2])
    kept = Home.find().cache / "audit" / f"marks-{audit_module.VERSION}.jsonl"
    with kept.open("a", encoding="utf-8") as file:
        file.write('{"key": "cut sho')
    reader.asked.clear()
    run(photos)
    assert reader.asked == [Path(photos[2])]


def test_a_changed_photo_is_looked_at_again(reader: FakeReader, photos: list[str]) -> None:
    run(photos)
    make_photo_file(Path(photos[0]), (300, 200))
    reader.asked.clear()
    run(photos)
    assert reader.asked == [Path(photos[0])]


def test_the_contact_sheet_shows_names_as_text(reader: FakeReader, photos: list[str], tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    write_contact_sheet(run(photos), page, LimitsConfig())
    text = page.read_text("utf-8")
    assert "&lt;b&gt;&amp;" in text
    assert "<b>&/" not in text
    assert len(list((tmp_path / "sheet_files").iterdir())) == 3


@pytest.mark.parametrize("name", ["photo.jpg", "notes.html"])
def test_a_file_that_is_not_a_contact_sheet_is_never_overwritten(
    reader: FakeReader, photos: list[str], tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    file.write_bytes(b"mine")
    with pytest.raises(PhotoError, match="left alone"):
        write_contact_sheet(run(photos), file, LimitsConfig())
    assert file.read_bytes() == b"mine"


def test_a_sheet_can_be_made_again(reader: FakeReader, photos: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        write_contact_sheet(run(photos), tmp_path / "sheet.html", LimitsConfig())


def test_a_sheet_that_cannot_be_written_is_an_error(reader: FakeReader, photos: list[str], tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"sheet\.html"):
        write_contact_sheet(run(photos), tmp_path / "no" / "sheet.html", LimitsConfig())
