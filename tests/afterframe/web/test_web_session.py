from __future__ import annotations

import errno
import hashlib
import hmac
import os
from dataclasses import replace
from typing import Any

import pytest
from itsdangerous import TimestampSigner
from web_fixtures import HOST, TOKEN, Desk, make_desk  # noqa: F401 - a fixture

from afterframe.config import Config, ServerConfig, Settings
from afterframe.web.app import create_app
from afterframe.web.auth import session_file
from afterframe.web.auth.device import device_words
from afterframe.web.auth.login_codes import CODE_VALID_S, CODES_KEPT, LoginCodes
from afterframe.web.auth.session import SEEN_STEP_S, SESSION_S, SESSIONS_KEPT
from factories import Clock


def test_a_code_works_once() -> None:
    codes = LoginCodes(Clock())
    code = codes.issue()
    assert codes.redeem(code)
    assert not codes.redeem(code)


@pytest.mark.parametrize("wrong", ["", "nonsense", "ünïcode", "\udcff"])
def test_a_wrong_code_never_works(wrong: str) -> None:
    codes = LoginCodes(Clock())
    codes.issue()
    assert not codes.redeem(wrong)


def test_a_code_is_good_for_ten_minutes() -> None:
    clock = Clock()
    codes = LoginCodes(clock)
    early, late = codes.issue(), codes.issue()
    clock.forward(CODE_VALID_S)
    assert codes.redeem(early)
    clock.forward(1)
    assert not codes.redeem(late)


def test_very_many_codes_push_the_oldest_out() -> None:
    codes = LoginCodes(Clock())
    issued = [codes.issue() for _ in range(CODES_KEPT + 1)]
    assert not codes.redeem(issued[0])
    assert codes.redeem(issued[1])


def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(desk: Desk) -> None:
    response = desk.client().get(f"/login?code={desk.codes.issue()}")
    cookie = response.headers["Set-Cookie"]
    assert response.status_code == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie  # plain http on localhost


def test_behind_tls_the_cookie_stays_behind_tls(desk: Desk) -> None:
    response = desk.client().get(f"/login?code={desk.codes.issue()}", base_url="https://studio.example")
    assert "Secure" in response.headers["Set-Cookie"]


def test_a_session_outlives_a_restart_of_the_daemon(desk: Desk) -> None:
    client = desk.browser()
    client.application = create_app(desk.services, clock=desk.clock)
    assert client.get("/").status_code == 200


def test_a_session_ends_thirty_days_after_its_last_use(desk: Desk) -> None:
    client = desk.browser()
    desk.clock.forward(SESSION_S)
    assert client.get("/").status_code == 200
    desk.clock.forward(SESSION_S + 1)
    assert client.get("/").status_code == 401
    assert client.get("/api/queue").status_code == 401


def test_each_day_of_use_renews_a_session(desk: Desk) -> None:
    client = desk.browser()
    for _ in range(5):
        desk.clock.forward(0.9 * SESSION_S)
        assert "Set-Cookie" in client.get("/api/queue").headers
        assert "Set-Cookie" not in client.get("/api/queue").headers
    copied = client.get_cookie(desk.app.extensions["afterframe"].gate.sessions.cookie)
    assert copied is not None
    desk.clock.forward(SESSION_S + 1)
    refused = client.get("/api/queue")
    assert refused.status_code == 401
    assert "Set-Cookie" not in refused.headers


def test_a_session_that_has_ended_says_so_and_how_to_begin_another(desk: Desk) -> None:
    client = desk.browser()
    desk.clock.forward(SESSION_S + 1)
    refused = client.get("/api/queue")
    assert refused.json["error"]["code"] == "session_ended"
    assert "afterframe status --open" in refused.json["error"]["hint"]
    shown = client.get("/").get_data(as_text=True)
    assert refused.json["error"]["message"] in shown
    assert "afterframe status --open" in shown


def test_a_session_of_an_earlier_version_has_ended(desk: Desk) -> None:
    """Its cookie was all there was: a nonce, and the nonce signed, without and later with a time."""
    key = hmac.digest(TOKEN.encode(), b"afterframe session", "sha256")
    name = f"afterframe_{hashlib.sha256(b'cookie name' + key).hexdigest()[:8]}"
    client = desk.client()
    signed = TimestampSigner(key, salt=b"afterframe session", key_derivation="hmac", digest_method=hashlib.sha256)
    for cookie in (f"nonce.{hmac.new(key, b'nonce', 'sha256').hexdigest()}", signed.sign("nonce").decode()):
        client.set_cookie(name, cookie)
        assert client.get("/api/queue").json["error"]["code"] == "session_ended"
        assert client.get("/").status_code == 401
    desk.let_in(client)
    assert client.get("/").status_code == 200


