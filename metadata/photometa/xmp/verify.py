"""Verifies a merge with another parser (lxml), at its speed.

What was inserted is taken out of the parsed result again, and then it must be the same document as
before: every element, attribute, text, comment and order.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from photometa.xmp.namespaces import RDF, Name

_ENCODINGS = {"utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE"}
_parsers = threading.local()
"""Parsers by encoding, one set per thread: making one takes as long as parsing a packet."""


def parsed(xml: bytes, codec: str) -> Any | None:
    """The root of a packet's XML, without its surroundings.

    None if lxml cannot read it: it is stricter than XMP in the wild (undeclared prefixes).
    """
    from lxml import etree

    try:
        parser = _parsers.__dict__.get(codec)
        if parser is None:
            parser = etree.XMLParser(encoding=_ENCODINGS.get(codec, codec), resolve_entities=False, no_network=True)
            _parsers.__dict__[codec] = parser
        return etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, LookupError):
        return None


def only_inserted(before: Any | None, after: bytes, codec: str, texts: Mapping[Name, str]) -> bool | None:
    """Whether nothing but one rdf:Description with these texts, as the last one, distinguishes two packets.

    Args:
        before: the root before, as parsed.
        after: the XML afterwards.
        codec: their encoding.
        texts: the inserted properties.

    Returns:
        None if lxml cannot tell.
    """
    new = parsed(after, codec)
    if before is None or new is None:
        return None
    from lxml import etree

    rdf = next(new.iter(f"{{{RDF}}}RDF"), None)
    if rdf is None or len(rdf) == 0:
        return False
    inserted = rdf[-1]
    expected = {f"{{{uri}}}{local}": text for (uri, local), text in texts.items()}
    if inserted.tag != f"{{{RDF}}}Description" or len(inserted) != len(expected) or (inserted.tail or "").strip():
        return False
    if {child.tag: child.text or "" for child in inserted if not child.attrib} != expected:
        return False
    rdf.remove(inserted)
    return bool(etree.tostring(before) == etree.tostring(new))
