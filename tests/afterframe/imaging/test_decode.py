from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import piexif
import pytest
from PIL import Image, ImageCms

from afterframe.errors import PhotoError
from afterframe.imaging.decode import decode, is_photo, open_photo
from factories import make_photo_file, make_picture


def colour(path: Path) -> tuple[int, ...]:
    """The colour in the middle of a decoded photo."""
    pixels, _ = decode(path)
    return tuple(int(value) for value in pixels[pixels.shape[0] // 2, pixels.shape[1] // 2])


def refusal(path: Path) -> str:
    with pytest.raises(PhotoError) as caught:
        decode(path)
    assert path.name in caught.value.message
    assert caught.value.hint
    return caught.value.error_code


def flat(mode: str, value: object, size: tuple[int, int] = (80, 80)) -> Image.Image:
    return Image.new(mode, size, value)  # type: ignore[arg-type]


NAMES = [
    "a.jpg",
    "A.JPEG",
    "a.jpe",
    "a.JFIF",
    "b.tif",
    "c.png",
    "d.webp",
    "e.HEIC",
    "e.HIF",
    "e.heics",
    "f.avif",
    "f.avifs",
]


@pytest.mark.parametrize("name", NAMES)
def test_photo_names_are_known_whatever_their_case(name: str) -> None:
    assert is_photo(Path(name))


@pytest.mark.parametrize("name", [".a.jpg", "a.mp4", "a.nef", "a.jpg.xmp", "jpg"])
def test_other_names_are_not_photos(name: str) -> None:
    assert not is_photo(Path(name))


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_every_format_is_read(tmp_path: Path, suffix: str) -> None:
    path = make_photo_file(tmp_path / f"a.{suffix}", (192, 128))
    pixels, size = decode(path)
    assert pixels.shape == (128, 192, 3)
    assert pixels.dtype == np.uint8
    assert size == (192, 128)


@pytest.mark.parametrize("name", ["DSC_0001.HIF", "a.heics", "a.avifs", "a.heif", "a.jfif", "a.JPE", "a.jpg"])
@pytest.mark.parametrize("form", ["AVIF", "JPEG"])
def test_what_a_file_is_decides_its_content_whatever_its_suffix(tmp_path: Path, name: str, form: str) -> None:
    path = make_photo_file(tmp_path / name, (192, 128), format=form)
    assert is_photo(path)
    assert decode(path)[1] == (192, 128)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((96, 160, 3), np.uint8)
    upright[:48, :80] = (250, 10, 10)  # the top left corner is red
    turned = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 1, 7: 3, 8: 3}
    stored = upright[:, ::-1] if orientation in (2, 4, 5, 7) else upright
    stored = np.rot90(stored, turned[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    pixels, size = decode(tmp_path / "a.jpg")
    assert size == (160, 96)
    assert pixels[10, 10, 0] > 200
    assert pixels[10, 150].max() < 60
    assert pixels[90, 10].max() < 60


def test_a_smaller_picture_is_read_when_that_will_do(tmp_path: Path) -> None:
    path = make_photo_file(tmp_path / "a.jpg", (1600, 1200))
    pixels, size = decode(path, at_least=(400, 300))
    assert pixels.shape[:2] == (300, 400)
    assert size == (1600, 1200)


def test_a_turned_photo_is_read_smaller_too_and_still_covers_what_is_asked(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = make_photo_file(tmp_path / "a.jpg", (1600, 1200), exif=exif)
    pixels, size = decode(path, at_least=(600, 700))
    assert size == (1200, 1600)
    assert pixels.shape[:2] == (800, 600)


def test_display_p3_keeps_its_colours(tmp_path: Path) -> None:
    # sRGB (200, 60, 60) seen through a Display P3 profile is (186, 71, 65), computed from the two
    # spaces' primaries; a reader that ignores the profile would show (186, 71, 65).
    path = tmp_path / "p3.jpg"
    flat("RGB", (186, 71, 65)).save(path, icc_profile=display_p3(), quality=100, subsampling=0)
    assert np.allclose(colour(path), (200, 60, 60), atol=3)


def display_p3() -> bytes:
    """A Display P3 profile: sRGB's curve with DCI-P3's primaries, D50-adapted as ICC wants (SMPTE EG 432-1)."""
    columns = {
        "rXYZ": (0.51512, 0.24120, -0.00105),
        "gXYZ": (0.29198, 0.69225, 0.04189),
        "bXYZ": (0.15710, 0.06657, 0.78407),
    }
    return make_matrix_profile(columns)


def make_matrix_profile(columns: dict[str, tuple[float, float, float]]) -> bytes:
    """sRGB's own profile with other colorants (ICC.1:2010, 8.3.3)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    for index in range(count):
        name, offset, _ = struct.unpack(">4sII", profile[132 + index * 12 : 144 + index * 12])
        if name.decode() in columns:
            numbers = [round(value * 65536) for value in columns[name.decode()]]
            profile[offset + 8 : offset + 20] = struct.pack(">3i", *numbers)
    return bytes(profile)


def test_adobe_rgb_by_its_interoperability_index_keeps_its_colours(tmp_path: Path) -> None:
    # Adobe RGB (1998) annex: sRGB green (0, 255, 0) is Adobe RGB (144, 255, 60).
    exif = piexif.dump({"Exif": {}, "Interop": {piexif.InteropIFD.InteroperabilityIndex: b"R03"}})
    path = tmp_path / "adobe.jpg"
    flat("RGB", (144, 255, 60)).save(path, exif=exif, quality=100, subsampling=0)
    assert np.allclose(colour(path), (0, 255, 0), atol=6)


def test_cmyk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cmyk.jpg"
    flat("CMYK", (0, 255, 255, 0)).save(path, quality=100)
    red, green, blue = colour(path)
    assert red > 200
    assert max(green, blue) < 90


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grey16.{suffix}"
    Image.fromarray(np.full((80, 80), 0x8000, np.uint16)).save(path)
    assert np.allclose(colour(path), 128, atol=1)


def test_sixteen_bit_colour_is_scaled_not_clipped(tmp_path: Path) -> None:
    path = tmp_path / "rgb16.png"
    row = b"\0" + struct.pack(">3H", 0xC000, 0x8000, 0x4000) * 80
    path.write_bytes(png(80, 80, 16, 2, zlib.compress(row * 80)))
    assert np.allclose(colour(path), (192, 128, 64), atol=1)


def png(width: int, height: int, depth: int, kind: int, data: bytes) -> bytes:
    """A PNG from its parts (W3C PNG, clause 11)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("mode", "value"), [("L", 90), ("1", 1), ("P", 0)])
def test_grey_bilevel_and_palette_are_read(tmp_path: Path, mode: str, value: int) -> None:
    path = tmp_path / "a.png"
    flat(mode, value).save(path)
    assert len(colour(path)) == 3


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    flat("RGBA", (200, 0, 0, 0)).save(path)
    assert colour(path) == (255, 255, 255)
    flat("LA", (0, 0)).save(path)
    assert colour(path) == (255, 255, 255)


def test_a_broken_colour_profile_does_not_stop_a_photo(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    flat("RGB", (10, 200, 30)).save(path, icc_profile=b"not a profile at all", quality=100, subsampling=0)
    assert np.allclose(colour(path), (10, 200, 30), atol=3)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    assert refusal(path) == "empty"


@pytest.mark.parametrize(
    "data",
    [
        b"Dear diary",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!doctype html><title>404</title>",
        b"\x80\x04cos\nsystem\n(S'touch pwned'\ntR.",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
        b"%PDF-1.7\n",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"PK\3\4" + bytes(40),
        b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/x'\n",
    ],
    ids=lambda data: data[:12],
)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_what_is_no_picture_is_refused_whatever_its_name(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    assert refusal(path) == "not_a_photo"


@pytest.mark.parametrize("brand", [b"heic", b"heim", b"hevc", b"avis"])
def test_a_damaged_heif_is_damaged_whatever_its_brand(tmp_path: Path, brand: bytes) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x14ftyp" + brand + bytes(4) + brand + bytes(100))
    assert refusal(path) == "truncated"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = make_photo_file(tmp_path / f"a.{suffix}", (400, 300))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert refusal(path) in ("truncated", "not_a_photo")
    with pytest.raises(PhotoError):
        decode(path, at_least=(100, 75))


def test_one_pixel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    flat("RGB", 0, (1, 1)).save(path)
    assert refusal(path) == "too_small"


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(20_000, 20_000, 1, 0, zlib.compress(bytes(100))))
    assert refusal(path) == "too_large"


@pytest.mark.parametrize("suffix", ["webp", "png"])
def test_an_animation_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    frames = [make_picture(seed=n) for n in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    assert refusal(path) == "animated"


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((80, 80), np.float32)).save(path)
    assert refusal(path) == "unsupported"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.jpg") == "missing"


def test_the_pixel_limit_can_be_raised(tmp_path: Path) -> None:
    path = make_photo_file(tmp_path / "a.jpg", (400, 300))
    with pytest.raises(PhotoError, match="megapixels"):
        open_photo(path, megapixels=0.1)
    open_photo(path, megapixels=1).close()


def test_a_folder_named_like_a_photo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(PhotoError, match=r"a\.jpg"):
        decode(tmp_path / "a.jpg")


def test_heic_is_read_upright(tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    buffer = io.BytesIO()
    try:
        make_picture().save(buffer, "AVIF")
    except (KeyError, OSError, ValueError):
        pytest.skip("this Pillow writes no AVIF")
    (tmp_path / "a.avif").write_bytes(buffer.getvalue())
    assert decode(tmp_path / "a.avif")[1] == (192, 128)
