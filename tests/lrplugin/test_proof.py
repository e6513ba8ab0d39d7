"""proof.lua, shared by both plugins, under the Lua of each host, against Python's own HMAC."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa import lua51, lua54

from afterframe.web.auth.boot import Boot

SOURCE = (Path(__file__).parents[2] / "lrplugin" / "shared" / "proof.lua").read_bytes().decode("latin-1")
RUNTIMES = {"5.1": lua51.LuaRuntime(encoding="latin-1"), "5.4": lua54.LuaRuntime(encoding="latin-1")}
HOSTS = {name: runtime.execute(SOURCE) for name, runtime in RUNTIMES.items()}
CHALLENGE = "0123456789abcdef"


@pytest.fixture(params=HOSTS, scope="session")
def proof(request: pytest.FixtureRequest) -> Any:
    return HOSTS[request.param]


def expected(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256").hex()


@pytest.mark.parametrize("size", [0, 1, 31, 55, 56, 63, 64, 65, 119, 120, 200])
def test_a_digest_is_right_at_every_edge_of_a_block(proof: Any, size: int) -> None:
    key, text = bytes(range(size)), bytes(range(255, 255 - size, -1))
    assert proof.hmac(key.decode("latin-1"), "text") == expected(key, b"text")
    assert proof.hmac("key", text.decode("latin-1")) == expected(b"key", text)


@settings(max_examples=15, deadline=None, database=None)
@given(key=st.binary(max_size=80), text=st.binary(max_size=80))
def test_a_digest_is_right_for_any_bytes(key: bytes, text: bytes) -> None:
    for host in HOSTS.values():
        assert host.hmac(key.decode("latin-1"), text.decode("latin-1")) == expected(key, text)


def answer_of(host: Any, run: Boot, /, **changes: Any) -> Any:
    """As the plugin decoded it from the daemon's JSON."""
    (runtime,) = (RUNTIMES[name] for name, each in HOSTS.items() if each is host)
    return runtime.table_from({"name": "afterframe", "boot": run.id, "proof": run.proof(CHALLENGE), **changes})


def test_a_daemon_that_holds_the_token_is_known_by_its_proof(proof: Any) -> None:
    boot = Boot("the token")
    assert proof.key("the token", CHALLENGE, answer_of(proof, boot)) == boot.key


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": None},
        {"proof": ""},
        {"proof": 1},
        {"boot": None},
        {"boot": 7},
        {"boot": "another"},
        {"proof": "0" * 64},
    ],
)
def test_a_daemon_that_proves_nothing_gets_no_key(proof: Any, changes: dict[str, Any]) -> None:
    boot = Boot("the token")
    assert proof.key("the token", CHALLENGE, answer_of(proof, boot, **changes)) is None
    assert proof.key("another token", CHALLENGE, answer_of(proof, boot)) is None
    assert proof.key("the token", CHALLENGE + "x", answer_of(proof, boot)) is None
    for nothing in (None, "text", 5):
        assert proof.key("the token", CHALLENGE, nothing) is None


def test_a_challenge_is_another_one_for_each_token_and_each_time(proof: Any) -> None:
    found = {proof.challenge(token, unique) for token in ("one", "two") for unique in ("a", "b")}
    assert len(found) == 4
    assert all(len(challenge) == 32 and challenge.isalnum() for challenge in found)
