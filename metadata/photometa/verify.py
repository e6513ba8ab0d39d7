"""A second opinion on a merge, by another parser (lxml) and at its speed.

Both versions are parsed; what was inserted is taken out of the new one again, and then the two documents
must be the same in canonical form (C14N): every element, attribute, text, comment and order.
"""

from __future__ import annotations

from collections.abc import Mapping

from photometa.namespaces import RDF, Name


def only_inserted(before: bytes, after: bytes, codec: str, texts: Mapping[Name, str]) -> bool | None:
    """Whether nothing but one rdf:Description with these texts, as the last one, distinguishes two packets.

    Args:
        before: the XML alone, without what stands around it.
        after: the same, merged.
        codec: their encoding.
        texts: the inserted properties.

    Returns:
        None where lxml cannot tell: it is stricter than XMP in the wild (undeclared prefixes).
    """
    from lxml import etree

    encoding = {"utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE"}.get(codec, codec)
    try:
        old, new = (
            etree.fromstring(data, etree.XMLParser(encoding=encoding, resolve_entities=False, no_network=True))
            for data in (before, after)
        )
    except (etree.XMLSyntaxError, LookupError):
        return None
    rdf = new if new.tag == f"{{{RDF}}}RDF" else new.find(f".//{{{RDF}}}RDF")
    if rdf is None or len(rdf) == 0:
        return False
    inserted = rdf[-1]
    expected = {f"{{{uri}}}{local}": text for (uri, local), text in texts.items()}
    if inserted.tag != f"{{{RDF}}}Description" or len(inserted) != len(expected):
        return False
    if {child.tag: child.text or "" for child in inserted if not child.attrib} != expected:
        return False
    rdf.remove(inserted)
    return bool(etree.tostring(old, method="c14n") == etree.tostring(new, method="c14n"))
