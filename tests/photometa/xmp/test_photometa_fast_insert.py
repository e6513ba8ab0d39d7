"""The quick way to merge texts, and what it leaves to the careful one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from test_photometa_xmp_edit import PLAIN, WILD

from photometa.xmp import xmp_edit
from photometa.xmp.fast_insert import insert, white_before
from photometa.xmp.xmltree import XmlError
from photometa.xmp.xmp_edit import merge

TEXTS = {"afterframe:clip": "é & <b>.mp4", "afterframe:seed": "7"}


def carefully(data: bytes, monkeypatch: pytest.MonkeyPatch) -> bytes | None:
    """The merge without the quick way; None where it is refused."""
    with monkeypatch.context() as patched:
        patched.setattr(xmp_edit, "insert", lambda *_: None)
        try:
            return merge(data, TEXTS)
        except XmlError:
            return None


@pytest.mark.parametrize("name", WILD)
def test_the_quick_way_writes_what_the_careful_one_writes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = insert(WILD[name], TEXTS, {})
    assert quick in (None, carefully(WILD[name], monkeypatch))


def test_real_sidecars_take_the_quick_way(shared_sidecars: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    slow = []
    for path in shared_sidecars:
        data = path.read_bytes()
        quick = insert(data, TEXTS, {})
        assert quick in (None, carefully(data, monkeypatch)), path
        slow += [path.name] if quick is None else []
    assert len(slow) <= len(shared_sidecars) // 20


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('u:a="1"', 'u:a="1" xmlns:afterframe="urn:afterframe:xmp:1.0/" afterframe:seed="1"'),
        ("<u:b>", '<f:seed xmlns:f="urn:afterframe:xmp:1.0/">1</f:seed><u:b>'),
        ("</rdf:RDF>", '<rdf:Description rdf:about="a"/><rdf:Description rdf:about="b"/></rdf:RDF>'),
        ("</x:xmpmeta>", "<!-- </rdf:RDF> --></x:xmpmeta>"),
        ("</x:xmpmeta>", f'<rdf:RDF xmlns:rdf="{xmp_edit.RDF}"/></x:xmpmeta>'),
        ("<x:xmpmeta", "<!DOCTYPE x><x:xmpmeta"),
        ("<x:xmpmeta", "<!-- rdf:RDF --> <x:xmpmeta"),
        ("</u:b>", "</u:c>"),
        ("rdf:", "s:"),
    ],
    ids=["attribute", "element", "two subjects", "comment", "two RDF", "DOCTYPE", "before", "broken", "undeclared"],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_careful_way(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = PLAIN.replace(old, new).encode()
    assert data != PLAIN.encode()
    quick = insert(data, TEXTS, {})
    assert quick is None or (old.startswith("<x:xmpmeta") and quick == carefully(data, monkeypatch))


def test_an_insertion_that_lands_in_a_comment_is_noticed() -> None:
    data = PLAIN.replace("</rdf:RDF>", "</rdf:RDF >").replace("<!--c-->", "<!--</rdf:RDF-->").encode()
    assert insert(data, TEXTS, {}) is not None
    inside = PLAIN.replace(" </rdf:RDF>", " </rdf:RDF\n>").replace("</x:xmpmeta>", "<!--</rdf:RDF>--></x:xmpmeta>")
    assert insert(inside.encode(), TEXTS, {}) is None


@pytest.mark.parametrize(
    ("text", "white"),
    [("", ""), ("a", ""), ("a \t", " \t"), ("a\n", "\n"), ("a\r\n  ", "\r\n  "), ("\n\r ", "\r "), (" \n\n", "\n")],
)
def test_the_white_space_of_the_last_line_is_found(text: str, white: str) -> None:
    assert white_before(text) == white


def test_the_namespaces_of_others_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    extra: Mapping[str, str] = {"own": "urn:own:"}
    quick = insert(PLAIN.encode(), {"own:a": "1"}, extra)
    assert quick is not None
    assert b'<rdf:Description rdf:about="" xmlns:own="urn:own:">' in quick
