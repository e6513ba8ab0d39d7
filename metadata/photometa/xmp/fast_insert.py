"""The common merge, at the speed of C parsers: text properties that are not in the packet yet.

lxml reads the packet, one rdf:Description is inserted before the end of rdf:RDF, and both parsers check the
result. Anything unusual is left to xmp_edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from photometa.xmp.namespaces import RDF, Name, split
from photometa.xmp.packets import description, writable
from photometa.xmp.verify import only_inserted, parsed
from photometa.xmp.xmltree import XmlError, codec_and_start

_RDF, _ABOUT = f"{{{RDF}}}RDF", f"{{{RDF}}}about"


def insert(data: bytes, texts: Mapping[str, str], extra: Mapping[str, str]) -> bytes | None:
    """Add texts to a packet in UTF-8.

    Args:
        data: the file's bytes.
        texts: "prefix:name" -> text.
        extra: prefixes beyond the standard ones, with their URIs.

    Returns:
        The new bytes; None if it is not that simple: another encoding, a property that is already there,
        anything that could be a reason to refuse.
    """
    try:
        codec, base = codec_and_start(data)
    except XmlError:
        return None
    if codec != "utf-8" or b"<!DOCTYPE" in data or b"RDF" in data[:base]:
        return None
    root = parsed(data[base:], codec)
    rdf = _only_rdf(root) if root is not None else None
    wanted = {split(name, dict(extra)): writable(text) for name, text in texts.items()}
    about = _about(rdf, wanted) if rdf is not None else None
    if rdf is None or about is None or not rdf.prefix:
        return None
    end_tag = f"</{rdf.prefix}:RDF".encode()
    at = data.rfind(end_tag)
    if at < 0 or b"RDF" in data[at + len(end_tag) :]:
        return None
    start = data.index(b"<" + end_tag[2:], base)
    newline = line_end(data[base:start] + data[at:])
    white = white_before(data[max(base, at - 1024) : at].decode("utf-8", "replace"))
    text = inserted(texts, extra, about, rdf.prefix, white, newline)
    after = b"".join((data[:at], text.encode(), data[at:]))
    xml = after[base:]
    return after if only_inserted(root, xml, codec, wanted) and _well_formed(xml) else None


def inserted(
    properties: Mapping[str, Any], extra: Mapping[str, str], about: str, rdf: str, white: str, newline: str
) -> str:
    """The rdf:Description to put before rdf:RDF's end tag, and the white space to put after it.

    Args:
        properties: "prefix:name" -> value.
        extra: prefixes beyond the standard ones, with their URIs.
        about: the packet's rdf:about.
        rdf: its prefix for RDF.
        white: what is before the end tag now, as white_before returns it.
        newline: its line end.
    """
    white = white if white.strip(" \t") else ""
    body = description(properties, extra, about=about, rdf=rdf, indent=white.lstrip("\r\n"), newline=newline)
    return body + white


def line_end(text: bytes) -> str:
    """The line end in use; none if everything is one line."""
    return "\r\n" if b"\r\n" in text else "\n" if b"\n" in text else "\r" if b"\r" in text else ""


def white_before(text: str) -> str:
    """The white space of a text's last line, its line break included."""
    rest = text.rstrip(" \t")
    breaks = 2 if rest.endswith("\r\n") else 1 if rest.endswith(("\n", "\r")) else 0
    return text[len(rest) - breaks :]


def _only_rdf(root: Any) -> Any | None:
    found = list(root.iter(_RDF))
    return found[0] if len(found) == 1 else None


def _about(rdf: Any, wanted: Mapping[Name, str]) -> str | None:
    """The packet's rdf:about; None if there are several, or one of our properties is present."""
    ours = {f"{{{uri}}}{local}" for uri, local in wanted}
    abouts = {""}
    for block in rdf.iterchildren("*"):
        abouts.update((block.get(_ABOUT, ""), block.get("about", "")))
        if any(block.get(name) is not None for name in ours) or next(block.iterchildren(*ours), None) is not None:
            return None
    abouts.discard("")
    return None if len(abouts) > 1 else next(iter(abouts), "")


def _well_formed(xml: bytes) -> bool:
    """Whether expat accepts it: a different parser from lxml's libxml2."""
    parser = expat.ParserCreate("UTF-8")
    try:
        parser.Parse(xml, True)  # noqa: FBT003 - expat takes no keyword
    except expat.ExpatError:
        return False
    return True
