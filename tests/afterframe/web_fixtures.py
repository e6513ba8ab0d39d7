"""A site over a real state file: photos in a watched folder, a clip with its sidecar, and requests whose
answers are checked against what /api/openapi.json promises."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from afterframe.config import Config, Home, ServerConfig, Settings
from afterframe.domain import Clip, Photo, Stamp
from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding
from afterframe.formats.json_schema import check
from afterframe.intake.ingest import Ingest
from afterframe.publish.sidecar import MadeBy, sidecar_properties
from afterframe.render.derived_files import DerivedFiles
from afterframe.render.drafts import DraftMaker
from afterframe.render.pictures import PictureMaker
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.idempotency import IdempotencyStore
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of
from afterframe.web.all_routes import ROUTES
from afterframe.web.app import create_app
from afterframe.web.auth.login_codes import LoginCodes
from afterframe.web.http.context import Services
from afterframe.web.http.resources import SCHEMAS
from afterframe.web.http.schemas import ref
from factories import Clock, make_clip, make_frames, make_photo_file
from fakes import FakeReader, open_files
from photometa.xmp.packets import packet

TOKEN = "t0ken-of-the-tests-0123456789abcdef"
HOST = "localhost"  # what Flask's test client calls it
ORIGIN = f"http://{HOST}"


@dataclass
class Desk:
    """Everything that a test of the web side touches."""

    app: Flask
    services: Services
    reader: FakeReader
    codes: LoginCodes
    clock: Clock
    watched: Path
    outside: Path
    changes: list[str] = field(default_factory=list)

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> TestResponse:
        """A request as a plugin sends it."""
        headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        # Buffered: read to the end and closed, as a server does.
        return self.client().open(path, method=method, headers=headers, **{"buffered": True, **more})

    def good(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The JSON of a request that must succeed, checked against the contract."""
        response = self.ask(method, path, body)
        assert response.status_code < 300, response.get_data(as_text=True)
        keep_to_contract(self.app, method, path, response)
        data: dict[str, Any] = response.get_json()
        return data

    def bad(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, str]:
        """(status, code) of a request that must be refused, in the form of every error."""
        response = self.ask(method, path, body, **more)
        check(response.get_json(), ref("Error"), SCHEMAS)
        error = response.get_json()["error"]
        assert error["message"]
        assert "Traceback" not in response.get_data(as_text=True)
        return response.status_code, error["code"]

    def browser(self) -> FlaskClient:
        """A client that has logged in by a link."""
        client = self.client()
        secret = self.let_in(client)
        client.environ_base["HTTP_AFTERFRAME_SECRET"] = secret
        return client

    def let_in(self, client: FlaskClient) -> str:
        """Log a browser in by a link: it has the cookie now. The second secret, which the page's scripts keep."""
        response = client.get(f"/login?code={self.codes.issue()}")
        assert response.status_code == 200
        found = re.search(r'data-secret="([\w-]+)"', response.get_data(as_text=True))
        assert found is not None
        return found[1]

    def photo(self, name: str = "DSC_0042.jpg") -> Path:
        seed = sum(name.encode())
        return make_photo_file(self.watched / name, seed=seed)

    def known(self, path: Path) -> Photo:
        return self.services.catalog.put_photo(path, Stamp.of(path.stat()), sha256_of(path), {})

    def clip(self, name: str = "DSC_0042.jpg", data: bytes = b"0123456789" * 100, **changes: Any) -> Clip:
        """A published clip: file, sidecar, row. Its bytes are no video."""
        photo = self.known(self.photo(name))
        path = self.watched / f"{Path(name).stem}_motion.mp4"
        path.write_bytes(data)
        clip = make_clip(photo, path, sha256=sha256_of(path), **changes)
        properties = sidecar_properties(clip, MadeBy("parallax", "1", trained=False), {}, 4)
        Path(clip.sidecar_path).write_bytes(packet(properties))
        self.services.catalog.put_clip(clip)
        return clip


def keep_to_contract(app: Flask, method: str, path: str, response: TestResponse) -> None:
    adapter = app.url_map.bind("localhost")
    endpoint, _ = adapter.match(path.partition("?")[0], method=method)
    (route,) = [route for route in ROUTES if f"{route.method} {route.rule}" == endpoint]
    assert response.status_code == route.status
    if route.answer is not None and response.is_json:
        check(response.get_json(), route.answer, SCHEMAS)


@pytest.fixture(name="desk")
def make_desk(tmp_path: Path, database: Database, catalog: Catalog, queue: Queue, clock: Clock) -> Iterator[Desk]:
    watched, outside = tmp_path / "photos", tmp_path / "elsewhere"
    watched.mkdir()
    outside.mkdir()
    folders = FolderList(database, clock)
    folders.put(watched, watch=True)
    reader, changes = FakeReader(), list[str]()
    config = Config(server=ServerConfig(allowed_hosts=("studio.example",)))
    settings = Settings(Home(tmp_path / "home").make(), config)
    files = DerivedFiles(settings, processes=1)
    services = Services(
        settings=settings,
        database=database,
        catalog=catalog,
        folders=folders,
        answers=IdempotencyStore(database, clock),
        queue=queue,
        pictures=PictureMaker(files),
        drafts=DraftMaker(files),
        ingest=Ingest(database, catalog, queue, settings, reader.read, open_files()),
        foreign_files=open_files(),
        token=TOKEN,
        folders_changed=lambda: changes.append("folders"),
        rescan=lambda folder: changes.append(f"look {folder}"),
        stopping=threading.Event(),
    )
    codes = LoginCodes(clock)
    yield Desk(create_app(services, codes, clock=clock), services, reader, codes, clock, watched, outside, changes)
    services.stopping.set()
    files.close()


@pytest.fixture(name="clip_bytes", scope="module")
def make_clip_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real clip, for posters and the like."""
    target = tmp_path_factory.mktemp("clip") / "tiny.mp4"
    encode(make_frames(), target, Encoding(preset="ultrafast"), lambda share: None, lambda: False)
    return target.read_bytes()
