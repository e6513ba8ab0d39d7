"""POST /api/uploads: a photo sent over the wire lands in a folder, over nothing, and is animated once."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_fixtures import ORIGIN, Desk, keep_to_contract, make_desk  # noqa: F401 - a fixture
from werkzeug.test import TestResponse

from afterframe.config import Config, LimitsConfig, Settings, WatchConfig
from afterframe.errors import PhotoError
from afterframe.imaging.decode import SUFFIXES
from afterframe.intake import watcher
from afterframe.web.api.uploads import LONGEST_NAME, photo_name
from afterframe.web.app import create_app
from afterframe.web.http.forms import Upload
from factories import Clock, make_picture
from photometa.rename import move_to_free_name


def jpeg(seed: int = 0, **save: Any) -> bytes:
    data = io.BytesIO()
    make_picture((96, 64), seed).save(data, "JPEG", **save)
    return data.getvalue()


def send(desk: Desk, data: bytes | None = None, name: str = "DSC_0042.jpg", **fields: Any) -> TestResponse:
    file = {} if name is None else {"file": (io.BytesIO(jpeg() if data is None else data), name)}
    return desk.ask("POST", "/api/uploads", data={**fields, **file})


def sent(desk: Desk, data: bytes | None = None, name: str = "DSC_0042.jpg", **fields: Any) -> dict[str, Any]:
    response = send(desk, data, name, **fields)
    keep_to_contract(desk.app, "POST", "/api/uploads", response)
    answer: dict[str, Any] = response.get_json()
    return answer


def refused(desk: Desk, data: bytes | None = None, name: str = "DSC_0042.jpg", **fields: Any) -> tuple[int, str]:
    before = sorted(desk.watched.rglob("*"))
    response = send(desk, data, name, **fields)
    assert sorted(desk.watched.rglob("*")) == before
    assert desk.services.queue.page()[0] == []
    return response.status_code, response.get_json()["error"]["code"]


def test_a_sent_photo_lands_in_its_folder_byte_for_byte(desk: Desk) -> None:
    inside = desk.watched / "Büro 2026"
    inside.mkdir()
    answer = sent(desk, jpeg(3), "Größe Ä.jpg", folder=str(inside), animate="false")
    assert answer == {"path": str(inside / "Größe Ä.jpg"), "new": True, "renders": []}
    assert (inside / "Größe Ä.jpg").read_bytes() == jpeg(3)
    assert sorted(path.name for path in inside.iterdir()) == ["Größe Ä.jpg"]


def test_animate_gives_the_renders_with_what_was_asked(desk: Desk) -> None:
    answer = sent(
        desk, animate="true", recipe='{"duration_s": 3, "prompt": "waves"}', variants="2", generator="parallax"
    )
    assert [render["photo"] for render in answer["renders"]] == [answer["path"]] * 2
    assert [render["recipe"]["duration_s"] for render in answer["renders"]] == [3.0, 3.0]
    assert {job.id for job in desk.services.queue.page()[0]} == {render["id"] for render in answer["renders"]}


def test_left_out_animate_is_what_the_folder_does(desk: Desk) -> None:
    desk.services.folders.put(desk.outside, watch=False)
    assert len(sent(desk, folder=str(desk.watched))["renders"]) == 1
    assert sent(desk, folder=str(desk.outside))["renders"] == []


def test_the_only_folder_needs_no_name_and_several_do(desk: Desk) -> None:
    assert Path(sent(desk)["path"]).parent == desk.watched
    desk.services.folders.put(desk.outside, watch=False)
    response = send(desk, jpeg(1))
    assert response.status_code == 400
    assert str(desk.outside) in response.get_json()["error"]["hint"]


class NoEvents:
    """An observer of the watch that hears nothing."""

    def schedule(self, handler: object, path: str, *, recursive: bool) -> None: ...

    def start(self) -> None: ...

    def is_alive(self) -> bool:
        return False


@pytest.mark.parametrize("animate", ["true", "false"])
def test_the_watch_leaves_a_sent_photo_alone(desk: Desk, animate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "Observer", NoEvents)
    answer = sent(desk, animate=animate)
    arrived = desk.photo("arrived.jpg")
    taken: list[Path] = []

    def take(path: Path, *, final: bool) -> bool:
        taken.append(path)
        return True

    catalog, folders, long_after = desk.services.catalog, desk.services.folders, Clock(time.time() + 3600)
    watching = watcher.Watcher(
        catalog,
        folders,
        WatchConfig(),
        watcher.Handlers(photo=take, temporary=lambda path: None, clip=lambda path: True),
        clocks=watcher.Clocks(Clock(), long_after),
    )
    watching.turn()
    watching.turn()
    assert taken == [arrived]
    desk.services.ingest.accept(Path(answer["path"]))  # even when a lost event brings it up again
    assert len(desk.services.queue.page()[0]) == len(answer["renders"])


def test_no_worker_sees_the_job_before_the_photo_is_there(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def move(source: Path, target: Path) -> None:
        seen.append(desk.services.database.connection.in_transaction)
        shutil.move(source, target)

    monkeypatch.setattr("afterframe.intake.ingest.move_to_free_name", move)
    sent(desk, animate="true")
    assert seen == [True]


def test_another_photo_of_the_same_name_is_never_overwritten(desk: Desk) -> None:
    first = sent(desk, jpeg(1))
    second = sent(desk, jpeg(2))
    third = sent(desk, jpeg(3))
    names = [Path(answer["path"]).name for answer in (first, second, third)]
    assert names == ["DSC_0042.jpg", "DSC_0042-2.jpg", "DSC_0042-3.jpg"]
    assert [Path(answer["path"]).read_bytes() for answer in (first, second, third)] == [jpeg(1), jpeg(2), jpeg(3)]


def test_sending_the_same_photo_again_keeps_and_animates_it_once(desk: Desk) -> None:
    first, second = sent(desk, animate="true"), sent(desk, animate="true")
    assert (second["path"], second["new"]) == (first["path"], False)
    assert [render["id"] for render in second["renders"]] == [render["id"] for render in first["renders"]]
    assert [path.name for path in desk.watched.iterdir()] == ["DSC_0042.jpg"]


def test_a_link_of_that_name_is_neither_followed_nor_replaced(desk: Desk) -> None:
    secret = desk.outside / "secret.jpg"
    secret.write_bytes(jpeg())
    (desk.watched / "DSC_0042.jpg").symlink_to(secret)
    (desk.watched / "DSC_0042-2.jpg").mkdir()
    assert Path(sent(desk)["path"]).name == "DSC_0042-3.jpg"
    assert (desk.watched / "DSC_0042.jpg").readlink() == secret


def somebody_is_quicker(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """A file takes the name after every look, right before the rename."""

    def move(source: Path, target: Path) -> None:
        if target.name == "DSC_0042.jpg" and not target.exists():
            target.write_bytes(data)
        move_to_free_name(source, target)

    monkeypatch.setattr("afterframe.intake.ingest.move_to_free_name", move)


def test_the_same_photo_sent_twice_at_once_is_kept_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody_is_quicker(monkeypatch, jpeg())
    answer = sent(desk, animate="true")
    assert (Path(answer["path"]).name, answer["new"]) == ("DSC_0042.jpg", False)
    assert [path.name for path in desk.watched.glob("DSC*")] == ["DSC_0042.jpg"]
    assert len(desk.services.queue.page()[0]) == 1


def test_a_name_taken_at_the_last_moment_is_left_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody_is_quicker(monkeypatch, b"somebody else's")
    answer = sent(desk, animate="true")
    assert Path(answer["path"]).name == "DSC_0042-2.jpg"
    assert (desk.watched / "DSC_0042.jpg").read_bytes() == b"somebody else's"
    assert [job.photo_path for job in desk.services.queue.page()[0]] == [answer["path"]]


def test_twelve_that_send_the_same_photo_at_once_keep_and_animate_it_once(desk: Desk) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = [future.result() for future in [pool.submit(sent, desk, animate="true") for _ in range(12)]]
    assert {Path(answer["path"]).name for answer in answers} == {"DSC_0042.jpg"}
    assert [answer["new"] for answer in answers].count(True) == 1
    assert [path.name for path in desk.watched.iterdir()] == ["DSC_0042.jpg"]
    assert len(desk.services.queue.page()[0]) == 1


def test_twelve_photos_of_one_name_that_are_sent_at_once_are_all_kept(desk: Desk) -> None:
    photos = [jpeg(seed) for seed in range(12)]
    with ThreadPoolExecutor(12) as pool:
        paths = [answer["path"] for answer in pool.map(partial(sent, desk), photos)]
    assert len(set(paths)) == 12
    assert [Path(path).read_bytes() for path in paths] == photos


# -- refused -----------------------------------------------------------------------------------


def test_what_cannot_be_read_is_not_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> None:
        raise PhotoError(f"{path.name} is damaged or cut short.", "Export it again.", code="truncated")

    monkeypatch.setattr(desk.services.ingest, "_read", read)
    assert refused(desk, jpeg()[:200]) == (422, "truncated")


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"data": b"PK\3\4", "name": "archive.zip"}, (422, "unsupported_kind")),
        ({"data": b"#!/bin/sh", "name": ""}, (422, "unsupported_kind")),
        ({"name": "x" * 300 + ".jpg"}, (422, "name_too_long")),
        ({"recipe": '{"fps": 1000}'}, (400, "setting_out_of_range")),
        ({"recipe": json.dumps({"prompt": "x" * 2001})}, (400, "setting_out_of_range")),
        ({"recipe": json.dumps({"prompt": "x" * 2001}), "animate": "false"}, (400, "setting_out_of_range")),
        ({"recipe": "{"}, (400, "bad_request")),
        ({"recipe": "[1]"}, (400, "bad_request")),
        ({"generator": "warp drive"}, (400, "no_generator")),
        ({"variants": "seventeen"}, (400, "bad_request")),
        ({"animate": "perhaps"}, (400, "bad_request")),
        ({"colour": "red"}, (400, "unknown_key")),
        ({"folder": "photos"}, (400, "relative_path")),
        ({"folder": ["/a", "/b"]}, (400, "bad_request")),
        ({"folder[x]": "/a"}, (400, "unknown_key")),
        ({"other": (io.BytesIO(b"x"), "x.jpg")}, (400, "unknown_key")),
    ],
)
def test_a_senseless_upload_is_refused_and_leaves_nothing(
    desk: Desk, fields: dict[str, Any], answer: tuple[int, str]
) -> None:
    assert refused(desk, **fields) == answer


def test_a_folder_that_is_outside_missing_or_hidden_is_refused(desk: Desk) -> None:
    (desk.watched / ".trash").mkdir()
    assert refused(desk, folder=str(desk.outside)) == (403, "not_allowed")
    assert refused(desk, folder=str(desk.watched / "nothing")) == (400, "no_folder")
    assert refused(desk, folder=str(desk.watched / ("n" * 300))) == (400, "name_too_long")
    assert refused(desk, folder=str(desk.watched / ".trash")) == (403, "hidden_folder")


@pytest.mark.parametrize("name", ["@eaDir", "CaptureOne/Cache", "#recycle"])
def test_a_folder_that_no_scan_looks_into_takes_no_photo(desk: Desk, name: str) -> None:
    (desk.watched / name).mkdir(parents=True)
    assert refused(desk, folder=str(desk.watched / name)) == (403, "hidden_folder")


def test_a_body_that_is_no_form_is_refused(desk: Desk) -> None:
    assert desk.bad("POST", "/api/uploads", {"file": "x"}) == (415, "not_multipart")
    assert desk.bad("POST", "/api/uploads", data=b"--x", content_type="multipart/form-data; boundary=x")[0] == 400
    text = {"data": {"file": "not a file"}, "content_type": "multipart/form-data"}
    assert desk.bad("POST", "/api/uploads", **text) == (400, "bad_request")


def test_a_photo_larger_than_the_limit_is_refused(desk: Desk) -> None:
    settings = Settings(desk.services.home, Config(limits=LimitsConfig(upload_mb=0.01)))
    desk.app = create_app(replace(desk.services, settings=settings))
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + bytes(2 << 20) + b"\r\n--x--"
    )
    form = {"data": body, "content_type": "multipart/form-data; boundary=x"}
    assert desk.bad("POST", "/api/uploads", **form) == (413, "too_large")
    assert sent(desk)["new"]


def test_the_limit_is_that_of_the_file_itself(desk: Desk) -> None:
    settings = Settings(desk.services.home, Config(limits=LimitsConfig(upload_mb=0.25)))
    desk.app = create_app(replace(desk.services, settings=settings))
    photo = jpeg()
    assert refused(desk, photo.ljust((1 << 18) + 1, b"x")) == (413, "too_large")
    assert sent(desk, photo.ljust(1 << 18, b"x"))["new"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
def test_a_full_disk_is_told_and_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    def save(self: Upload, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Upload, "save", save)
    assert refused(desk) == ((507, "disk_full") if error == errno.ENOSPC else (500, "not_kept"))


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/DSC.jpg", "DSC.jpg"),
        ("C:\\Users\\ann\\DSC.JPG", "DSC.JPG"),
        ("/absolute/DSC.jpg", "DSC.jpg"),
        (".hidden.jpg", "hidden.jpg"),
        ("a<b>:\"|?*\0\x1f.jpg", "a_b________.jpg"),
        ("blob", "blob.jpg"),
        ("", "photo.jpg"),
        ("..", "photo.jpg"),
        ("DSC.jpg.", "DSC.jpg"),
        ("CON.jpg", "photo-CON.jpg"),
        ("写真 1.jpeg", "写真 1.jpeg"),
    ],
)  # fmt: skip
def test_a_name_is_kept_without_what_could_lead_away(given: str, kept: str) -> None:
    assert photo_name(Upload(given, io.BytesIO(jpeg()))) == kept


@pytest.mark.parametrize("name", ["DSC_0001.HIF", "a.jfif", "a.JPE", "a.heics", "a.avifs"])
def test_every_suffix_of_what_is_read_is_kept(name: str) -> None:
    data = io.BytesIO()
    make_picture().save(data, "AVIF")
    assert photo_name(Upload(name, data)) == name


@given(st.text(max_size=200))
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    try:
        kept = photo_name(Upload(name, io.BytesIO(b"\xff\xd8\xff")))
    except PhotoError:
        return
    assert Path(kept).name == kept
    assert not set(kept) & set("/\\")
    assert not kept.startswith(".")
    assert Path(kept).suffix.lower() in SUFFIXES
    assert len(kept.encode()) <= LONGEST_NAME + len("photo-")


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("JPEG", ".jpg"), ("PNG", ".png"), ("TIFF", ".tif"), ("WEBP", ".webp"), ("AVIF", ".avif"), ("GIF", None)],
)
def test_a_photo_without_a_suffix_gets_that_of_its_kind(kind: str, suffix: str | None) -> None:
    data = io.BytesIO()
    make_picture().save(data, kind)
    assert suffix_of(data) == suffix


def suffix_of(data: io.BytesIO) -> str | None:
    try:
        return Path(photo_name(Upload("blob", data))).suffix
    except PhotoError:
        return None


@pytest.mark.parametrize(
    ("brands", "suffix"),
    [
        *((brand, ".heic") for brand in ("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1")),
        ("avif", ".avif"),
        ("avis", ".avif"),
        ("mif1 miaf avif", ".avif"),
        ("isom heic", ".heic"),
        ("isom mp42", None),
    ],
)
def test_a_photo_of_any_heif_brand_gets_its_suffix(brands: str, suffix: str | None) -> None:
    major, *compatible = brands.encode().split()
    content = major + bytes(4) + b"".join(compatible)
    data = (len(content) + 8).to_bytes(4, "big") + b"ftyp" + content + bytes(64)
    assert suffix_of(io.BytesIO(data)) == suffix
