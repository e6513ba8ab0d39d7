"""A session's cookie reaches every server on this machine's address, whatever its port: by itself it opens nothing."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from web_fixtures import ORIGIN, Desk, make_desk  # noqa: F401 - a fixture
from werkzeug.test import TestResponse

from afterframe.domain import Clip
from afterframe.web.all_routes import ROUTES
from afterframe.web.auth.session import MEDIA_KEY_S, MEDIA_STEP_S, PAGE_KEY_S
from afterframe.web.http.routes import Caller

OPEN = {route.name for route in ROUTES if route.caller is Caller.ANYBODY}
PAGES = ["/", "/queue", "/audit", "/folders", "/settings"]


@pytest.fixture(name="clip")
def make_one(desk: Desk) -> Clip:
    return desk.clip()


@pytest.fixture(name="thief")
def make_thief(desk: Desk, clip: Clip) -> FlaskClient:
    """A server on another port: the browser sent it the cookie. It can claim any Origin, not know the secret."""
    client = desk.client()
    desk.let_in(client)
    client.environ_base["HTTP_ORIGIN"] = ORIGIN
    return client


@pytest.mark.parametrize("name", [f"{route.method} {route.rule}" for route in ROUTES if route.name not in OPEN])
def test_with_the_cookie_alone_nothing_is_read_and_nothing_changed(
    desk: Desk, thief: FlaskClient, clip: Clip, name: str
) -> None:
    method, rule = name.split(" ")
    address = re.sub(r"<(?:path:)?\w+>", clip.id, rule)
    before = desk.services.database.last_cursor()
    for how in (method, "HEAD") if method == "GET" else (method,):
        for more in ({}, {"headers": {"Afterframe-Secret": "guessed"}}, {"query_string": {"key": "guessed"}}):
            response = thief.open(address, method=how, json=None if method == "GET" else {}, buffered=True, **more)
            check_closed(desk, response, page=address in PAGES or "interactive" in rule)
    assert desk.services.database.last_cursor() == before


def check_closed(desk: Desk, response: TestResponse, *, page: bool) -> None:
    text = response.get_data(as_text=True)
    if page and response.mimetype == "text/html":
        assert 'src="/static/opening.js"' in text or response.request.method == "HEAD"
    else:
        assert response.status_code == 401
    for word in ("DSC_0042", str(desk.watched), "page-data"):
        assert word not in text


def test_the_page_of_a_link_gives_its_secret_once(desk: Desk, thief: FlaskClient) -> None:
    link = f"/login?code={desk.codes.issue()}"
    assert "data-secret" in desk.client().get(link).get_data(as_text=True)
    assert "data-secret" not in thief.get(link).get_data(as_text=True)


def test_the_secret_of_another_session_does_not_open_this_one(desk: Desk, thief: FlaskClient) -> None:
    other = desk.let_in(desk.client())
    assert thief.get("/api/queue", headers={"Afterframe-Secret": other}).json["error"]["code"] == "no_secret"


def test_the_secret_without_the_cookie_opens_nothing(desk: Desk) -> None:
    secret = desk.let_in(desk.client())
    assert desk.client().get("/api/queue", headers={"Afterframe-Secret": secret}).status_code == 401


def key_of(browser: FlaskClient, page: str | None = None) -> str:
    body = {} if page is None else {"page": page}
    response = browser.post("/api/keys", json=body, headers={"Origin": ORIGIN})
    assert response.status_code == 200
    return str(response.json["key"])


def without_secret(browser: FlaskClient) -> FlaskClient:
    del browser.environ_base["HTTP_AFTERFRAME_SECRET"]
    return browser


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_by_its_own_key_for_a_minute(desk: Desk, clip: Clip, page: str) -> None:
    browser = desk.browser()
    key, other = key_of(browser, page), key_of(browser, "/elsewhere")
    without_secret(browser)
    assert "page-data" in browser.get(page, query_string={"key": key}).get_data(as_text=True)
    assert "page-data" not in browser.get(page, query_string={"key": other}).get_data(as_text=True)
    desk.clock.forward(PAGE_KEY_S + 1)
    assert "page-data" not in browser.get(page, query_string={"key": key}).get_data(as_text=True)


def test_media_and_events_open_by_a_key_and_json_and_changes_never(desk: Desk, clip: Clip) -> None:
    browser = desk.browser()
    key = key_of(browser)
    without_secret(browser)
    assert (
        browser.get(f"/api/clips/{clip.id}/file", query_string={"key": key}, buffered=True).data == b"0123456789" * 100
    )
    assert browser.get("/api/events", query_string={"key": key}, buffered=True).status_code == 200
    for address in (f"/api/clips/{clip.id}", "/api/sessions", "/api/folders", "/api/settings"):
        assert browser.get(address, query_string={"key": key}).status_code == 401
    verdict = browser.post(f"/api/clips/{clip.id}/verdict", query_string={"key": key}, json={"verdict": "approved"})
    assert verdict.status_code == 401
    assert "page-data" not in browser.get("/", query_string={"key": key}).get_data(as_text=True)


def test_a_media_key_ends_within_the_hour_and_is_the_same_for_a_while(desk: Desk, clip: Clip) -> None:
    browser = desk.browser()
    desk.clock.forward(MEDIA_STEP_S - desk.clock() % MEDIA_STEP_S)
    key = key_of(browser)
    desk.clock.forward(MEDIA_STEP_S - 1)
    assert key_of(browser) == key  # the browser's cache knows its pictures again
    desk.clock.forward(1)
    assert key_of(browser) != key
    without_secret(browser)
    desk.clock.forward(MEDIA_KEY_S - MEDIA_STEP_S)
    file = f"/api/clips/{clip.id}/file"
    assert browser.get(file, query_string={"key": key}, buffered=True).status_code == 200
    desk.clock.forward(1)
    assert browser.get(file, query_string={"key": key}).status_code == 401


def test_a_key_holds_only_with_its_own_session(desk: Desk, clip: Clip, thief: FlaskClient) -> None:
    browser = desk.browser()
    key, file = key_of(browser), f"/api/clips/{clip.id}/file"
    assert thief.get(file, query_string={"key": key}).status_code == 401
    assert desk.client().get(file, query_string={"key": key}).status_code == 401
    (mine,) = [one["id"] for one in browser.get("/api/sessions").json["sessions"] if one["current"]]
    desk.good("DELETE", f"/api/sessions/{mine}")
    assert without_secret(browser).get(file, query_string={"key": key}).status_code == 401


def test_every_address_in_a_page_that_the_browser_fetches_itself_has_the_key(desk: Desk) -> None:
    path = desk.photo("failing.jpg")
    desk.known(path)
    desk.good("POST", "/api/animate", {"photos": [str(path)]})
    browser = desk.browser()
    text = browser.get("/queue").get_data(as_text=True)
    found = re.findall(r'(?:src|poster)="(/api/[^"]+)"', text)
    assert found
    without_secret(browser)
    for address in found:
        assert browser.get(address.replace("&amp;", "&"), buffered=True).status_code == 200


def test_a_plugin_is_given_no_key(desk: Desk) -> None:
    assert desk.bad("POST", "/api/keys", {}) == (409, "no_session")


def test_using_the_cookie_alone_does_not_keep_a_session_alive(desk: Desk, thief: FlaskClient) -> None:
    before = desk.good("GET", "/api/sessions")["sessions"]
    desk.clock.forward(86_400)
    thief.get("/api/queue")
    assert "Set-Cookie" not in thief.get("/").headers
    assert desk.good("GET", "/api/sessions")["sessions"] == before
