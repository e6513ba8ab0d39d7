"""From XML elements to XMP values: the RDF subset of XMP Specification part 1, clause 7 and annex C.

Both notations are read everywhere (attributes and elements, parseType="Resource" and nested
descriptions, rdf:value and rdf:resource), and deviations found in real files.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from photometa.xmp.namespaces import RDF, XML, Name
from photometa.xmp.values import Alt, Array, Bag, LangAlt, Seq, Struct, Value
from photometa.xmp.xmltree import Document, Element, XmlError

_ARRAYS: dict[Name, type[Array]] = {(RDF, "Bag"): Bag, (RDF, "Seq"): Seq, (RDF, "Alt"): Alt}
_DESCRIPTION = (RDF, "Description")
_LI = (RDF, "li")
_SYNTAX = {(RDF, n) for n in ("about", "ID", "nodeID", "parseType", "resource", "datatype", "bagID", "aboutEach")}

Namer = Callable[[Name], str]


def clark(name: Name) -> str:
    """A name that needs no prefix: "{uri}local"."""
    return f"{{{name[0]}}}{name[1]}"


def find_rdf(document: Document) -> Element:
    """The packet's one rdf:RDF.

    Raises:
        XmlError: there is none, or more than one.
    """
    found = [element for element in document.rdf if element.name == (RDF, "RDF")]
    if len(found) != 1:
        raise XmlError("no rdf:RDF in it" if not found else "more than one rdf:RDF in it")
    return found[0]


def descriptions(rdf: Element) -> list[Element]:
    """The rdf:Description elements, or the typed nodes in their place, that hold the properties."""
    return rdf.children


def attribute_properties(element: Element) -> Iterator[tuple[Name, str, str]]:
    """Properties written as attributes: resolved name, name as written, value."""
    for raw, value in element.attributes:
        if raw == "xmlns" or raw.startswith("xmlns:") or raw == "about":
            continue
        name = element.resolve(raw, attribute=True)
        if name not in _SYNTAX and name[0] != XML and name[0]:
            yield name, raw, value


class Reader:
    """Reads values; decides how names appear in structures, and whether qualifiers count.

    With exact=True nothing is omitted (languages of simple values, repeated languages), so that two packets are
    equal exactly if their data models are.
    """

    def __init__(self, namer: Namer = clark, *, exact: bool = False) -> None:
        self.namer = namer
        self.exact = exact

    def properties(self, rdf: Element, only: Container[Name] | None = None) -> list[tuple[Name, Value]]:
        """Every top-level property in document order, repeated ones repeated.

        Args:
            rdf: the packet's rdf:RDF.
            only: skip all others, unread.
        """
        found: list[tuple[Name, Value]] = []
        for description in descriptions(rdf):
            for name, _, value in attribute_properties(description):
                if only is None or name in only:
                    found.append((name, value))
            for child in description.children:
                name = child.name
                if only is None or name in only:
                    found.append((name, self.value(child)))
        return found

    def value(self, element: Element) -> Value:
        """The value of one property element, field or array item."""
        plain = self._unqualified(element)
        language = _language(element) if self.exact else None
        if language is not None and not (element.name == _LI and isinstance(plain, str)):
            return Struct({"rdf:value": plain, "xml:lang": language})
        return plain

    def _unqualified(self, element: Element) -> Value:
        parse_type = resource = None
        for raw, text in element.attributes:
            name = element.resolve(raw, attribute=True)
            if name == (RDF, "parseType"):
                parse_type = text
            elif name == (RDF, "resource"):
                resource = text
        if parse_type == "Resource":
            return self._struct(element, attributes=False)
        if len(element.children) == 1 and parse_type is None:
            return self._node(element.children[0])
        if element.children:
            raise XmlError(f"more than one value in {element.tag}")
        qualifiers = list(attribute_properties(element))
        if resource is not None:
            return self._qualified(resource, qualifiers)
        if qualifiers and not element.text.strip():
            return self._struct(element)
        return self._qualified(element.text, qualifiers)

    def _node(self, child: Element) -> Value:
        array = _ARRAYS.get(child.name)
        if array is not None:
            return self._array(child, array)
        struct = self._struct(child)
        if child.name == _DESCRIPTION:
            return struct
        fields = dict(struct) if isinstance(struct, Struct) else {"rdf:value": struct}
        return Struct({"rdf:type": clark(child.name), **fields})

    def _qualified(self, text: str, found: list[tuple[Name, str, str]]) -> Value:
        fields = {self.namer(name): value for name, _, value in found}
        return Struct({"rdf:value": text, **fields}) if fields else text

    def _struct(self, element: Element, *, attributes: bool = True) -> Value:
        fields: dict[str, Value] = {}
        if attributes:
            fields = {self._field(name): value for name, _, value in attribute_properties(element)}
        for child in element.children:
            fields[self._field(child.name)] = self.value(child)
        if set(fields) == {"rdf:value"}:
            return fields["rdf:value"]
        return Struct(fields)

    def _field(self, name: Name) -> str:
        return f"rdf:{name[1]}" if name[0] == RDF else self.namer(name)

    def _array(self, element: Element, form: type[Array]) -> Value:
        values = [self.value(child) for child in element.children]
        languages = [_language(child) for child in element.children]
        if not any(languages):
            return form(values)
        texts = [v for v in values if isinstance(v, str)]
        if form is Alt and all(languages) and len(texts) == len(values):
            by_language = {_canonical(k): t for k, t in zip(languages, texts, strict=True) if k}
            if len(by_language) == len(texts):
                return LangAlt(by_language)
        if self.exact:
            pairs = zip(languages, values, strict=True)
            return form(Struct({"rdf:value": v, "xml:lang": k}) if k else v for k, v in pairs)
        return form(values)


def _language(element: Element) -> str | None:
    for raw, text in element.attributes:
        if raw == "xml:lang":
            return text
    return None


def _canonical(language: str) -> str:
    return "x-default" if language.lower() == "x-default" else language
