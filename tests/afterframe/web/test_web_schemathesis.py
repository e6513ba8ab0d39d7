"""Schemathesis over every route, from the contract that the server gives: no request makes it stumble, and no
answer is other than promised. Deterministic and bounded; AFTERFRAME_EXAMPLES=200 is the long form."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from test_web_uploads import jpeg
from test_web_videos import finish
from web_fixtures import TOKEN, Desk, make_clip_bytes, make_desk  # noqa: F401 - fixtures

from afterframe.web.all_routes import ROUTES
from afterframe.web.http.openapi import address
from afterframe.web.http.routes import NOTHING, Route

CHECKED = [route for route in ROUTES if route.rule.startswith(("/api/", "/v1/"))]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
CHECKS: list[Any] = [not_a_server_error, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("AFTERFRAME_EXAMPLES", "8"))
"""Requests for each route; more in the long form."""
HOW = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(name="contract")
def served_contract(desk: Desk) -> Any:
    def closing(environ: Any, start_response: Any) -> list[bytes]:
        """As a server does: read to the end and closed."""
        body = desk.app(environ, start_response)
        try:
            return [b"".join(body)]
        finally:
            body.close()  # type: ignore[attr-defined]

    desk.services.stopping.set()  # event streams end at once
    return schemathesis.openapi.from_wsgi("/api/openapi.json", closing, headers=HEADERS)


@pytest.fixture
def ids(desk: Desk, clip_bytes: bytes) -> dict[str, str]:
    """One of everything that an address can name."""
    clip = desk.clip("real.jpg", clip_bytes)
    (render,) = desk.good("POST", "/api/animate", {"photos": [str(desk.photo("other.jpg"))]})["renders"]
    photo = {"file": (io.BytesIO(jpeg()), "a.jpg"), "purpose": "vision"}
    file = desk.ask("POST", "/v1/files", data=photo).get_json()
    video = desk.ask("POST", "/v1/videos", {"input_reference": {"file_id": file["id"]}}).get_json()
    finish(desk, video, clip_bytes)
    return {
        "clip_id": clip.id,
        "render_id": render["id"],
        "video_id": video["id"],
        "file_id": file["id"],
        "name": "parallax",
    }


def name_of(route: Route) -> str:
    return f"{route.method} {address(route.rule)}"


@pytest.mark.parametrize("route", CHECKED, ids=name_of)
def test_requests_by_and_against_the_contract_are_answered_by_the_contract(
    desk: Desk, ids: dict[str, str], contract: Any, route: Route
) -> None:
    operation = contract[address(route.rule)][route.method]
    real = {name: value for name, value in ids.items() if f"<{name}>" in route.rule}
    by_contract = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=real or None)
    takes = "<" in route.rule or route.query or route.form or route.body is not NOTHING
    against = operation.as_strategy(GenerationMode.NEGATIVE) if takes else st.nothing()

    @HOW
    @given(case=by_contract | against)
    def answers(case: Any) -> None:
        case.validate_response(case.call(headers=HEADERS), checks=CHECKS)

    answers()
