"""XMP packets as bytes and as properties (Adobe XMP Specification part 1, ISO 16684-1)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from xml.sax.saxutils import escape

from photometa.errors import MetadataError
from photometa.xmp.namespaces import META, PREFIXES, RDF, STANDARD, Name, split
from photometa.xmp.rdf import Reader, find_rdf
from photometa.xmp.values import Alt, Array, Bag, LangAlt, Properties, Seq, Struct, Value
from photometa.xmp.xmltree import Element, XmlError, parse_document

__all__ = ["Alt", "Bag", "LangAlt", "Properties", "Seq", "Struct", "Value", "packet", "parse"]

_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TAIL = '<?xpacket end="w"?>\n'
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Outside the Char production of XML 1.0 (2.2): no escape can write them."""
_CONTROLS = bytes(range(9)) + b"\x0b\x0c" + bytes(range(0x0E, 0x20))
_BLANKED = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_BAD_REFERENCE = re.compile(rb"&#(?:x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2\d|3[01]));")


def parse(data: bytes, only: Container[str] | None = None) -> Properties:
    """Read a packet: UTF-8 or UTF-16, with or without wrapper, junk around it tolerated.

    A property that occurs twice keeps its first value. Control characters that XML 1.0 forbids
    read as spaces.

    Args:
        data: the packet's bytes.
        only: the standard names of the properties wanted; all others are skipped, unread.

    Raises:
        MetadataError: it is not a readable XMP packet (code "malformed").
    """
    try:
        return _properties(data, only)
    except XmlError as error:
        cleaned = _BAD_REFERENCE.sub(b" ", data.translate(_BLANKED))
        if cleaned != data and b"\0<" not in data and b"<\0" not in data:
            try:
                return _properties(cleaned, only)
            except XmlError:
                pass
        raise MetadataError(
            f"The XMP packet cannot be read: {error}.",
            "Save it again in the program that wrote it, or remove the file.",
            "malformed",
        ) from error


def _properties(data: bytes, only: Container[str] | None) -> Properties:
    document = parse_document(data)
    rdf = find_rdf(document)
    namer = _Prefixes(rdf)
    found = Properties()
    for name, value in Reader(namer).properties(rdf, _Wanted(only) if only is not None else None):
        found.setdefault(namer(name), value)
    found.namespaces.update({p: u for p, u in namer.by_prefix.items() if p not in STANDARD})
    return found


class _Wanted:
    """A set of "prefix:name" that can be asked by namespace and local name."""

    def __init__(self, names: Container[str]) -> None:
        self.names = names

    def __contains__(self, name: object) -> bool:
        return isinstance(name, tuple) and f"{PREFIXES.get(name[0])}:{name[1]}" in self.names


class _Prefixes:
    """Gives every namespace one prefix: the standard one, or else a new one."""

    def __init__(self, rdf: Element) -> None:
        scopes = {id(e.scope): e.scope for block in rdf.children for e in (block, *block.children)}
        self.hints = {uri: prefix for scope in scopes.values() for prefix, uri in scope.items() if prefix}
        self.by_uri: dict[str, str] = {}
        self.by_prefix: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        """The last number that a wanted prefix got."""

    def __call__(self, name: Name) -> str:
        uri, local = name
        prefix = PREFIXES.get(uri) or self.by_uri.get(uri)
        if prefix is None:
            wanted = self.hints.get(uri) or _last_word(uri)
            prefix, number = wanted, self.numbers.get(wanted, 1)
            while prefix in STANDARD or prefix in self.by_prefix:
                number += 1
                prefix = f"{wanted}{number}"
            self.numbers[wanted] = number
            self.by_uri[uri] = prefix
            self.by_prefix[prefix] = uri
        return f"{prefix}:{local}"


def _last_word(uri: str) -> str:
    """A prefix for a namespace declared deep inside: its last significant word."""
    words = [w for w in re.findall(r"[A-Za-z][A-Za-z0-9]*", uri) if w.lower() not in ("ns", "xmlns")]
    return words[-1] if words else "ns"


def packet(properties: Mapping[str, Value]) -> bytes:
    """A fresh, complete packet in UTF-8: xpacket wrapper, x:xmpmeta, one rdf:Description.

    Characters that XML 1.0 forbids are omitted.

    Args:
        properties: "prefix:name" -> value. Prefixes beyond the standard ones come with
            Properties.namespaces.

    Raises:
        ValueError: a name without a known prefix, or that XML does not allow.
    """
    extra = getattr(properties, "namespaces", {})
    body = description(properties, extra, indent="  ")
    return (
        f'{_HEAD}<x:xmpmeta xmlns:x="{META}" x:xmptk="photometa">\n <rdf:RDF xmlns:rdf="{RDF}">\n'
        f"  {body}\n </rdf:RDF>\n</x:xmpmeta>\n{_TAIL}"
    ).encode()