def test_a_new_token_ends_every_session(desk: Desk) -> None:
    client = desk.browser()
    client.application = create_app(replace(desk.services, token="another-token-0123456789"), clock=desk.clock)
    assert client.get("/").status_code == 401


def test_a_forged_session_is_none(desk: Desk) -> None:
    client = desk.browser()
    name = desk.app.extensions["afterframe"].gate.sessions.cookie
    cookie = client.get_cookie(name)
    assert cookie is not None
    for forged in (
        "",
        ".",
        "x",
        "x.y",
        f"x{cookie.value}",
        f"{cookie.value}x",
        cookie.value.partition(".")[0],
        "ünï.cöde.x",
    ):
        client.set_cookie(name, forged)
        assert client.get("/").status_code == 401


def test_looking_at_a_link_does_not_use_it_up(desk: Desk) -> None:
    link = f"/login?code={desk.codes.issue()}"
    assert desk.client().head(link).status_code == 401
    assert desk.client().get(link).status_code == 200


def test_a_link_opened_twice_leads_to_the_page_where_it_worked(desk: Desk) -> None:
    client, link = desk.client(), f"/login?code={desk.codes.issue()}"
    assert client.get(link).status_code == 200
    assert client.get(link).status_code == 303
    stranger = desk.client().get(link)
    assert stranger.status_code == 401
    assert "afterframe status --open" in stranger.get_data(as_text=True)


def test_another_link_opened_in_a_browser_that_is_in_leaves_it_one_session(desk: Desk) -> None:
    browser, other = desk.browser(), desk.browser()
    before = {session["id"] for session in sessions_of(desk)}
    browser.environ_base["HTTP_AFTERFRAME_SECRET"] = desk.let_in(browser)
    after = {session["id"] for session in sessions_of(desk)}
    assert len(after) == 2
    assert len(after & before) == 1
    assert browser.get("/api/queue").status_code == other.get("/api/queue").status_code == 200


