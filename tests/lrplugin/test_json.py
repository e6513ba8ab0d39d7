"""The plugins' JSON under the Luas of both hosts: Lightroom has 5.1, darktable 5.3 or 5.4."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa import lua51, lua53, lua54, lua55

SOURCE = Path(__file__).parents[2] / "lrplugin" / "shared" / "json.lua"


class Codec:
    """json.lua in one Lua; its strings are bytes."""

    def __init__(self, lua: Any) -> None:
        self._lua, self._runtime = lua, lua.LuaRuntime(encoding=None, unpack_returned_tuples=True)
        self._json = self._runtime.execute(SOURCE.read_bytes())

    def encode(self, value: Any) -> str:
        return bytes(self._json[b"encode"](self._to_lua(value))).decode()

    def decode(self, text: str | bytes) -> Any:
        """The value; what is not JSON is a ValueError."""
        found = self._json[b"decode"](text.encode() if isinstance(text, str) else text)
        if isinstance(found, tuple):
            assert found[0] is None
            raise ValueError(found[1].decode())
        return self._to_python(found)

    def again(self, text: str) -> str:
        """Read and write once."""
        return bytes(self._json[b"encode"](self._json[b"decode"](text.encode()))).decode()

    def run(self, source: str) -> Any:
        """A piece of Lua that is given the module."""
        return self._runtime.execute(f"local json = ...\n{source}".encode(), self._json)

    def _to_lua(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._runtime.table_from({name.encode(): self._to_lua(item) for name, item in value.items()})
        if isinstance(value, list):
            return self._json[b"array"](self._runtime.table_from([self._to_lua(item) for item in value]))
        return value.encode() if isinstance(value, str) else value

    def _to_python(self, value: Any) -> Any:
        if self._lua.lua_type(value) != "table":
            return value.decode() if isinstance(value, bytes) else value
        keys = list(value.keys())
        if keys and keys == list(range(1, len(keys) + 1)):
            return [self._to_python(item) for item in value.values()]
        return {name.decode(): self._to_python(item) for name, item in value.items()}


CODECS = {"5.1": Codec(lua51), "5.3": Codec(lua53), "5.4": Codec(lua54), "5.5": Codec(lua55)}


@pytest.fixture(params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return CODECS[request.param]


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, min_size=1, max_size=4) | st.dictionaries(TEXT, inner, min_size=1, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize("version", CODECS)
@given(value=JSON)
@settings(max_examples=100, deadline=None)
def test_json_is_written_and_read_as_python_does(version: str, value: Any) -> None:
    codec = CODECS[version]
    assert json.loads(codec.encode(value)) == value
    for ascii_only in (True, False):
        assert codec.decode(json.dumps(value, ensure_ascii=ascii_only, indent=1)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" \t\r\n[ 1 , 2 ] \n", [1, 2]),
        ("-0.5e+2", -50),
        ("1E400", sys.float_info.max * 2),
        ("12345678901234", 12345678901234),
        ("9007199254740992", 2**53),
        ("0.1", 0.1),
        (r'"\"\\\/\b\f\n\r\t"', '"\\/\b\f\n\r\t'),
        (r'"a\u0000b"', "a\0b"),
        (r'"\u00fc \u82b1 \uD83C\udf38"', "ü 花 🌸"),
        (r'"\ud83c"', "\ufffd"),
        (r'"\udf38\ud83cx\ud83c\u0041"', "\ufffd\ufffdx\ufffdA"),
        ('"\x7f\u2028"', "\x7f\u2028"),
        ('{"a": null, "b": [1, null, 3], "": false}', {"b": [1, 3], "": False}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("null", None),
        ("[" * 100 + "1" + "]" * 100, "nested"),
    ],
)
def test_a_text_is_read(codec: Codec, text: str, value: Any) -> None:
    found = codec.decode(text)
    if value == "nested":
        while isinstance(found, list):
            (found,) = found
        value = 1
    assert found == value


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "{", "}", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", '{"a"}', '{"a":}', '{"a" 1}', '{"a":1,}'),
        *("{1: 2}", "{a: 2}", "{} {}", "1 2", "nul", "nulll", "True", "NaN", "Infinity", "'a'", "// x\n1"),
        *("-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "0x10", "1.5.2", "--1", "1,5"),
        *('"a', '"\\x"', '"\\u12"', '"\\u12g4"', '"a\\', '"a\nb"', '"a\tb"', '"a\0b"', '"\x1f"'),
        *("[" * 102 + "]" * 102, "[" * 5000, '{"a":' * 200 + "1" + "}" * 200),
        "\ufeff[]",
    ],
)
def test_what_is_not_json_is_refused(codec: Codec, text: str) -> None:
    with pytest.raises(ValueError, match=r"^JSON: "):
        codec.decode(text)


def test_bytes_that_are_not_utf8_pass_through(codec: Codec) -> None:
    with pytest.raises(UnicodeDecodeError):
        codec.decode(b'"\xff"')


def test_an_empty_array_stays_one_and_an_empty_table_is_an_object(codec: Codec) -> None:
    assert codec.again('{"b":[],"a":{}}') == '{"a":{},"b":[]}'
    assert codec.run("return json.encode({ json.array(), {}, json.array { 1 } })") == b"[[],{},[1]]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3.0", b"3"),
        ("-0.25", b"-0.25"),
        ("0.1 + 0.2", b"0.30000000000000004"),
        ("9007199254740991", b"9007199254740991"),
        ("1e300", b"1e+300"),
        (r'"\0\31\127/\"\\"', rb'"\u0000\u001f\u007f/\u0022\u005c"'),
        ("{ b = 1, a = true, c = 'x' }", b'{"a":true,"b":1,"c":"x"}'),
        ("{ 1, 2, nil, 4 }", b"[1,2]"),
    ],
)
def test_a_value_is_written(codec: Codec, value: str, text: bytes) -> None:
    assert codec.run(f"return json.encode({value})") == text


@pytest.mark.parametrize("version", ["5.3", "5.4", "5.5"])
def test_whole_numbers_beyond_doubles_keep_every_digit_where_lua_has_them(version: str) -> None:
    assert CODECS[version].again("9223372036854775807") == "9223372036854775807"


@pytest.mark.parametrize("value", ["0/0", "1/0", "-1/0", "print", "{ [1.5] = 1 }", "{ [false] = 1 }"])
def test_what_json_cannot_say_is_an_error(codec: Codec, value: str) -> None:
    ran, why = codec.run(f"return pcall(json.encode, {value})")
    assert not ran
    assert why.startswith(b"JSON: ")


def test_a_table_inside_itself_is_an_error_and_not_a_crash(codec: Codec) -> None:
    assert codec.run("local t = {} t.t = t return pcall(json.encode, t)") == (False, b"JSON: nested too deeply")
