"""Lossless editing: a packet's bytes change only where our properties are.

Nothing is re-serialised. An absent property is inserted as one rdf:Description before the end of rdf:RDF, a
present one is replaced in place, a removed one is cut out; then the result is parsed and its whole data model
compared with what was requested, before anybody sees it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass

from photometa.xmp.fast_insert import insert, inserted, line_end, white_before
from photometa.xmp.namespaces import RDF, Name, split
from photometa.xmp.packets import description, packet, quoted_attribute, simple_element, writable
from photometa.xmp.rdf import Reader, attribute_properties, clark, descriptions, find_rdf
from photometa.xmp.values import Value
from photometa.xmp.verify import only_inserted, parsed
from photometa.xmp.xmltree import Document, Element, XmlError, parse_document

_START_TAG = re.compile(r"""<[^\s/>]+(?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*(/?)>""")
_ATTRIBUTE = re.compile(r"""(\s+)([^\s=/>]+)(\s*=\s*)("[^"]*"|'[^']*')""")

Edit = tuple[int, int, str]
"""Start and end, in bytes of the file, and the replacement."""
Model = list[tuple[Name, Value]]


@dataclass(frozen=True, slots=True)
class _Location:
    """Where a property is: an attribute of a description, or an element in it."""

    description: Element
    attribute: str | None
    element: Element | None


def merge(data: bytes, changes: Mapping[str, Value | None], namespaces: Mapping[str, str] | None = None) -> bytes:
    """Set or remove properties in a packet.

    Args:
        data: the file's bytes.
        changes: "prefix:name" -> new value, or None to remove the property.
        namespaces: prefixes beyond the standard ones.

    Returns:
        The new bytes; data itself if nothing changes.

    Raises:
        XmlError: not well-formed, a DOCTYPE, more than one rdf:RDF, different rdf:about, a property
            of ours that occurs twice; or the result would not read back as requested.
        ValueError: a name without a known prefix, or that XML does not allow.
    """
    extra = dict(namespaces or {})
    names = {split(name, extra): name for name in changes}
    texts = {name: value for name, value in changes.items() if isinstance(value, str)}
    if 0 < len(texts) == len(changes) == len(names):
        quick = insert(data, texts, extra)
        if quick is not None:
            return quick
    wanted = _wanted(changes, extra)
    document = parse_document(data)
    if document.surroundings_hold("RDF"):
        raise XmlError("more than one XMP packet in it")
    current = _own(_model(document, names), names)
    pending = {n: w for n, w in changes.items() if current.get(split(n, extra)) != wanted.get(split(n, extra))}
    if not pending:
        return data
    plan = _EditPlan(document, find_rdf(document), {split(n, extra): n for n in pending})
    after = plan.apply(pending, extra)
    _verify(document, after, set(names), {split(n, extra) for n in pending}, current, wanted)
    return after


def _wanted(changes: Mapping[str, Value | None], extra: dict[str, str]) -> dict[Name, Value]:
    """What the changed properties must read back as: the data model of a new packet of them."""
    texts = {split(n, extra): writable(v) for n, v in changes.items() if isinstance(v, str)}
    kept = {n: v for n, v in changes.items() if v is not None and not isinstance(v, str)}
    if not kept:
        return dict(texts)
    text = description(kept, extra)
    fresh = f'<rdf:RDF xmlns:rdf="{RDF}">{text}</rdf:RDF>'.encode() if extra else packet(kept)
    return {**texts, **dict(_model(parse_document(fresh)))}


def _model(document: Document, only: Container[Name] | None = None) -> Model:
    return Reader(clark, exact=True).properties(find_rdf(document), only)


def _own(model: Model, names: Mapping[Name, str]) -> dict[Name, Value]:
    own: dict[Name, Value] = {}
    for name, value in model:
        if name in names:
            if name in own:
                raise XmlError(f"{names[name]} stands in it more than once")
            own[name] = value
    return own


