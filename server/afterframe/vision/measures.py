"""The numbers that a scene is reduced to: what is in it and how much, where it is sharp, its light and colours."""

from __future__ import annotations

import cv2
import numpy as np

from afterframe import coco
from afterframe.scene import COUNTS, Detection
from afterframe.vision import faces, focus
from afterframe.vision.analysis_image import AnalysisImage, Map, smooth
from afterframe.vision.boxes import inside
from afterframe.vision.maps import SceneMaps

GROUPS = {
    "animal": frozenset(coco.ANIMALS),
    "vehicle": frozenset(coco.VEHICLES) - {"boat"},
    "boat": frozenset({"boat"}),
    "food": frozenset((*coco.KITCHEN, *coco.FOOD)),
    "furniture": frozenset((*coco.FURNITURE, *coco.ELECTRONIC, *coco.APPLIANCES, *coco.INDOOR))
    - {"potted plant", "scissors", "toothbrush"},
    "sports": frozenset(coco.SPORTS) - {"kite", "baseball glove"},
    "street": frozenset((*coco.OUTDOOR, "kite", "airplane")),
}
"""Kinds of things that tell the same about a picture."""


def measure(seen: SceneMaps) -> dict[str, float]:
    """All measures, as :func:`afterframe.vision.analyse` documents them."""
    measures = {**_content(seen), **_things(seen), **_focus(seen), **_tone(seen.picture), **_sky(seen), **_water(seen)}
    return {name: round(value, 4) for name, value in measures.items()}


def _content(seen: SceneMaps) -> dict[str, float]:
    """What the picture shows, and how much of it."""
    measures = {
        "sky_share": float(seen.sky.mean()),
        "water_share": float(seen.water.mean()),
        "foliage_share": float(seen.foliage.mean()),
        "subject_share": float(seen.subject.mean()),
        "face_share": max((face.area for face in seen.faces), default=0.0),
        "face_count": float(len(seen.faces)),
        "skin_share": float(faces.skin_map(seen.picture).mean()),
        "underwater_share": _underwater(seen.picture),
        "detail": float(seen.detail.mean()),
    }
    return measures if seen.horizon is None else {**measures, "horizon": seen.horizon}


def _things(seen: SceneMaps) -> dict[str, float]:
    """People whose heads are in the picture, animals and things by group: the largest's area, the surest's confidence.

    A hand or a back at the edge is no person that a picture is of.
    """
    people = [thing for thing in seen.things if thing.label == "person"]
    shown = [person for person in people if person.confidence >= COUNTS and _has_head(person, seen)]
    measures = {
        "person_share": max((person.area for person in shown), default=0.0),
        "person_height": max((person.height for person in shown), default=0.0),
        "person_count": float(len(shown)),
        "person_confidence": max((person.confidence for person in people), default=0.0),
    }
    for group, labels in GROUPS.items():
        found = [thing for thing in seen.things if thing.label in labels]
        measures[f"{group}_share"] = max((thing.area for thing in found if thing.confidence >= COUNTS), default=0.0)
        measures[f"{group}_confidence"] = max((thing.confidence for thing in found), default=0.0)
    return measures


def _has_head(person: Detection, seen: SceneMaps) -> bool:
    return person.y > 0.01 or any(inside(face, person) > 0.5 for face in seen.faces)


def _isolation(sharp: float, soft: float) -> float:
    """How clearly the subject is in focus before a background that is not, 0-1.

    Args:
        sharp: the subject's mean focus.
        soft: the rest's.
    """
    return max(0.0, (sharp - soft) / max(sharp, 0.15)) * min(1.0, max(0.0, (0.42 - soft) / 0.15))


def _underwater(picture: AnalysisImage) -> float:
    """Deep cyan all over: water swallows red within a few metres."""
    hue, saturation = picture.hsv[..., 0], picture.hsv[..., 1]
    return float(((hue > 165) & (hue < 215) & (saturation > 0.6)).mean())


