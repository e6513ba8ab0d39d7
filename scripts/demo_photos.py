"""The demo's photos: scikit-image's sample pictures as JPEG copies with camera data written for the demo.

The pictures ship inside scikit-image's wheel and are in the public domain (see PHOTOS). The camera
data is made up, and says so: EXIF Software, Make and UserComment name the demo.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from environment import use_venv

use_venv()  # everything from here on is installed there

import piexif
import piexif.helper
import skimage
from PIL import Image
from platformdirs import user_pictures_path

MARK = "Camera data made up for Afterframe's demo; the picture is a sample of scikit-image."

LONG_SIDE = 1280
"""The samples are small; the copies are enlarged to this, pixels, so that their clips fill a screen."""


@dataclass(frozen=True, slots=True)
class DemoPhoto:
    """A sample picture and the camera data that its copy gets."""

    source: str
    """File name in skimage/data."""
    caption: str
    licence: str
    taken: str
    """Local time, EXIF form."""
    offset: str
    exposure_s: tuple[int, int]
    f_number: float
    iso: int
    focal_mm: int
    flash: bool = False

    @property
    def name(self) -> str:
        """The copy's file name."""
        return f"{Path(self.source).stem}.jpg"


PHOTOS = (
    DemoPhoto(
        source="coffee.png",
        caption="A cup of coffee on a wooden table",
        licence="CC0, photographed by Rachel Michetti",
        taken="2026:03:14 08:20:00",
        offset="+01:00",
        exposure_s=(1, 60),
        f_number=2.8,
        iso=400,
        focal_mm=50,
    ),
    DemoPhoto(
        source="astronaut.png",
        caption="Portrait of the astronaut Eileen Collins",
        licence="public domain, NASA",
        taken="2026:03:14 11:05:00",
        offset="-06:00",
        exposure_s=(1, 125),
        f_number=4.0,
        iso=100,
        focal_mm=85,
        flash=True,
    ),
    DemoPhoto(
        source="chelsea.png",
        caption="Chelsea the cat",
        licence="CC0, photographed by Stéfan van der Walt",
        taken="2026:03:14 16:40:00",
        offset="+01:00",
        exposure_s=(1, 80),
        f_number=2.2,
        iso=800,
        focal_mm=85,
    ),
    DemoPhoto(
        source="rocket.jpg",
        caption="A rocket on its launch pad at blue hour",
        licence="public domain, SpaceX",
        taken="2026:03:14 18:03:00",
        offset="-05:00",
        exposure_s=(4, 1),
        f_number=11.0,
        iso=100,
        focal_mm=35,
    ),
)


def write_photos(folder: Path) -> list[Path]:
    """Write all demo photos into a folder; the paths."""
    return [write_photo(photo, folder) for photo in PHOTOS]


def write_photo(photo: DemoPhoto, folder: Path) -> Path:
    """Write one demo photo; it appears complete, by a rename."""
    data = io.BytesIO()
    with Image.open(Path(skimage.__file__).parent / "data" / photo.source) as picture:
        scale = LONG_SIDE / max(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        large = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        large.save(data, "JPEG", quality=95, exif=piexif.dump(_exif(photo)))
    part = folder / f".{photo.name}.part"
    part.write_bytes(data.getvalue())
    return part.replace(folder / photo.name)


def _exif(photo: DemoPhoto) -> dict[str, dict[int, object]]:
    zeroth, exif = piexif.ImageIFD, piexif.ExifIFD
    return {
        "0th": {
            zeroth.Make: b"Afterframe demo",
            zeroth.Model: b"Imaginary camera",
            zeroth.Software: b"Afterframe demo",
            zeroth.ImageDescription: photo.caption.encode(),
            zeroth.Copyright: photo.licence.encode(),
        },
        "Exif": {
            exif.UserComment: piexif.helper.UserComment.dump(MARK),
            exif.DateTimeOriginal: photo.taken.encode(),
            exif.OffsetTimeOriginal: photo.offset.encode(),
            exif.ExposureTime: photo.exposure_s,
            exif.FNumber: (round(photo.f_number * 10), 10),
            exif.ISOSpeedRatings: photo.iso,
            exif.FocalLength: (photo.focal_mm, 1),
            exif.FocalLengthIn35mmFilm: photo.focal_mm,
            exif.Flash: int(photo.flash),
        },
    }


def new_folder() -> Path:
    """A fresh folder for the demo under the user's Pictures, which are made where there are none."""
    pictures = user_pictures_path()
    pictures.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = pictures / ("Afterframe demo" if number == 1 else f"Afterframe demo {number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def main(argv: list[str]) -> None:
    """Write the photos into FOLDER, or a new one; say what each is; the last line is the folder."""
    folder = Path(argv[0]) if argv else new_folder()
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Sample photos of scikit-image, with camera data made up for the demo, in {folder}:")
    for photo, path in zip(PHOTOS, write_photos(folder), strict=True):
        print(f"  {path.name:14} {photo.caption} ({photo.licence})")
    print(folder)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main(sys.argv[1:])
