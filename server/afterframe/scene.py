"""What the pixels of a photo show: faces, people, things, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A rectangle in shares of the upright picture: 0-1, origin at the top left."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y), shares of the picture."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        """Share of the picture."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Detection(BoundingBox):
    """Something that was seen, and where."""

    label: str = "face"
    """"face", "head" (of somebody who looks away) or one of COCO's classes ("person", "cat" ...)."""
    confidence: float = 1.0
    """0-1."""


CLAIMS = ("sky", "water", "leaves", "indoors", "people")
"""What may be said to be in a picture."""
SURE = 0.75
"""From here on a claim of a scene is believed: said, counted as a reason, and moved."""
CLOUDED = 0.011
"""Spread of a sky's brightness about a smooth one (``sky_clouds``) from which it has clouds."""
COUNTS = 0.4
"""Confidence from which a thing counts: less is a hint, no more."""
SCENE_VERSION = 3
"""Goes up when more or other things are seen: photos with an older scene are looked at again when they are needed."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the pixels show."""

    faces: tuple[Detection, ...] = ()
    """Human faces, largest first."""
    subject: BoundingBox | None = None
    """The main subject (faces, focus, saliency), when one stands out."""
    outline: str = ""
    """Which pixels are the subject's: a black and white PNG of the whole picture, base64. Empty without one."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """Named measurements (sharpness, sky_share, water_share, saturation ...), each as
    ``afterframe.vision`` documents it."""
    things: tuple[Detection, ...] = ()
    """People, animals and things, surest first; and the heads of people whose faces are not seen."""
    claims: Mapping[str, float] = field(default_factory=dict)
    """How sure it is that the picture shows sky, water, leaves, people, and a room: 0-1."""
    by_nets: bool = False
    """Whether the two detectors looked; else OpenCV's cascades did."""
    version: int = SCENE_VERSION

    @property
    def current(self) -> bool:
        """Whether the photo was looked at, and by today's eyes."""
        return bool(self.measures) and self.version == SCENE_VERSION

    def shows(self, what: str) -> bool:
        """Whether it is sure that the picture shows sky, water ...; a scene that claims nothing is not doubted."""
        return self.claims.get(what, 1.0) >= SURE

    def share_of(self, what: str) -> float:
        """The share of the picture that sky, water or leaves fill; 0 when it is not sure of them."""
        name = "foliage_share" if what == "leaves" else f"{what}_share"
        return self.measures.get(name, 0.0) if self.shows(what) else 0.0

    def has_clouds(self) -> bool:
        """Whether the sky is sure and has clouds: a clear one, one burnt out and an even grey one have none."""
        return self.shows("sky") and self.measures.get("sky_clouds", CLOUDED) >= CLOUDED

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of :meth:`to_dict`."""
        subject = data.get("subject")
        return cls(
            faces=tuple(Detection(**face) for face in data.get("faces", ())),
            subject=BoundingBox(**subject) if subject else None,
            outline=data.get("outline", ""),
            measures=dict(data.get("measures", {})),
            things=tuple(Detection(**thing) for thing in data.get("things", ())),
            claims=dict(data.get("claims", {})),
            by_nets=data.get("by_nets", False),
            version=data.get("version", 1 if data else SCENE_VERSION),
        )
