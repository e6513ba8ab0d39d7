"""XML as a light tree that knows the byte offsets of every element.

Expat reports where in the original bytes each tag starts, which editing in place needs and tree-building
parsers do not tell. Document type declarations are refused, so there are no entities.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from photometa.xmp.namespaces import STANDARD, Name

MAX_DEPTH = 200
"""Elements within elements; real packets stay under 20."""
MAX_NAMES = 500_000
"""Namespaces in the scopes of all elements that declare some; real packets stay under 1,000."""
MAX_BYTES = 64 << 20

_NO_NAMESPACES: dict[str, str] = {"xml": STANDARD["xml"]}
_START = re.compile(rb"<(?:\?xpacket|\?xml|(?:[A-Za-z_][\w.-]*:)?(?:xmpmeta|xapmeta|RDF)\b|!DOCTYPE)")


class XmlError(ValueError):
    """Not well-formed, or with a construct that XMP forbids."""


@dataclass(slots=True)
class Element:
    """One element: names as written, resolved on demand."""

    tag: str
    attributes: list[tuple[str, str]]
    scope: dict[str, str]
    """Prefix -> URI, as declared here and above."""
    start: int
    """Byte offset of the start tag's "<"."""
    end_tag: int = -1
    """Byte offset of the end tag's "<"; the start for an empty-element tag."""
    children: list[Element] = field(default_factory=list)
    text: str = ""
    other: bool = False
    """A comment or processing instruction stands inside."""

    def resolve(self, name: str, *, attribute: bool = False) -> Name:
        """Namespace and local name; an undeclared prefix gets its standard meaning, if it has one."""
        prefix, colon, local = name.partition(":")
        if not colon:
            return ("" if attribute else self.scope.get("", ""), name)
        uri = self.scope.get(prefix)
        return (uri if uri is not None else STANDARD.get(prefix, f"undeclared:{prefix}"), local)

    @property
    def name(self) -> Name:
        """The element's own namespace and local name."""
        return self.resolve(self.tag)


@dataclass(slots=True)
class Document:
    """A parsed packet within its surroundings."""

    root: Element
    rdf: list[Element]
    """Every element that is called RDF."""
    data: bytes
    """The bytes as given."""
    base: int
    """Where the XML starts in data, after any junk."""
    codec: str
    """Python codec without BOM: "utf-8", "utf-16-le", "utf-16-be", or the declared one."""

    @property
    def end(self) -> int:
        """Where the XML ends in data."""
        mark = ">".encode(self.codec)
        at = self.base + self.root.end_tag
        if not self.data.startswith("</".encode(self.codec), at):
            return at  # an empty-element tag ends where expat reports its end
        while (at := self.data.index(mark, at)) % len(mark) != self.base % len(mark):
            at += 1  # a match across two UTF-16 units
        return at + len(mark)

    def surroundings_hold(self, word: str) -> bool:
        """Whether a word occurs before or after the parsed XML."""
        sought = word.encode(self.codec)
        return sought in self.data[: self.base] or sought in self.data[self.end :]


class _Builder:
    """Expat's callbacks."""

    def __init__(self) -> None:
        self.parser: expat.XMLParserType
        self.root: Element | None = None
        self.rdf: list[Element] = []
        self.done = False
        self.stack: list[Element] = []
        self.texts: list[list[str]] = []
        """The pieces of each open element's text: comments may part it into very many."""
        self.names = 0
        """Entries of all scopes together."""

    def start(self, tag: str, attributes: list[str]) -> None:
        pairs: list[tuple[str, str]] = []
        scope = self.stack[-1].scope if self.stack else _NO_NAMESPACES
        if attributes:
            pairs = list(zip(attributes[::2], attributes[1::2], strict=True))
            declared = {n[6:]: v for n, v in pairs if n == "xmlns" or n.startswith("xmlns:")}
            if declared:
                scope = {**scope, **declared}
                self.names += len(scope)
                if self.names > MAX_NAMES:
                    raise XmlError("too many namespaces")
        element = Element(tag, pairs, scope, self.parser.CurrentByteIndex)
        if tag == "RDF" or tag.endswith(":RDF"):
            self.rdf.append(element)
        if self.stack:
            self.stack[-1].children.append(element)
        elif self.root is None:
            self.root = element
        self.stack.append(element)
        self.texts.append([])
        if len(self.stack) > MAX_DEPTH:
            raise XmlError(f"more than {MAX_DEPTH} elements within each other")

    def end(self, _tag: str) -> None:
        element = self.stack.pop()
        element.text = "".join(self.texts.pop())
        element.end_tag = self.parser.CurrentByteIndex
        self.done = not self.stack

    def characters(self, text: str) -> None:
        if self.stack:
            self.texts[-1].append(text)

    def other(self, *_args: object) -> None:
        if self.stack:
            self.stack[-1].other = True

    def doctype(self, *_args: object) -> None:
        raise XmlError("it has a document type declaration (DOCTYPE)")


def parse_document(data: bytes) -> Document:
    """Parse an XMP packet, skipping a BOM and junk before it and anything after it.

    Raises:
        XmlError: not well-formed, too deep or too large, or with a DOCTYPE.
    """
    if len(data) > MAX_BYTES:
        raise XmlError(f"larger than {MAX_BYTES >> 20} MiB")
    codec, base = codec_and_start(data)
    builder = _Builder()
    encoding = {"utf-8": "UTF-8", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE"}.get(codec)
    parser = builder.parser = expat.ParserCreate(encoding)
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.CommentHandler = parser.ProcessingInstructionHandler = builder.other
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(data[base:], True)  # noqa: FBT003 - expat takes no keyword
    except (expat.ExpatError, LookupError, UnicodeError, ValueError) as error:
        if isinstance(error, XmlError):
            raise
        if not builder.done:
            raise XmlError(str(error)) from error
    if builder.root is None or not builder.done:
        raise XmlError("no element")
    return Document(builder.root, builder.rdf, data, base, codec)


def codec_and_start(data: bytes) -> tuple[str, int]:
    """Encoding by BOM or by the pattern of the first tag (XMP part 1, 7.3.1; XML 1.0 appendix F)."""
    for bom, codec in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(bom) and (codec == "utf-8" or data[2:4] != b"\0\0"):
            return codec, _first_tag(data, codec, len(bom))
    for codec in ("utf-8", "utf-16-le", "utf-16-be"):
        start = _first_tag(data, codec, -1)
        if start >= 0:
            declared = re.match(rb"""<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)""", data[start : start + 200])
            if codec == "utf-8" and declared and not declared[1].lower().startswith((b"utf", b"ucs")):
                return declared[1].decode("ascii", "replace").lower(), start
            return codec, start
    raise XmlError("no XMP packet in it")


def _first_tag(data: bytes, codec: str, default: int) -> int:
    if codec == "utf-8":
        match = _START.search(data)
        return match.start() if match else default
    marks = [data.find(mark.encode(codec)) for mark in ("<?xpacket", "<?xml", "<x:xmpmeta", "<rdf:RDF")]
    # One byte order's text looks like the other's at odd offsets.
    return min((at for at in marks if at >= 0 and at % 2 == 0), default=default)