def _focus(seen: SceneMaps) -> dict[str, float]:
    """Where it is sharp, and how what is not is blurred."""
    subject = seen.subject > 0.5
    coherence, angle = focus.blur_direction(seen.picture)
    contrast = isolation = 0.0
    if subject.any() and not subject.all():
        sharp, soft = seen.focus[subject].mean(), seen.focus[~subject].mean()
        contrast, isolation = float(sharp - soft), _isolation(float(sharp), float(soft))
    return {
        "sharpness": float(np.percentile(seen.focus, 90)),
        "focus_share": float((seen.focus > 0.35).mean()),
        "focus_contrast": contrast,
        "centre_focus": _middle(seen.focus) - _rim(seen.focus),
        "isolation": isolation,
        "apart": isolation * float(np.clip((0.3 - seen.sky.mean()) / 0.25, 0.0, 1.0)),
        "blur_coherence": coherence,
        "blur_angle_deg": angle,
    }


def _middle(values: Map) -> float:
    height, width = values.shape
    part = values[height // 4 : height - height // 4, width // 4 : width - width // 4]
    return float(part.mean()) if part.size else 0.0


def _rim(values: Map) -> float:
    height, width = values.shape
    edge = np.ones(values.shape, np.bool_)
    edge[height // 8 : height - height // 8, width // 8 : width - width // 8] = False
    return float(values[edge].mean()) if edge.any() else 0.0


def _tone(picture: AnalysisImage) -> dict[str, float]:
    """Its light and colours."""
    third = max(1, picture.shape[0] // 3)
    green = (picture.hsv[..., 0] > 55) & (picture.hsv[..., 0] < 165) & (picture.hsv[..., 1] > 0.15)
    return {
        "saturation": float(picture.hsv[..., 1].mean()),
        "brightness": float(picture.luma.mean()),
        "contrast": float(picture.luma.std()) * 2.0,
        "dark_share": float((picture.luma < 0.12).mean()),
        "warmth": float(picture.lab[..., 2].mean()),
        "green_share": float((green & (picture.hsv[..., 2] > 0.1)).mean()),
        "brighter_above": float(picture.luma[:third].mean() - picture.luma[-third:].mean()),
        "rim_contrast": _rim_contrast(picture),
    }


def _rim_contrast(picture: AnalysisImage) -> float:
    """How different the colours along the picture's edge are from each other, 0-1: a table or a wall has one."""
    lab = picture.lab
    edge = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    return float(min(1.0, np.sqrt(edge.var(axis=0).sum()) / 60.0))


def _sky(seen: SceneMaps) -> dict[str, float]:
    """What the sky looks like, if that is what it is: along the upper edge, how bright, blue and even."""
    inside = seen.sky > 0.5
    if not inside.any():
        names = ("sky_top", "sky_blue", "sky_luma", "sky_detail", "sky_low", "sky_focus", "sky_clouds")
        return dict.fromkeys(names, 0.0)
    half = inside.shape[0] // 2
    return {
        "sky_top": float(inside[: max(1, inside.shape[0] // 50)].mean()),
        "sky_blue": float(np.clip(-seen.picture.lab[..., 2][inside].mean() / 30.0, -1.0, 1.0)),
        "sky_luma": float(seen.picture.luma[inside].mean()),
        "sky_detail": float(seen.detail[inside].mean()),
        "sky_low": float(inside[half:].sum() / inside.sum()),
        "sky_focus": float(seen.focus[~inside].mean()) if not inside.all() else 0.0,
        "sky_clouds": _clouds(seen),
    }


def _clouds(seen: SceneMaps) -> float:
    """How far the sky's brightness is from that of a clear one, which changes smoothly: its spread about a surface."""
    inside = cv2.erode((seen.sky > 0.9).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    if inside.sum() < 200:
        return 0.0
    y, x = (index / max(inside.shape) - 0.5 for index in np.nonzero(inside))
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, x * x * y, y**3], axis=1)
    luma = smooth(seen.picture.luma, 1.5)[inside]  # without noise
    fitted = surface @ np.linalg.lstsq(surface, luma, rcond=None)[0]
    return float(np.std(luma - fitted))


def _water(seen: SceneMaps) -> dict[str, float]:
    """How bright the water is, if that is what it is: snow in the shade is bluish, too."""
    inside = seen.water > 0.5
    return {"water_luma": float(seen.picture.luma[inside].mean()) if inside.any() else 0.0}
