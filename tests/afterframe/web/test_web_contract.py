"""The contract and the server are the same thing: every route, every keyword, every body that it allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_fixtures import Desk, make_clip_bytes, make_desk  # noqa: F401 - fixtures

from afterframe.errors import UsageError
from afterframe.formats.json_schema import KEYWORDS, REF, check
from afterframe.recipe import SETTINGS
from afterframe.web.all_routes import ROUTES
from afterframe.web.http.openapi import address
from afterframe.web.http.resources import SCHEMAS
from afterframe.web.http.schemas import Json

DOCS = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.fixture
def contract(desk: Desk) -> Json:
    return desk.good("GET", "/api/openapi.json")


def test_every_rule_is_in_the_contract_and_the_other_way_round(desk: Desk, contract: Json) -> None:
    served = {
        (address(rule.rule), method.lower())
        for rule in desk.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    promised = {(path, method) for path, item in contract["paths"].items() for method in item}
    assert served == promised


def test_the_contract_is_openapi(contract: Json) -> None:
    assert contract["openapi"] == "3.1.0"
    names: list[str] = []
    for path, item in contract["paths"].items():
        for operation in item.values():
            names.append(operation["operationId"])
            assert operation["summary"].endswith(".")
            in_path = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"]
            assert [f"{{{name}}}" in path for name in in_path] == [True] * path.count("{")
    assert len(set(names)) == len(names)


def schemas_in(node: Any) -> Iterator[Json]:
    """Every schema of the contract, those inside others included."""
    yield node
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from schemas_in(node[key])
    for inner in node.get("properties", {}).values():
        yield from schemas_in(inner)


def test_the_contract_says_only_what_is_checked() -> None:
    tops = [*SCHEMAS.values()]
    for route in ROUTES:
        tops += [
            dict(route.body),
            *([dict(route.form)] if route.form else []),
            *map(dict, route.query.values()),
            *([dict(route.answer)] if route.answer else []),
        ]
    for schema in (inner for top in tops for inner in schemas_in(top)):
        assert set(schema) <= KEYWORDS
        if "$ref" in schema:
            assert schema["$ref"].removeprefix(REF) in SCHEMAS


def test_every_recipe_setting_can_be_sent(contract: Json) -> None:
    body = contract["paths"]["/api/recipe"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]["overrides"]["properties"]) == set(SETTINGS)


def test_every_route_is_explained_in_the_docs() -> None:
    text = DOCS.read_text("utf-8")
    missing = [
        f"{route.method} {address(route.rule)}"
        for route in ROUTES
        if f"`{route.method} {address(route.rule)}`" not in text
    ]
    assert missing == []


# -- the checker -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        ([{"b": 1}], {"items": {"properties": {"b": {"type": "string"}}}}, "“[0].b” must be text"),
        ({}, {"required": ["a"]}, "“a” is missing"),
        ({"x": 1}, {"properties": {"a": {}}, "additionalProperties": False}, "“x” is not a known key"),
        ({"x": 1}, {"additionalProperties": {"type": "string"}}, "“x” must be text"),
        (True, {"type": "integer"}, "must be a whole number"),
        (1.0, {"type": "integer"}, "must be a whole number"),
        (float("inf"), {"type": "number"}, "is too large a number"),
        (-(10**400), {}, "is too large a number"),
        ("", {"type": "string", "minLength": 1}, "must not be empty"),
        ("ab", {"type": "string", "minLength": 3}, "must have at least 3 characters"),
        ("\ud800", {"type": "string"}, "must be valid Unicode"),
        (-1, {"minimum": 0}, "must be at least 0"),
        (None, {"type": ["string", "boolean"]}, "must be text or true or false"),
    ],
)  # fmt: skip
def test_the_checker_names_the_place_and_what_is_expected(value: object, schema: Json, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(value, schema, {})
    assert words in caught.value.message


# -- fuzzing -----------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def values_of(schema: Json, wild: bool) -> st.SearchStrategy[Any]:
    """Values that a schema allows, roughly; the wild ones are often something else."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].removeprefix(REF)]
    tame = _tame_values(schema, wild)
    return tame | ANYTHING if wild else tame


def _tame_values(schema: Json, wild: bool) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.one_of(*(_tame_values({**schema, "type": one}, wild) for one in kind))
    if kind == "object":
        known = {name: values_of(inner, wild) for name, inner in schema.get("properties", {}).items()}
        needed = {name: known.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=known)
    if kind == "array":
        return st.lists(values_of(schema.get("items", {}), wild), min_size=1, max_size=3)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        "integer": st.integers(schema.get("minimum"), schema.get("maximum")),
        "boolean": st.booleans(),
        "string": st.sampled_from(["PHOTO", "PHOTO/fuzz.jpg", "PHOTO/..", "//x/y", "/a\0b", "parallax"]) | st.text(),
    }
    return plain.get(kind, ANYTHING)


TAKING = [route for route in ROUTES if route.method != "GET"]


@pytest.mark.parametrize("route", TAKING, ids=lambda route: route.name)
def test_no_body_makes_the_server_stumble(desk: Desk, clip_bytes: bytes, route: Any) -> None:
    clip, photo = desk.clip(data=clip_bytes), str(desk.photo("fuzz.jpg"))
    (render,) = desk.good("POST", "/api/animate", {"photos": [photo]})["renders"]
    place = route.rule.replace("<render_id>", render["id"]).replace("<clip_id>", clip.id)

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(values_of(dict(route.body), wild=False) | values_of(dict(route.body), wild=True))
    def answers(body: Any) -> None:
        data = json.dumps(body).replace("PHOTO", str(desk.watched))
        response = desk.ask(route.method, place, data=data, content_type="application/json")
        assert response.status_code < 500, (body, response.get_data(as_text=True))
        if response.status_code >= 400:
            check(response.get_json(), SCHEMAS[route.error], SCHEMAS)
        elif route.answer:
            check(response.get_json(), route.answer, SCHEMAS)

    answers()


@pytest.mark.parametrize("route", [route for route in ROUTES if route.query], ids=lambda route: route.name)
def test_no_query_makes_the_server_stumble(desk: Desk, route: Any) -> None:
    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from([*route.query, "x"]), st.text(max_size=30) | st.integers(-1).map(str)))
    def answers(query: dict[str, str]) -> None:
        assert desk.ask("GET", route.rule, query_string=query).status_code < 500

    answers()
