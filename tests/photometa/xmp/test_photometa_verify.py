"""The second opinion on a merge."""

from __future__ import annotations

from photometa.xmp.verify import only_inserted, parsed

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="u:"'
OURS = '<rdf:Description rdf:about=""><u:clip>a</u:clip></rdf:Description>'
TEXTS = {("u:", "clip"): "a"}


def packet(inside: str) -> bytes:
    return f"<rdf:RDF {RDF}>{inside}</rdf:RDF>".encode()


def opinion(before: bytes, after: bytes, codec: str = "utf-8") -> bool | None:
    return only_inserted(parsed(before, codec), after, codec, TEXTS)


def test_an_insertion_and_nothing_else_is_accepted() -> None:
    assert opinion(packet("<u:a/><!--c-->"), packet(f"<u:a/><!--c-->{OURS}")) is True


def test_any_other_change_is_noticed() -> None:
    for before, after in (
        ("<u:a/>", OURS),
        ("<u:a/>", f"<u:b/>{OURS}"),
        ("<u:a>1</u:a>", f"<u:a>2</u:a>{OURS}"),
        ("<u:a b='1'/>", f"<u:a b='2'/>{OURS}"),
        ("<u:a/><!--c-->", f"<u:a/>{OURS}"),
        ("<u:a/>", f"{OURS}<u:a/>"),
        ("<u:a/>", "<u:a/>" + OURS.replace(">a<", ">b<")),
        ("<u:a/>", "<u:a/>" + OURS.replace("</rdf", "<u:more/></rdf")),
        ("", ""),
        ("<u:a/>", f"<u:a/>{OURS}text"),
    ):
        assert opinion(packet(before), packet(after)) is False


def test_what_lxml_cannot_parse_is_left_to_the_data_model() -> None:
    assert opinion(b"<a:b/>", packet(OURS)) is None
    assert opinion(packet(""), b"<a:b></a:b") is None
    assert opinion(b"<a/>", b"<a/>", "no-such-codec") is None
