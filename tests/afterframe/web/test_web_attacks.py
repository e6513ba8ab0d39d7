"""Attacks on the door that it has always withstood: forged names, smuggled requests, odd headers, races for a link."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from web_fixtures import ORIGIN, TOKEN, Desk, make_desk  # noqa: F401 - a fixture
from web_lines import BEARER, Line, make_lines  # noqa: F401 - a fixture

Lines = Callable[[], Line]
CHANGE = '{"paused": true}'


@pytest.mark.parametrize(
    "head",
    [
        "GET /api/queue HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        "GET /api/queue HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n",
        "GET /api/queue HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n",
        "GET http://localhost/api/queue HTTP/1.1\r\nHost: evil.example\r\n",
        "GET /api/queue HTTP/1.1\r\nHost: localhost:8723@evil.example\r\n",
        "GET /api/queue HTTP/1.1\r\n",
        "GET /api/queue HTTP/1.0\r\n",
    ],
)
def test_a_forged_name_does_not_get_in(lines: Lines, head: str) -> None:
    assert lines().send(f"{head}{BEARER}\r\n").answer()[0] in (400, 403)


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 16\r\nContent-Length: 0\r\n",
        "Content-Length: 16, 0\r\n",
        "Content-Length: +16\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x10\r\n",
        "Content-Length: abc\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: ٣\r\n",
        f"Content-Length: {'9' * 5000}\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "X: a\r\n Content-Length: 16\r\nContent-Length: 1\r\n",
    ],
)
def test_a_length_that_can_be_read_in_two_ways_changes_nothing(desk: Desk, lines: Lines, head: str) -> None:
    json = "Content-Type: application/json\r\n"
    text = f"POST /api/queue HTTP/1.1\r\nHost: localhost\r\n{json}{BEARER}{head}\r\n{CHANGE}\r\n\r\n"
    assert lines().send(text).answer()[0] in (0, 400, 501)
    assert not desk.services.queue.paused


def test_chunked_wins_over_a_length_and_nothing_is_left_over(desk: Desk, lines: Lines) -> None:
    hidden = f"GET /api/queue HTTP/1.1\r\nHost: localhost\r\n{BEARER}\r\n"
    line = lines().send(
        f"POST /api/queue HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{BEARER}"
        f"Content-Length: {5 + len(hidden)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    )
    assert line.answer()[0] in (200, 400)
    assert not desk.services.queue.paused


ODD = [
    "Range: bytes=99999999999999999999-",
    "Range: bytes=-",
    "If-Range: \x7f",
    'If-None-Match: *, "',
    "If-Modified-Since: yesterday",
    "Accept: " + "a/b," * 500,
    "Accept-Language: " + "x" * 4000,
    "Accept-Encoding: br;q=nan",
    "Cookie: " + "a=b; " * 500,
    "Cookie: afterframe_language=%00; ;;=;",
    "Content-Type: multipart/form-data",
    "Content-Type: \xff\xfe",
    "Content-Encoding: gzip",
    "Connection: upgrade\r\nUpgrade: websocket",
    "Expect: 200-maybe",
    "Last-Event-ID: -1",
    "Last-Event-ID: 99999999999999999999999",
    "X-HTTP-Method-Override: DELETE",
    "X-Forwarded-Proto: https",
    "X-Forwarded-For: 127.0.0.1",
    "Forwarded: for=127.0.0.1;host=evil.example",
    "X-Original-URL: /api/sessions",
    "Authorization: Bearer",
    "Referer: http://evil.example/",
    "Sec-Fetch-Site: cross-site",
    "Date: never",
    "Via: 1.1 " + "x" * 2000,
    "Max-Forwards: 0",
    "Proxy-Authorization: Basic !!!",
    "TE: trailers",
    "Trailer: X",
    "Origin: null",
    "User-Agent: \t",
]
ADDRESSES = ["/", "/api/health", "/api/clips", "/api/clips/x/file", "/api/events", "/static/page.css", "/nowhere"]


def test_odd_headers_make_no_error_of_ours(lines: Lines) -> None:
    for header, address in itertools.product(ODD, ADDRESSES):
        bearer = "" if header.startswith("Authorization") else BEARER
        text = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{bearer}{header}\r\n\r\n"
        line = lines().send(text.encode("latin-1"))
        assert 200 <= line.answer()[0] < 500, (header, address)
        line.close()


def test_one_method_in_the_place_of_another_changes_nothing(desk: Desk) -> None:
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        assert desk.ask("GET", "/api/queue", headers={name: "POST"}).status_code == 200
        assert desk.ask("GET", "/api/queue?_method=POST").status_code == 400
    assert not desk.services.queue.paused


def test_the_token_is_no_part_of_an_address(desk: Desk) -> None:
    for name in ("token", "access_token", "key", "api_key"):
        assert desk.client().get(f"/api/queue?{name}={TOKEN}").status_code == 401


def test_of_twenty_that_follow_a_link_at_once_one_gets_in(desk: Desk) -> None:
    link = f"/login?code={desk.codes.issue()}"
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: desk.client().get(link).status_code, range(20)))
    assert sorted(statuses) == [200] + [401] * 19


def test_a_link_is_no_use_to_a_foreign_page(desk: Desk) -> None:
    link = f"/login?code={desk.codes.issue()}"
    assert desk.client().get(link, headers={"Origin": "http://evil.example"}).status_code == 403
    assert desk.client().get(link, headers={"Origin": ORIGIN}).status_code == 200


def test_a_session_that_was_given_to_a_browser_beforehand_does_not_become_its_own(desk: Desk) -> None:
    """Fixation: somebody else's cookie is replaced at the login, and does not open what follows."""
    other = desk.client()
    desk.let_in(other)
    name = desk.app.extensions["afterframe"].gate.sessions.cookie
    planted = other.get_cookie(name)
    assert planted is not None
    client = desk.client()
    client.set_cookie(name, planted.value)
    secret = desk.let_in(client)
    own = client.get_cookie(name)
    assert own is not None
    assert own.value != planted.value
    assert other.get("/api/queue", headers={"Afterframe-Secret": secret}).status_code == 401
