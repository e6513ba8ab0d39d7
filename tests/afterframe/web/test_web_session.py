from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from web_fixtures import HOST, TOKEN, Desk, make_desk  # noqa: F401 - a fixture

from afterframe.config import Config, ServerConfig, Settings
from afterframe.web.app import create_app
from afterframe.web.auth.session import CODE_VALID_S, CODES_KEPT, SESSION_S, LoginCodes
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
    assert response.headers["Location"] == "/"
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


def test_a_session_of_the_version_before_has_ended(desk: Desk) -> None:
    """Its cookie had no time in it: a nonce, and the nonce signed."""
    key = hmac.digest(TOKEN.encode(), b"afterframe session", "sha256")
    name = f"afterframe_{hashlib.sha256(b'cookie name' + key).hexdigest()[:8]}"
    client = desk.client()
    client.set_cookie(name, f"nonce.{hmac.new(key, b'nonce', 'sha256').hexdigest()}")
    assert client.get("/api/queue").json["error"]["code"] == "session_ended"
    assert client.get(f"/login?code={desk.codes.issue()}").status_code == 303
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
    assert desk.client().get(link).status_code == 303


def test_a_link_opened_twice_leads_to_the_page_where_it_worked(desk: Desk) -> None:
    client, link = desk.client(), f"/login?code={desk.codes.issue()}"
    assert client.get(link).status_code == 303
    assert client.get(link).status_code == 303
    stranger = desk.client().get(link)
    assert stranger.status_code == 401
    assert "afterframe status --open" in stranger.get_data(as_text=True)


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
