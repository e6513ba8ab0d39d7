"""Saliency, and the bounding box and outline of the main subject."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.coco import ANIMALS
from afterframe.scene import BoundingBox, Detection, Scene
from afterframe.vision.analysis_image import AnalysisImage, Map, Pixels, box_mask, refine, smooth, unit
from afterframe.vision.boxes import around, inside

Mask = npt.NDArray[np.bool_]
_KINDS = {"person": 1.0, "head": 0.0, "dining table": 0.0, "bed": 0.0, "couch": 0.0, **dict.fromkeys(ANIMALS, 1.0)}
"""How readily a kind is the subject; what things stand on never is."""
_OTHER_KIND = 0.5
_BELIEVED = 0.4
"""Confidence from which a thing counts."""
_BACKGROUND = 0.9
"""Share of the picture above which a box is no single thing."""
_WORTH = 0.06
"""Weight below which something is not what the picture is of."""
_BESIDE = 0.35
"""Others of its kind belong to the subject from this share of its area."""

_CUT_SIDE, _CUT_ROUNDS = 192, 2
"""GrabCut's picture (long side, pixels) and rounds: its time grows faster than the area does."""


def saliency_map(picture: AnalysisImage, focus: Map, sky: Map) -> Map:
    """How much each pixel stands out: unlike the picture's border in colour, sharp, and near the middle.

    Colour contrast against the border, after Wei et al., "Geodesic Saliency Using Background Priors", ECCV
    2012: the border is mostly background; what differs from all its main colours is not.
    """
    contrast = _unlike_border(picture)
    height, width = picture.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    off_centre = ((x / width - 0.5) / 0.42) ** 2 + ((y / height - 0.52) / 0.42) ** 2
    central = np.exp(-0.5 * off_centre)
    raw = (0.65 * contrast + 0.35 * focus * (0.4 + contrast)) * (0.25 + 0.75 * central) * (1.0 - 0.8 * sky)
    soft = smooth(raw.astype(np.float32), max(picture.shape) / 60)
    top = float(np.percentile(soft, 99.5))
    return unit(soft / max(top, 0.05))


def _unlike_border(picture: AnalysisImage) -> Map:
    """CIELAB distance to the nearest of the border's six main colours, 0-1."""
    height, width = picture.shape
    rim = max(2, round(min(height, width) * 0.04))
    lab = smooth(picture.lab, max(height, width) / 200)
    border = np.ones((height, width), np.bool_)
    border[rim:-rim, rim:-rim] = False
    samples = np.ascontiguousarray(lab[border][::7])
    cv2.setRNGSeed(7)
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, 12, 0.0)
    groups = min(6, len(samples))
    _, labels, centres = cv2.kmeans(samples, groups, None, criteria, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    common = np.bincount(labels.ravel(), minlength=groups) >= 0.04 * len(samples)
    planes = [lab[..., axis] for axis in range(3)]
    nearest = np.full((height, width), np.inf, np.float32)
    for centre in centres[common]:
        squared = sum((plane - value) ** 2 for plane, value in zip(planes, np.broadcast_to(centre, 3), strict=True))
        nearest = np.minimum(nearest, squared)
    return unit(np.sqrt(nearest) / 45.0)


def subject_box(picture: AnalysisImage, saliency: Map, sharp: Map, seen: Scene) -> BoundingBox | None:
    """The box around the main subject; None if nothing stands out.

    The person, animal or thing that weighs most by kind, size, sharpness and place, with others of its kind beside
    it; or else the faces with their shoulders; or what is most salient.
    """
    main = main_thing(seen, sharp)
    if main is not None:
        return around([thing for thing in seen.things if _belongs(thing, main)])
    return people_box(seen.faces) if seen.faces else _salient_box(picture, saliency)


def main_thing(seen: Scene, sharp: Map) -> Detection | None:
    """The person, animal or thing that the picture is of."""
    if not seen.things:
        return None
    sharpest = max(float(np.percentile(sharp, 90)), 0.1)
    weighed = [(_weight(thing, seen, sharp, sharpest), thing) for thing in seen.things]
    weight, thing = max(weighed, key=lambda pair: pair[0])
    return thing if weight >= _WORTH else None


def _weight(thing: Detection, seen: Scene, sharp: Map, sharpest: float) -> float:
    kind = _KINDS.get(thing.label, _OTHER_KIND)
    if thing.confidence < _BELIEVED or thing.area > _BACKGROUND or not kind:
        return 0.0
    x, y = thing.centre
    central = math.exp(-2.0 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))
    within = box_mask(thing, sharp.shape)
    clear = float(sharp[within].mean()) / sharpest if within.any() else 0.0
    face = 1.5 if any(inside(face, thing) > 0.7 for face in seen.faces) else 1.0
    return kind * thing.confidence * math.sqrt(thing.area) * central * (0.4 + 0.6 * min(1.0, clear)) * face


def _belongs(thing: Detection, main: Detection) -> bool:
    """The main thing itself, or another of its kind that is about as large."""
    return thing.label == main.label and thing.confidence >= _BELIEVED and thing.area >= _BESIDE * main.area


