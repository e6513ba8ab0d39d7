from __future__ import annotations

import io

import pytest
from PIL import Image

import photometa


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_a_picture_is_known_by_its_first_bytes(kind: str) -> None:
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, kind)
    assert photometa.sniff(data.getvalue()[:64]) == kind.lower()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"MM\0*\0\0\0\x08", "tiff"),
        (b"IIRO\x08\0\0\0", "orf"),
        (b"IIU\0\x08\0\0\0", "rw2"),
        (b"\xff\x0a", "jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
        (b"FUJIFILMCCD-RAW 0201", "raf"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "cr3"),
    ],
)
def test_raws_and_jpeg_xl_are_known_by_their_first_bytes(head: bytes, name: str) -> None:
    assert photometa.sniff(head) == name


@pytest.mark.parametrize("head", [b"", b"\xff\xd8", b"Dear diary", b"GIF89a", b"\0\0\0\x18ftypqt  \0\0\0\0qt  "])
def test_everything_else_is_unknown(head: bytes) -> None:
    assert photometa.sniff(head) is None
