"""XML namespaces of XMP: the standard prefixes, and names as "prefix:name".

Prefixes and URIs: XMP Specification part 1 (8.2) and part 2, Exif for XMP (CIPA DC-010),
IPTC Photo Metadata Standard 2025.1, Google's camera and container documentation.
"""

from __future__ import annotations

import re

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML = "http://www.w3.org/XML/1998/namespace"
META = "adobe:ns:meta/"

STANDARD: dict[str, str] = {
    "afterframe": "urn:afterframe:xmp:1.0/",
    "xml": XML,
    "rdf": RDF,
    "x": META,
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpBJ": "http://ns.adobe.com/xap/1.0/bj/",
    "xmpTPg": "http://ns.adobe.com/xap/1.0/t/pg/",
    "xmpG": "http://ns.adobe.com/xap/1.0/g/",
    "xmpGImg": "http://ns.adobe.com/xap/1.0/g/img/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "xmpidq": "http://ns.adobe.com/xmp/Identifier/qual/1.0/",
    "xmpDM": "http://ns.adobe.com/xmp/1.0/DynamicMedia/",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stVer": "http://ns.adobe.com/xap/1.0/sType/Version#",
    "stJob": "http://ns.adobe.com/xap/1.0/sType/Job#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "stFnt": "http://ns.adobe.com/xap/1.0/sType/Font#",
    "stMfs": "http://ns.adobe.com/xap/1.0/sType/ManifestItem#",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "crd": "http://ns.adobe.com/camera-raw-defaults/1.0/",
    "crss": "http://ns.adobe.com/camera-raw-saved-settings/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "darktable": "http://darktable.sf.net/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "mwg-kw": "http://www.metadataworkinggroup.com/schemas/keywords/",
    "acdsee": "http://ns.acdsee.com/iptc/1.0/",
    "mediapro": "http://ns.iview-multimedia.com/mediapro/1.0/",
    "photomechanic": "http://ns.camerabits.com/photomechanic/1.0/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
}

PREFIXES: dict[str, str] = {uri: prefix for prefix, uri in STANDARD.items()}

Name = tuple[str, str]
"""Namespace URI and local name."""

_LOCAL = re.compile(r"[A-Za-z_\u00c0-\U0010ffff][\w.\-\u00b7]*\Z")


def split(qualified: str, extra: dict[str, str] | None = None) -> Name:
    """Split "prefix:name" into namespace URI and local name.

    Args:
        qualified: e.g. "dc:title".
        extra: prefixes beyond the standard ones, with their URIs.

    Raises:
        ValueError: no such prefix, or not a name that XML allows.
    """
    prefix, colon, local = qualified.partition(":")
    uri = STANDARD.get(prefix) or (extra or {}).get(prefix)
    if not colon or uri is None:
        raise ValueError(f"{qualified!r}: a property is named prefix:name with a known prefix")
    if not _LOCAL.match(local):
        raise ValueError(f"{qualified!r} is not an XML name")
    return uri, local