def _salient_box(picture: AnalysisImage, saliency: Map) -> BoundingBox | None:
    height, width = picture.shape
    strong = (saliency > max(0.4, float(np.percentile(saliency, 75)))).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strong, connectivity=8)
    if count < 2:
        return None
    weights = np.bincount(labels.ravel(), weights=saliency.ravel(), minlength=count)
    weights[0] = 0.0
    best = int(weights.argmax())
    left, top, wide, high, area = (int(v) for v in stats[best])
    box = BoundingBox(left / width, top / height, wide / width, high / height)
    inside = float(saliency[box_mask(box, picture.shape)].mean())
    outside = float(saliency[~box_mask(box, picture.shape)].mean()) if box.area < 0.95 else 1.0
    large_enough = area / (height * width) > 0.006
    return box if large_enough and box.area < 0.75 and inside > 2.0 * outside else None


def people_box(faces: Sequence[BoundingBox]) -> BoundingBox:
    """Around faces, with hair, shoulders and chest."""
    left = min(face.x - 0.6 * face.width for face in faces)
    right = max(face.x + 1.6 * face.width for face in faces)
    top = min(face.y - 0.5 * face.height for face in faces)
    bottom = max(face.y + 3.0 * face.height for face in faces)
    left, top, right, bottom = max(0.0, left), max(0.0, top), min(1.0, right), min(1.0, bottom)
    return BoundingBox(left, top, right - left, bottom - top)


def subject_map(picture: AnalysisImage, saliency: Map, box: BoundingBox | None, seen: Scene, sky: Map) -> Map:
    """1 on the subject, 0 off it, soft along its edge. All 0 without a box.

    GrabCut (Rother, Kolmogorov, Blake, SIGGRAPH 2004) started from the boxes of what the nets saw in ``box``, or else
    from the saliency there.

    Args:
        picture: the analysis image.
        saliency: its saliency map.
        box: around the subject.
        seen: its faces are certainly part of it.
        sky: certainly not part of it.
    """
    if box is None:
        return np.zeros(picture.shape, np.float32)
    marks = np.full(picture.shape, cv2.GC_BGD, np.uint8)
    near = box_mask(BoundingBox(box.x - 0.05, box.y - 0.05, box.width + 0.1, box.height + 0.1), picture.shape)
    marks[near] = cv2.GC_PR_BGD
    bodies = [thing for thing in seen.things if thing.confidence >= _BELIEVED and _in_subject(thing, box)]
    for body in bodies:
        marks[_ellipse(body, picture.shape, 0.95)] = cv2.GC_PR_FGD
    if not bodies:
        marks[near & (saliency > 0.4)] = cv2.GC_PR_FGD
    marks[sky > 0.5] = cv2.GC_BGD
    for body in bodies:
        marks[_ellipse(body, picture.shape, 0.4)] = cv2.GC_FGD
    for face in seen.faces:
        if inside(face, box) > 0.5:
            marks[box_mask(face, picture.shape)] = cv2.GC_FGD
    return softened(_solid(_grab_cut(picture, marks)), picture)


def _in_subject(thing: Detection, box: BoundingBox) -> bool:
    return bool(_KINDS.get(thing.label, _OTHER_KIND)) and inside(thing, box) > 0.95 and thing.area >= 0.1 * box.area


def _ellipse(box: BoundingBox, shape: tuple[int, int], part: float) -> Mask:
    """The pixels in the middle of a box; ``part``: of its sides."""
    height, width = shape
    mask = np.zeros(shape, np.uint8)
    centre = round(box.centre[0] * width), round(box.centre[1] * height)
    axes = max(1, round(part * box.width * width / 2)), max(1, round(part * box.height * height / 2))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, cv2.FILLED)
    return mask > 0


def softened(mask: Map, picture: AnalysisImage) -> Map:
    """A mask of 0 and 1, softened to follow the picture's edges."""
    return unit(refine(mask, picture.luma, max(3, max(picture.shape) // 100), 1e-4))


def _solid(mask: Map) -> Map:
    """Without specks, gaps and holes: windows and lettering belong to the object they are part of."""
    size = max(3, max(mask.shape) // 30) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    closed = cv2.morphologyEx((mask > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max((cv2.contourArea(outline) for outline in outlines), default=0.0)
    kept = [outline for outline in outlines if cv2.contourArea(outline) > 0.05 * largest]
    solid = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(solid, kept, -1, 1, cv2.FILLED)
    return solid.astype(np.float32)


def _grab_cut(picture: AnalysisImage, marks: Pixels) -> Map:
    """The foreground as 0 or 1; the saliency's own estimate if GrabCut has nothing to work with."""
    likely = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if likely.sum() < 50 or (~likely).sum() < 50:
        return likely.astype(np.float32)
    cv2.setRNGSeed(7)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    scale = min(0.5, _CUT_SIDE / max(marks.shape))
    size = (max(8, round(scale * marks.shape[1])), max(8, round(scale * marks.shape[0])))
    small = np.asarray(cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    seeds = np.asarray(cv2.resize(marks, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    if len({int(mark) % 2 for mark in np.unique(seeds)}) < 2:
        return likely.astype(np.float32)
    how = cv2.GC_INIT_WITH_MASK
    cut, _, _ = cv2.grabCut(small, seeds, (0, 0, 1, 1), background, foreground, _CUT_ROUNDS, how)
    mask = np.isin(cut, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    whole = cv2.resize(mask, (marks.shape[1], marks.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole, np.float32)
