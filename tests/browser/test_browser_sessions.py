"""The session of a real browser: what a server on another port gets of it, and how it ends."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from browser_studio import Studio, Watched
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


class Neighbour:
    """A development server on another port of the same address: it remembers what browsers send it."""

    def __init__(self) -> None:
        self.cookies: list[str] = []
        cookies = self.cookies

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cookies.append(self.headers.get("Cookie", ""))
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<title>dev</title>hello")

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def end(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def neighbour() -> Iterator[Neighbour]:
    made = Neighbour()
    yield made
    made.end()


def ask(studio: Studio, method: str, path: str, cookie: str, body: str | None = None) -> tuple[int, str]:
    """A request with the cookie, as if it came from the page itself."""
    connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=30)
    headers = {"Cookie": cookie, "Origin": studio.url, "Content-Type": "application/json"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


def test_a_server_on_another_port_gets_the_cookie_and_nothing_by_it(
    studio: Studio, page: Page, neighbour: Neighbour
) -> None:
    (clip,) = studio.clips(1)
    studio.start()
    studio.enter(page)
    page.goto(neighbour.url)
    cookie = neighbour.cookies[0]
    assert "afterframe_" in cookie  # the browser did send it: ports are nothing to it
    for path in (
        "/api/clips",
        f"/api/clips/{clip.id}/file",
        f"/api/clips/{clip.id}/poster",
        "/api/events",
        "/api/sessions",
    ):
        assert ask(studio, "GET", path, cookie)[0] == 401
    for path in ("/", "/folders", "/queue", "/settings"):
        assert str(studio.photos.name) not in ask(studio, "GET", path, cookie)[1]
    assert ask(studio, "POST", "/api/queue", cookie, '{"paused": true}')[0] == 401
    assert ask(studio, "POST", f"/api/clips/{clip.id}/verdict", cookie, '{"verdict": "rejected"}')[0] == 401
    assert studio.ask(f"/api/clips/{clip.id}")["verdict"] == "none"
    assert page.evaluate("localStorage.getItem('afterframe-secret')") is None  # nor can its page read it
    studio.show(page)
    expect(page.locator(".tile:not(.blank)")).to_have_count(1)


POSTER = """async (id) => {
  const { keyed } = await import("/static/keys.js");
  return (await fetch(keyed(`/api/clips/${id}/poster`))).status === 200;
}"""


def test_a_link_opened_in_another_tab_leaves_the_first_one_its_pictures(studio: Studio, page: Page) -> None:
    (clip,) = studio.clips(1)
    studio.start()
    studio.enter(page)
    studio.enter(page.context.new_page())
    assert len(studio.ask("/api/sessions")["sessions"]) == 1
    page.wait_for_function(POSTER, arg=clip.id)
    expect(page.locator('#live[data-is="yes"]')).to_have_count(1)


ATTACKS = """async ([url, clip]) => {
  const loads = (kind, address) => new Promise((done) => {
    const made = document.createElement(kind);
    made.onload = made.onloadedmetadata = () => done(kind);
    made.onerror = () => done("");
    made.src = address;
    document.body.append(made);
  });
  const read = (how) => fetch(url + "/api/clips", how).then((a) => a.text(), () => "");
  const post = (path, type, how) => fetch(url + path, {
    method: "POST", body: '{"paused": true, "verdict": "rejected"}', headers: { "Content-Type": type }, ...how,
  }).then((a) => a.text(), () => "");
  const events = new Promise((done) => {
    const source = new EventSource(url + "/api/events", { withCredentials: true });
    source.onopen = () => done("events");
    source.onerror = () => { source.close(); done(""); };
  });
  const frame = document.createElement("iframe");
  frame.src = url + "/";
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; });
  let framed = "";
  try { framed = frame.contentDocument?.body?.textContent ?? ""; } catch { framed = ""; }
  return [
    await read({ credentials: "include" }),
    await read({ credentials: "include", mode: "no-cors" }),
    await post("/api/queue", "text/plain", { credentials: "include", mode: "no-cors" }),
    await post("/api/queue", "application/json", { credentials: "include" }),
    await post(`/api/clips/${clip}/verdict`, "text/plain", { credentials: "include", mode: "no-cors" }),
    await loads("img", `${url}/api/clips/${clip}/poster`),
    await loads("script", `${url}/api/clips`),
    await loads("video", `${url}/api/clips/${clip}/file`),
    await events,
    framed,
  ];
}"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["same site", "another site"])
def test_a_foreign_page_reads_nothing_shows_nothing_and_changes_nothing(
    studio: Studio, page: Page, neighbour: Neighbour, watched: Watched, host: str
) -> None:
    watched.allowed += ["CORS", "net::ERR", "401", "403", "Refused", "frame", "MIME", "blocked"]
    (clip,) = studio.clips(1)
    studio.start()
    studio.enter(page)
    page.goto(neighbour.url.replace("127.0.0.1", host))
    assert page.evaluate(ATTACKS, [studio.url, clip.id]) == [""] * 10
    assert studio.ask(f"/api/clips/{clip.id}")["verdict"] == "none"
    assert studio.ask("/api/queue")["paused"] is False


def test_the_address_shows_no_key_and_reloading_and_going_back_work(studio: Studio, page: Page) -> None:
    studio.clips(1)
    studio.start()
    studio.enter(page, "/?verdict=none")
    expect(page).to_have_url(f"{studio.url}/?verdict=none")
    page.get_by_role("link", name="Folders").click()
    expect(page.locator("#folders-title")).to_be_visible()
    expect(page).to_have_url(f"{studio.url}/folders")
    page.reload()
    expect(page.locator("#disk")).to_contain_text("Cache")
    page.go_back()
    expect(page.locator(".tile:not(.blank)")).to_have_count(1)
    expect(page).to_have_url(f"{studio.url}/?verdict=none")


def test_a_browser_is_logged_out_on_the_settings_page(studio: Studio, page: Page, watched: Watched) -> None:
    watched.allowed += ["401"]
    studio.clips(1)
    studio.start()
    studio.enter(page, "/settings")
    sessions = page.locator("#sessions li")
    expect(sessions).to_have_count(1)
    expect(sessions.first).to_contain_text("Chrome, Linux")
    expect(sessions.first).to_contain_text("this browser")
    page.get_by_role("button", name="Log out Chrome, Linux").click()
    expect(page.get_by_role("heading", name="This browser is not let in yet")).to_be_visible()
    assert studio.ask("/api/sessions")["sessions"] == []
    studio.enter(page)
    expect(page.locator(".tile:not(.blank)")).to_have_count(1)


def test_a_browser_that_lost_its_secret_is_told_how_to_get_in(studio: Studio, page: Page, watched: Watched) -> None:
    watched.allowed += ["401"]
    studio.clips(1)
    studio.start()
    studio.enter(page)
    page.evaluate("localStorage.clear()")
    page.goto(studio.url)
    expect(page.get_by_role("heading", name="This browser is not let in yet")).to_be_visible()
    expect(page.locator("#closed")).to_contain_text("afterframe status --open")