def test_a_wrong_token_is_not_saved_by_a_session(desk: Desk) -> None:
    assert desk.browser().get("/api/queue", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_plugin_needs_no_origin_and_may_send_its_own(desk: Desk) -> None:
    assert desk.ask("POST", "/api/queue", {"paused": True}).status_code == 200
    assert desk.ask("POST", "/api/queue", {"paused": True}, headers={"Origin": f"http://{HOST}"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("studio.example", "https://studio.example", 200),
        ("studio.example", "https://studio.example:443", 200),
        ("studio.example:80", "http://studio.example", 200),
        ("studio.example", "https://studio.example:8443", 403),
    ],
)
def test_a_proxy_may_speak_https_in_front(desk: Desk, host: str, origin: str, status: int) -> None:
    assert desk.ask("GET", "/api/queue", headers={"Host": host, "Origin": origin}).status_code == status


def test_the_configured_host_is_a_name_of_ours(desk: Desk) -> None:
    config = Config(server=ServerConfig(host="192.168.1.5"))
    client = create_app(replace(desk.services, settings=Settings(desk.services.home, config))).test_client()
    assert client.get("/api/health", headers={"Host": "192.168.1.5:8723"}).status_code == 200
    assert client.get("/api/health", headers={"Host": "192.168.1.6:8723"}).status_code == 403


def test_listening_everywhere_does_not_mean_answering_to_every_name(desk: Desk) -> None:
    config = Config(server=ServerConfig(host="0.0.0.0"))
    client = create_app(replace(desk.services, settings=Settings(desk.services.home, config))).test_client()
    assert client.get("/api/health", headers={"Host": "0.0.0.0:8723"}).status_code == 403
    assert client.get("/api/health", headers={"Host": "evil.example"}).status_code == 403


def test_a_request_without_any_host_is_refused(desk: Desk) -> None:
    client = desk.app.test_client()
    response = client.get("/api/health", environ_overrides={"HTTP_HOST": ""})
    assert response.status_code == 403


def test_a_session_that_is_used_all_the_time_does_not_end(desk: Desk) -> None:
    client = desk.browser()
    for _ in range(3 * SESSION_S // 86_400):
        desk.clock.forward(86_400)
        assert client.get("/api/queue").status_code == 200
    client.application = create_app(desk.services, clock=desk.clock)
    assert client.get("/api/queue").status_code == 200


def sessions_of(desk: Desk) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = desk.good("GET", "/api/sessions")["sessions"]
    return listed


def test_sessions_are_listed_by_device_and_last_use(desk: Desk) -> None:
    agents = ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "odd/1")
    began = desk.clock()
    browsers = []
    for agent in agents:
        client = desk.client()
        client.environ_base["HTTP_USER_AGENT"] = agent
        client.environ_base["HTTP_AFTERFRAME_SECRET"] = desk.let_in(client)
        browsers.append(client)
    desk.clock.forward(SEEN_STEP_S + 1)
    assert browsers[1].get("/api/queue").status_code == 200
    (odd, firefox) = sessions_of(desk)
    assert (odd["device"], firefox["device"]) == ("", "Firefox, Linux")
    assert (odd["seen_at"], firefox["seen_at"]) == (desk.clock(), began)
    assert odd["began_at"] == firefox["began_at"] == began
    assert not odd["current"]
    own = browsers[0].get("/api/sessions").json["sessions"]
    assert [session["current"] for session in own] == [False, True]


def test_one_browser_is_logged_out_at_once_and_for_good_and_the_others_stay(desk: Desk) -> None:
    gone, stays = desk.browser(), desk.browser()
    (wanted,) = [one["id"] for one in gone.get("/api/sessions").json["sessions"] if one["current"]]
    assert stays.delete(f"/api/sessions/{wanted}", headers={"Origin": f"http://{HOST}"}).json == {"id": wanted}
    for app in (desk.app, create_app(desk.services, clock=desk.clock)):
        gone.application = stays.application = app
        assert gone.get("/api/queue").json["error"]["code"] == "session_ended"
        assert stays.get("/api/queue").status_code == 200
    assert desk.bad("DELETE", f"/api/sessions/{wanted}") == (404, "not_found")


def test_a_logout_that_would_not_last_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = desk.browser()
    (session,) = sessions_of(desk)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(session_file, "write_file", full)
    assert desk.bad("DELETE", f"/api/sessions/{session['id']}") == (500, "not_removed")
    assert client.get("/api/queue").status_code == 401
    assert desk.browser().get("/api/queue").status_code == 200  # a full disk keeps nobody out


def test_the_file_of_sessions_is_private_and_holds_no_secret(desk: Desk) -> None:
    client = desk.client()
    secret = desk.let_in(client)
    cookie = client.get_cookie(desk.app.extensions["afterframe"].gate.sessions.cookie)
    assert cookie is not None
    file = desk.services.home.sessions
    assert file.stat().st_mode & 0o077 == 0
    kept = file.read_text("utf-8")
    assert secret not in kept
    assert cookie.value.partition(".")[2] not in kept
    assert TOKEN not in kept


@pytest.mark.parametrize("damaged", ["", "{", "[]", "null", '{"of": 1}', '{"of": "", "sessions": [{}]}'])
def test_a_damaged_file_of_sessions_only_asks_for_another_login(desk: Desk, damaged: str) -> None:
    client = desk.browser()
    desk.services.home.sessions.write_text(damaged, "utf-8")
    app = create_app(desk.services, desk.codes, clock=desk.clock)
    client.application = app
    assert client.get("/api/queue").json["error"]["code"] == "session_ended"
    desk.app = app
    assert desk.browser().get("/api/queue").status_code == 200


def test_very_many_sessions_push_the_least_used_out(desk: Desk) -> None:
    first = desk.browser()
    desk.clock.forward(1)
    for _ in range(SESSIONS_KEPT):
        desk.browser()
    assert len(sessions_of(desk)) == SESSIONS_KEPT
    assert first.get("/api/queue").status_code == 401


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
            "Safari, macOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_browser_is_named_in_words(agent: str, words: str) -> None:
    assert device_words(agent) == words


@pytest.mark.parametrize("address", ["/nothing", "/clips", "/settings.html", "/a/b/c"])
def test_a_mistyped_address_is_a_page_for_a_person_and_data_for_a_program(desk: Desk, address: str) -> None:
    page = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    browser, cookie_alone = desk.browser(), desk.browser()
    del cookie_alone.environ_base["HTTP_AFTERFRAME_SECRET"]
    for client in (browser, cookie_alone):
        answer = client.get(address, headers=page)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
        assert "There is nothing at this address." in answer.get_data(as_text=True)
    stranger = desk.client().get(address, headers=page)
    assert (stranger.status_code, stranger.mimetype) == (401, "text/html")
    assert desk.bad("GET", address) == (404, "no_route")
    assert browser.get(f"/api{address}", headers=page).mimetype == "application/json"