def _verify(
    document: Document,
    data: bytes,
    names: set[Name],
    pending: set[Name],
    current: dict[Name, Value],
    wanted: dict[Name, Value],
) -> None:
    """Compare everything: by lxml if only texts were inserted, otherwise by the whole data model."""
    texts = {n: v for n, v in wanted.items() if n in pending and isinstance(v, str)}
    if len(texts) == len(pending) and not pending & current.keys():
        start, end = document.base, document.end
        xml = data[start : end + len(data) - len(document.data)]
        if only_inserted(parsed(document.data[start:end], document.codec), xml, document.codec, texts):
            return
    before, after = _model(document), _model(parse_document(data))
    if [p for p in after if p[0] not in names] != [p for p in before if p[0] not in names]:
        raise XmlError("the change would have touched other properties")
    if sorted((p for p in after if p[0] in names), key=str) != sorted(wanted.items(), key=str):
        raise XmlError("the change would not read back as asked for")


class _EditPlan:
    """The edits that make the changes, in terms of byte offsets."""

    def __init__(self, document: Document, rdf: Element, names: dict[Name, str]) -> None:
        self.document = document
        self.rdf = rdf
        self.abouts = _abouts(rdf)
        self.places: dict[str, _Location] = {}
        for block in descriptions(rdf):
            for name, raw, _ in attribute_properties(block):
                if name in names:
                    self.places[names[name]] = _Location(block, raw, None)
            for child in block.children:
                if child.name in names:
                    self.places[names[child.name]] = _Location(block, None, child)

    def apply(self, changes: Mapping[str, Value | None], extra: dict[str, str]) -> bytes:
        insert: dict[str, Value] = {}
        edits: list[Edit] = []
        gone = self._emptied(changes)
        edits += [self._cut_description(block) for block in gone]
        for name, value in changes.items():
            place = self.places.get(name)
            if place is None or place.description in gone:
                if value is not None:
                    insert[name] = value
            elif isinstance(value, str):
                edits.append(self._replace(place, value))
            else:
                edits.append(self._cut(place))
                if value is not None:
                    insert[name] = value
        if insert:
            edits.append(self._insertion(insert, extra))
        elif gone and len(gone) == len(self.rdf.children):
            edits = self._collapsed(edits)
        return self._edited(edits)

    def _edited(self, edits: list[Edit]) -> bytes:
        data, codec = self.document.data, self.document.codec
        for start, end, text in sorted(edits, reverse=True):
            data = data[:start] + text.encode(codec, "xmlcharrefreplace") + data[end:]
        return data

    # Where things stand

    def _text(self, start: int, end: int) -> str:
        return self.document.data[start:end].decode(self.document.codec, "surrogateescape")

    def _length(self, text: str) -> int:
        return len(text.encode(self.document.codec, "surrogateescape"))

    def _at(self, element: Element) -> int:
        return self.document.base + element.start

    def _start_tag(self, element: Element) -> tuple[str, bool]:
        """The start tag as written, and whether it is an empty-element tag."""
        limit = element.children[0].start if element.children else element.end_tag
        match = _START_TAG.match(self._text(self._at(element), self.document.base + max(limit, element.start)))
        if match is None:
            raise XmlError(f"the tag {element.tag} cannot be taken apart")
        return match[0], bool(match[1])

    def _end(self, element: Element) -> int:
        tag, empty = self._start_tag(element)
        if empty:
            return self._at(element) + self._length(tag)
        end_tag = self.document.base + element.end_tag
        closing = self._text(end_tag, end_tag + 4 * (len(element.tag) + 64))
        return end_tag + self._length(closing[: closing.index(">") + 1])

    def _white_before(self, at: int) -> str:
        """The white space of the last line before an offset, its line break included."""
        return white_before(self._text(max(self.document.base, at - 1024), at))

    # What changes

    def _emptied(self, changes: Mapping[str, Value | None]) -> list[Element]:
        """The descriptions that hold nothing but what is removed."""
        removed = [self.places[n] for n, v in changes.items() if n in self.places and not isinstance(v, str)]
        blocks: list[Element] = []
        for block in descriptions(self.rdf):
            here = [p for p in removed if p.description is block]
            held = len(block.children) + len(list(attribute_properties(block)))
            if here and len(here) == held and not block.other and block.name == (RDF, "Description"):
                blocks.append(block)
        return blocks

    def _cut_description(self, block: Element) -> Edit:
        start, end = self._at(block), self._end(block)
        limit = self.document.base + self.rdf.end_tag
        following = self._text(end, limit)
        if following == self._white_before(start):
            end = limit
        return start, end, ""

    def _collapsed(self, edits: list[Edit]) -> list[Edit]:
        """Back to <rdf:RDF/>, if that is what the insertion had expanded."""
        tag, _ = self._start_tag(self.rdf)
        inside_start = self._at(self.rdf) + self._length(tag)
        if len(edits) != 1 or self._text(inside_start, edits[0][0]) not in ("\n", "\r\n", "\r"):
            return edits
        if self._text(edits[0][1], self.document.base + self.rdf.end_tag):
            return edits
        return [(inside_start - self._length(">"), self._end(self.rdf), "/>")]

    def _cut(self, place: _Location) -> Edit:
        if place.attribute is not None:
            start, _, end = self._attribute(place)
            return start, end, ""
        assert place.element is not None
        at = self._at(place.element)
        return at - self._length(self._white_before(at)), self._end(place.element), ""

    def _replace(self, place: _Location, value: str) -> Edit:
        if place.attribute is not None:
            _, start, end = self._attribute(place)
            return start, end, quoted_attribute(value)
        assert place.element is not None
        declared = [(n, v) for n, v in place.element.attributes if n.startswith("xmlns:")]
        text = simple_element(place.element.tag, value, declared)
        return self._at(place.element), self._end(place.element), text

    def _attribute(self, place: _Location) -> tuple[int, int, int]:
        """Offsets of an attribute: the white space before it, its value's quote, its end."""
        tag, _ = self._start_tag(place.description)
        at = self._at(place.description)
        for match in _ATTRIBUTE.finditer(tag):
            if match[2] == place.attribute:
                ends = (match.start(), match.start(4), match.end())
                first, second, third = (at + self._length(tag[:offset]) for offset in ends)
                return first, second, third
        raise XmlError(f"the attribute {place.attribute} cannot be found")

    def _insertion(self, properties: Mapping[str, Value], extra: dict[str, str]) -> Edit:
        prefix = self.rdf.tag.partition(":")[0] if ":" in self.rdf.tag else "rdf"
        tag, empty = self._start_tag(self.rdf)
        around = self._text(self.document.base, self._at(self.rdf)) + self._text(
            self._end(self.rdf), len(self.document.data)
        )
        newline = line_end(around.encode("utf-8", "replace"))
        at = self.document.base + self.rdf.end_tag
        white = "" if empty else self._white_before(at)
        body = inserted(properties, extra, self.abouts, prefix, white, newline)
        if ":" not in self.rdf.tag:
            body = body.replace(f"<{prefix}:Description", f'<rdf:Description xmlns:rdf="{RDF}"', 1)
        if empty:
            end = self._at(self.rdf) + self._length(tag)
            return end - self._length("/>"), end, f">{newline or chr(10)}{body}</{self.rdf.tag}>"
        return at, at, body


def _abouts(rdf: Element) -> str:
    """The one rdf:about of a packet (XMP part 1, 7.4: all equal, or empty)."""
    found = {
        value
        for block in descriptions(rdf)
        for raw, value in block.attributes
        if raw == "about" or block.resolve(raw, attribute=True) == (RDF, "about")
    }
    found.discard("")
    if len(found) > 1:
        raise XmlError("its descriptions are about different resources (rdf:about)")
    return next(iter(found), "")