def description(
    properties: Mapping[str, Value],
    extra: Mapping[str, str] | None = None,
    *,
    about: str = "",
    rdf: str = "rdf",
    indent: str = "",
    newline: str = "\n",
) -> str:
    """One rdf:Description with all its namespaces, its first line not indented.

    Args:
        properties: "prefix:name" -> value.
        extra: prefixes beyond the standard ones, with their URIs.
        about: the packet's rdf:about.
        rdf: the prefix that stands for RDF where this is inserted.
        indent: white space before the following lines.
        newline: the line end to write.
    """
    extra = dict(extra or {})
    used = dict(sorted(_used_prefixes(properties, extra)))
    used.pop("xml", None)
    if used.pop("rdf", None) and rdf != "rdf":
        used["rdf"] = RDF
    declared = "".join(f" xmlns:{p}={_quoted(u)}" for p, u in used.items())
    lines = [f"<{rdf}:Description {rdf}:about={_quoted(about)}{declared}>"]
    writer = _Writer(rdf, newline)
    for name, value in properties.items():
        lines.append(f"{indent} {writer.element(name, value, indent + ' ')}")
    lines.append(f"{indent}</{rdf}:Description>")
    return newline.join(lines)


def simple_element(name: str, text: str, attributes: Iterable[tuple[str, str]] = ()) -> str:
    """One property element with text; the name as written where it is inserted."""
    inside = "".join(f" {key}={_quoted(value)}" for key, value in attributes)
    return f"<{name}{inside}>{_text(text)}</{name}>"


def writable(text: str) -> str:
    """A text as it reads back: without the characters that XML 1.0 forbids."""
    return _FORBIDDEN.sub("", text)


def quoted_attribute(text: str) -> str:
    """An attribute's value with its quotes."""
    return _quoted(text)


class _Writer:
    """Writes values as elements."""

    def __init__(self, rdf: str, newline: str) -> None:
        self.rdf = rdf
        self.newline = newline

    def element(self, name: str, value: Value, indent: str, attributes: str = "") -> str:
        rdf, deeper = self.rdf, indent + " "
        if isinstance(value, str):
            return f"<{name}{attributes}>{_text(value)}</{name}>"
        if isinstance(value, Struct):
            attributes += f' {rdf}:parseType="Resource"'
            lines = [self.element(k, v, deeper) for k, v in value.items()]
        else:
            form = type(value).__name__ if isinstance(value, Array) else "Alt"
            form = form if form in ("Bag", "Seq", "Alt") else "Bag"
            items = [f"{deeper} {self._item(lang, item, deeper + ' ')}" for lang, item in _items(value)]
            tag = f"{rdf}:{form}"
            lines = [self.newline.join([f"<{tag}>", *items, f"{deeper}</{tag}>"]) if items else f"<{tag}/>"]
        inside = "".join(f"{self.newline}{deeper}{line}" for line in lines)
        return f"<{name}{attributes}>{inside}{self.newline}{indent}</{name}>"

    def _item(self, language: str | None, value: Value, indent: str) -> str:
        attributes = f" xml:lang={_quoted(language)}" if language else ""
        return self.element(f"{self.rdf}:li", value, indent, attributes)


def _items(value: Array | LangAlt | tuple[Value, ...]) -> Iterator[tuple[str | None, Value]]:
    if isinstance(value, LangAlt):
        first = sorted(value.items(), key=lambda item: item[0] != "x-default")
        yield from first
    else:
        for item in value:
            yield None, item


def _used_prefixes(value: object, extra: dict[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and not isinstance(value, LangAlt):
        for name, inner in value.items():
            yield name.partition(":")[0], split(name, extra)[0]
            yield from _used_prefixes(inner, extra)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _used_prefixes(inner, extra)
    elif not isinstance(value, (str, LangAlt)):
        raise ValueError(f"{value!r} is not an XMP value: text, Bag, Seq, Alt, LangAlt or Struct")


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("", text), {"\r": "&#xD;"})


def _quoted(text: str) -> str:
    special = {'"': "&quot;", "\r": "&#xD;", "\n": "&#xA;", "\t": "&#x9;"}
    return '"' + escape(_FORBIDDEN.sub("", text), special) + '"'
