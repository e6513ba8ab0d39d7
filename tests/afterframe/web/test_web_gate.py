"""Must show 6: one table of requests and answers over every route. A route without a row fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from web_fixtures import HOST, ORIGIN, TOKEN, Desk, make_desk  # noqa: F401 - a fixture
from werkzeug.test import TestResponse

from afterframe.web.auth.gate import HEADERS

Answer = tuple[int, str]
Body = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """What one route answers to requests that it must not simply serve."""

    body: Body | None = None
    """A body that it understands, "PATH" standing for a path; None: it takes none."""
    form: str = ""
    """It takes a multipart form with a photo under this name beside the body."""
    anybody: bool = False
    """It answers without a token."""
    session: bool = True
    """A browser that has logged in may use it."""
    strange_path: Callable[[TestResponse], bool] | None = None
    """How it shows that it refuses a path outside; None: it takes no path."""
    get: int = 405
    """The status of a GET instead, for a route that changes something."""
    page: bool = False
    """Its refusals are pages."""


def refused_alone(response: TestResponse) -> bool:
    return (
        response.status_code == 202
        and response.json["renders"] == []
        and [entry["reason"]["code"] for entry in response.json["refused"]] == ["not_allowed"]
    )


def told_outside(response: TestResponse) -> bool:
    (photo,) = response.json["photos"]
    return photo["state"] == "outside" and photo["renders"] == photo["clips"] == []


def forbidden(response: TestResponse) -> bool:
    return response.status_code == 403 and response.json["error"]["code"] == "not_allowed"


def not_ours(response: TestResponse) -> bool:
    return response.status_code == 404 and response.json["error"]["code"] == "not_found"


def not_audited(response: TestResponse) -> bool:
    (photo,) = response.json["photos"]
    return photo["error"]["code"] == "not_allowed" and photo["readiness"] == {}


TABLE: dict[str, Row] = {
    "GET /": Row(page=True),
    "GET /queue": Row(page=True),
    "GET /audit": Row(page=True),
    "GET /folders": Row(page=True),
    "GET /settings": Row(page=True),
    "GET /api/settings": Row(),
    "POST /api/settings": Row(body={"values": {"render.crf": 20}}, get=200),
    "GET /login": Row(anybody=True, page=True),
    "GET /static/<path:name>": Row(anybody=True),
    "GET /api/health": Row(anybody=True),
    "POST /api/login-code": Row(session=False),
    "GET /metrics": Row(session=False),
    "GET /api/sessions": Row(),
    "DELETE /api/sessions/<session_id>": Row(),
    "POST /api/keys": Row(body={}),
    "GET /api/openapi.json": Row(),
    "POST /api/animate": Row(body={"photos": ["PATH"]}, strange_path=refused_alone),
    "POST /api/uploads": Row(body={"folder": "PATH"}, form="file", strange_path=forbidden),
    "POST /api/photos/lookup": Row(body={"paths": ["PATH"]}, strange_path=told_outside),
    "POST /api/recipe": Row(body={"photo": "PATH"}, strange_path=forbidden),
    "GET /api/renders": Row(),
    "GET /api/renders/<render_id>": Row(),
    "GET /api/renders/unfinished": Row(),
    "GET /api/renders/unfinished/outline": Row(),
    "GET /api/renders/unfinished/choices": Row(),
    "POST /api/renders/<render_id>/cancel": Row(),
    "POST /api/renders/cancel": Row(body={"renders": ["r"]}, get=404),
    "POST /api/renders/<render_id>/retry": Row(),
    "POST /api/renders/<render_id>/reseed": Row(),
    "POST /api/renders/retry": Row(body={"state": "failed"}, get=404),
    "GET /api/clips": Row(),
    "GET /api/clips/outline": Row(),
    "GET /api/clips/choices": Row(),
    "GET /api/clips/<clip_id>": Row(),
    "GET /api/clips/<clip_id>/context": Row(),
    "GET /api/clips/<clip_id>/seen": Row(),
    "GET /api/clips/<clip_id>/photo": Row(),
    "POST /api/clips/<clip_id>/draft": Row(body={"changes": {"fps": 12}}),
    "POST /api/renders/<render_id>/draft": Row(get=405),
    "GET /api/drafts/<draft_id>": Row(),
    "GET /api/clips/<clip_id>/interactive": Row(page=True),
    "GET /api/clips/<clip_id>/interactive.html": Row(page=True),
    "GET /api/clips/<clip_id>/interactive/picture": Row(),
    "GET /api/clips/<clip_id>/interactive/relief": Row(),
    "GET /api/renders/<render_id>/preview": Row(),
    "GET /api/photos/picture": Row(),
    "GET /api/folders/photos": Row(),
    "POST /api/audit": Row(body={"photos": ["PATH"]}, strange_path=not_audited),
    "GET /api/disk": Row(),
    "GET /api/models": Row(),
    "GET /api/clips/<clip_id>/file": Row(),
    "GET /api/clips/<clip_id>/poster": Row(),
    "POST /api/clips/<clip_id>/poster": Row(get=404),
    "GET /api/clips/<clip_id>/sidecar": Row(),
    "POST /api/clips/<clip_id>/verdict": Row(body={"verdict": "approved"}),
    "POST /api/clips/verdicts": Row(body={"clips": ["x"], "verdict": "approved"}, get=404),
    "POST /api/clips/<clip_id>/refine": Row(body={"changes": {"fps": 12}}),
    "POST /api/clips/<clip_id>/extend": Row(body={"seconds": 2}),
    "GET /api/clips/<clip_id>/outdated": Row(),
    "GET /api/clips/<clip_id>/takes": Row(),
    "GET /api/clips/<clip_id>/takes/<number>": Row(),
    "POST /api/clips/<clip_id>/renew": Row(),
    "GET /api/folders": Row(),
    # Naming any folder is what adding one is for; whether its photos may be used is asked of the token.
    "POST /api/folders": Row(body={"path": "PATH"}, get=200),
    "DELETE /api/folders": Row(body={"path": "PATH"}, get=200, strange_path=not_ours),
    "GET /api/queue": Row(),
    "POST /api/queue": Row(body={"paused": True}, get=200),
    "GET /api/events": Row(),
    **{
        name: replace(row, session=False)
        for name, row in {
            "POST /v1/videos": Row(body={"prompt": "waves"}, get=200),
            "GET /v1/videos": Row(),
            "GET /v1/videos/<video_id>": Row(),
            "GET /v1/videos/<video_id>/content": Row(),
            "DELETE /v1/videos/<video_id>": Row(get=404),
            "POST /v1/videos/<video_id>/remix": Row(body={"prompt": "waves"}),
            "POST /v1/videos/edits": Row(body={"prompt": "waves", "video": {"id": "v"}}, get=404),
            "POST /v1/videos/extensions": Row(body={}, get=404),
            "POST /v1/videos/characters": Row(body={"name": "Ann"}, form="video", get=404),
            "GET /v1/videos/characters/<character_id>": Row(),
            "POST /v1/files": Row(body={"purpose": "vision"}, form="file"),
            "GET /v1/files/<file_id>": Row(),
            "DELETE /v1/files/<file_id>": Row(get=404),
            "GET /v1/models": Row(),
            "GET /v1/models/<name>": Row(),
        }.items()
    },
}

CHANGES = [name for name in TABLE if not name.startswith("GET ")]


def test_every_route_has_a_row(desk: Desk) -> None:
    rules = desk.app.url_map.iter_rules()
    routes = {f"{method} {rule.rule}" for rule in rules for method in rule.methods or () if method != "HEAD"}
    assert routes == set(TABLE)


def ask(desk: Desk, name: str, *, path: str = "", how: str | None = None, **headers: str) -> TestResponse:
    method, rule = name.split(" ")
    address = rule.replace("<path:name>", "page.css").replace("<render_id>", "r").replace("<clip_id>", "c")
    body = TABLE[name].body
    filled = {
        key: [path] if value == ["PATH"] else path if value == "PATH" else value for key, value in (body or {}).items()
    }
    more: dict[str, Any] = {} if body is None or how in ("GET", "HEAD") else {"json": filled}
    if more and (file := TABLE[name].form):
        more = {"data": {**filled, file: (BytesIO(b"no photo"), "sent.jpg")}}
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    client = desk.app.test_client(use_cookies=False)
    return client.open(address, method=how or method, headers=headers, **more)


def error_of(response: TestResponse, row: Row) -> Answer:
    if row.page:
        assert response.mimetype == "text/html"
        return response.status_code, ""
    return response.status_code, response.json["error"]["code"]


BEARER = f"Bearer {TOKEN}"


NO_TOKEN: list[dict[str, str]] = [
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Bearer {TOKEN[:-1]}"},
    {"Authorization": f"Basic {TOKEN}"},
    {"Authorization": TOKEN},
    {"Authorization": "Bearer ünïcode"},
    {"Cookie": "session=1; afterframe_=x.y"},
]
FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:8723",
    "127.0.0.1.evil.example",
    "localhost.evil.example:8723",
    "192.168.1.5",
    "localhost:99999",
    "localhost:x",
    "local host",
    "localhost,evil.example",
    "[::2]:8723",
    "user@localhost",
    "",
)
FOREIGN_ORIGINS = (
    "http://evil.example",
    "null",
    "",
    "http://localhost:3000",
    "http://127.0.0.1",
    "file://",
    "chrome-extension://abc",
    f"{ORIGIN}.evil.example",
    f"{ORIGIN}/",
    "http://[",
    f"ftp://{HOST}",
)


@pytest.mark.parametrize("name", TABLE)
def test_without_the_token(desk: Desk, name: str) -> None:
    row, path = TABLE[name], str(desk.photo())
    for given in NO_TOKEN:
        response = ask(desk, name, path=path, **given)
        if name == "GET /login":
            assert response.status_code == 401  # no code was given
        elif row.anybody:
            assert response.status_code == 200
        else:
            assert error_of(response, row) == (401, "" if row.page else "not_logged_in"), given
            assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", TABLE)
def test_under_a_foreign_name(desk: Desk, name: str) -> None:
    row, path = TABLE[name], str(desk.photo())
    for host in FOREIGN_HOSTS:
        response = ask(desk, name, path=path, Host=host, Authorization=BEARER)
        assert error_of(response, row) == (403, "" if row.page else "foreign_host"), host


def test_under_a_name_of_ours(desk: Desk) -> None:
    ours = [
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "LOCALHOST:8723",
        "localhost.:8723",
        "[::1]",
        "[::1]:8723",
        "127.9.9.9:80",
    ]
    for host in [*ours, "studio.example", "Studio.Example:443"]:
        assert ask(desk, "GET /api/health", Host=host).status_code == 200
        assert ask(desk, "GET /api/queue", Host=host, Authorization=BEARER).status_code == 200


@pytest.mark.parametrize("name", TABLE)
def test_from_a_foreign_page(desk: Desk, name: str) -> None:
    row, path = TABLE[name], str(desk.photo())
    for origin in FOREIGN_ORIGINS:
        response = ask(desk, name, path=path, Origin=origin, Authorization=BEARER)
        assert error_of(response, row) == (403, "" if row.page else "foreign_origin"), origin


def session_of(desk: Desk) -> dict[str, str]:
    """The headers of a browser that has logged in."""
    client = desk.client()
    secret = desk.let_in(client)
    cookie = client.get_cookie(desk.app.extensions["afterframe"].gate.sessions.cookie)
    assert cookie is not None
    return {"Cookie": f"{cookie.key}={cookie.value}", "Afterframe_Secret": secret}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_a_session_must_come_from_our_own_page(desk: Desk, name: str) -> None:
    row, path, session = TABLE[name], str(desk.photo()), session_of(desk)
    own = ask(desk, name, path=path, Origin=ORIGIN, **session)
    if not row.session:
        assert error_of(own, row) == (401, "not_logged_in")
        return
    assert own.status_code not in (401, 403) or own.json["error"]["code"] not in (
        "not_logged_in",
        "no_origin",
        "no_secret",
    )
    unnamed = ask(desk, name, path=path, **session)
    assert error_of(unnamed, row) == (403, "no_origin")
    foreign = ask(desk, name, path=path, Origin="http://evil.example", **session)
    assert error_of(foreign, row) == (403, "foreign_origin")


@pytest.mark.parametrize("name", [name for name in TABLE if name not in CHANGES])
def test_a_session_may_look(desk: Desk, name: str) -> None:
    status = ask(desk, name, **session_of(desk)).status_code
    assert status not in (401, 403) if TABLE[name].session else status == 401


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_is_changed_by_get(desk: Desk, name: str) -> None:
    before = desk.services.database.last_cursor()
    for how in ("GET", "HEAD"):
        assert ask(desk, name, how=how, Authorization=BEARER).status_code == TABLE[name].get
    assert desk.services.database.last_cursor() == before
    assert desk.changes == []


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.strange_path])
@pytest.mark.parametrize("kind", ["outside", "missing", "traversal", "far", "symlink", "linked_folder", "sibling"])
def test_a_path_that_leads_outside(desk: Desk, name: str, kind: str) -> None:
    secret = desk.outside / "secret.jpg"
    secret.write_bytes(desk.photo("inside.jpg").read_bytes())
    link, linked_folder = desk.watched / "link.jpg", desk.watched / "linked"
    link.symlink_to(secret)
    linked_folder.symlink_to(desk.outside)
    sibling = Path(f"{desk.watched}-private")
    sibling.mkdir()
    (sibling / "x.jpg").write_bytes(secret.read_bytes())
    path = {
        "outside": str(secret),
        "missing": str(desk.outside / "nothing.jpg"),
        "traversal": f"{desk.watched}/../elsewhere/secret.jpg",
        "far": f"{desk.watched}/../../../../../../../../../../etc/passwd",
        "symlink": str(link),
        "linked_folder": str(linked_folder / "secret.jpg"),
        "sibling": str(sibling / "x.jpg"),
    }[kind]
    judge = TABLE[name].strange_path
    assert judge is not None
    response = ask(desk, name, path=path, Authorization=BEARER)
    assert judge(response), response.get_data(as_text=True)
    assert desk.reader.asked == []
    assert [folder.path for folder in desk.services.folders.all()] == [desk.watched]


@pytest.mark.parametrize(
    "address",
    [
        "/static/../__init__.py",
        "/static/%2e%2e/security.py",
        "/static/..%2f..%2fconfig.py",
        "/static//etc/passwd",
        "/static/..\\security.py",
        "/static/nothing.css",
        "/static/",
        "/static/%00",
    ],
)
def test_the_pages_files_are_only_the_pages_files(desk: Desk, address: str) -> None:
    response = desk.client().get(address)
    assert response.status_code in (401, 404)
    assert "import" not in response.get_data(as_text=True)


@pytest.mark.parametrize("name", TABLE)
def test_every_answer_carries_the_protecting_headers(desk: Desk, name: str) -> None:
    for response in (ask(desk, name, Authorization=BEARER), ask(desk, name, Host="evil.example")):
        for header, value in HEADERS.items():
            assert response.headers[header] == value
        assert "Access-Control-Allow-Origin" not in response.headers
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]
