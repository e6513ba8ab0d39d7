"""What a picture shows, as maps; :func:`analyse` reduces them to a Scene."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from afterframe.domain import BoundingBox, Scene
from afterframe.vision import faces, focus, segmentation, subject, subject_mask
from afterframe.vision.analysis_image import AnalysisImage, Map, Pixels, analysis_image, box_mask


@dataclass(frozen=True, slots=True)
class SceneMaps:
    """The maps of one picture, all in the shape of the analysis image, 0-1."""

    picture: AnalysisImage
    faces: tuple[BoundingBox, ...]
    subject_box: BoundingBox | None
    focus: Map
    detail: Map
    sky: Map
    water: Map
    foliage: Map
    upright: Map
    saliency: Map
    subject: Map
    horizon: float | None
    """0 at the top edge, 1 at the bottom edge."""


def map_scene(pixels: Pixels, scene: Scene | None = None) -> SceneMaps:
    """Map what ``pixels`` (uint8 sRGB, upright) show.

    Args:
        pixels: (height, width, 3), any size.
        scene: an earlier analysis, in shares of these ``pixels``: its faces and subject are reused.
    """
    picture = analysis_image(pixels)
    detail, sharp = focus.detail_map(picture), focus.focus_map(picture)
    people = faces.find_faces(picture) if scene is None else scene.faces
    sky = segmentation.sky_map(picture, detail)
    if people:
        sky = sky * (~box_mask(subject.people_box(people), picture.shape)).astype(np.float32)
    horizon = segmentation.horizon_row(picture, sky)
    saliency = subject.saliency_map(picture, sharp, sky)
    box = subject.subject_box(picture, saliency, people) if scene is None else scene.subject
    with ThreadPoolExecutor(1) as beside:  # finding an outline takes as long as all the rest
        if scene is not None and scene.outline:
            inside = beside.submit(_known_subject, picture, scene.outline)
        else:
            inside = beside.submit(subject.subject_map, picture, saliency, box, people, sky)
        water = segmentation.water_map(picture, sky, detail, horizon)
        foliage, upright = segmentation.foliage_map(picture, detail), segmentation.upright_map(picture)
    return SceneMaps(
        picture=picture,
        faces=people,
        subject_box=box,
        focus=sharp,
        detail=detail,
        sky=sky,
        water=water,
        foliage=foliage,
        upright=upright,
        saliency=saliency,
        subject=inside.result(),
        horizon=horizon,
    )


def _known_subject(picture: AnalysisImage, outline: str) -> Map:
    return subject.softened(subject_mask.unpack_mask(outline, picture.shape), picture)


def analyse(pixels: Pixels) -> Scene:
    """Analyse ``pixels`` (uint8 sRGB, upright, (height, width, 3)): faces, subject, its outline, and measurements.

    The measurements, 0-1 unless said otherwise: ``sky_share``, ``water_share``, ``foliage_share`` (of the
    picture); ``horizon`` (its height, 0 top, 1 bottom; absent without sky); ``sharpness`` (of the sharpest
    tenth), ``focus_share`` (of the picture in focus), ``focus_contrast`` (subject against the rest, -1 to 1),
    ``isolation`` (a sharp subject before a soft background); ``saturation``, ``brightness``, ``contrast``
    (means and spread), ``dark_share``; ``detail`` (mean texture); ``face_share`` (largest face's area),
    ``face_count``; ``subject_share``; ``skin_share``; ``underwater_share`` (deep cyan); ``blur_coherence``
    and ``blur_angle_deg`` (-90 to 90, 0 horizontal); ``warmth`` (mean CIELAB b, about -60 to 60).
    """
    seen = map_scene(pixels)
    return Scene(seen.faces, seen.subject_box, subject_mask.pack_mask(seen.subject), _measures(seen))


def _isolation(seen: SceneMaps) -> float:
    """How clearly the subject is in focus before a background that is not, 0-1."""
    inside = seen.subject > 0.5
    if not inside.any() or inside.all():
        return 0.0
    sharp, soft = float(seen.focus[inside].mean()), float(seen.focus[~inside].mean())
    return max(0.0, (sharp - soft) / max(sharp, 0.15)) * min(1.0, max(0.0, (0.42 - soft) / 0.15))


def _underwater(picture: AnalysisImage) -> float:
    """Deep cyan all over: water swallows red within a few metres."""
    hue, saturation = picture.hsv[..., 0], picture.hsv[..., 1]
    return float(((hue > 165) & (hue < 215) & (saturation > 0.6)).mean())


def _measures(seen: SceneMaps) -> dict[str, float]:
    measures = {**_content_measures(seen), **_focus_measures(seen), **_tone_measures(seen.picture)}
    return {name: round(value, 4) for name, value in measures.items()}


def _content_measures(seen: SceneMaps) -> dict[str, float]:
    """What the picture shows, and how much of it."""
    measures = {
        "sky_share": float(seen.sky.mean()),
        "water_share": float(seen.water.mean()),
        "foliage_share": float(seen.foliage.mean()),
        "subject_share": float(seen.subject.mean()),
        "face_share": max((face.width * face.height for face in seen.faces), default=0.0),
        "face_count": float(len(seen.faces)),
        "skin_share": float(faces.skin_map(seen.picture).mean()),
        "underwater_share": _underwater(seen.picture),
        "detail": float(seen.detail.mean()),
    }
    return measures if seen.horizon is None else {**measures, "horizon": seen.horizon}


def _focus_measures(seen: SceneMaps) -> dict[str, float]:
    """Where it is sharp, and how what is not is blurred."""
    inside = seen.subject > 0.5
    coherence, angle = focus.blur_direction(seen.picture)
    contrast = 0.0
    if inside.any() and not inside.all():
        contrast = float(seen.focus[inside].mean() - seen.focus[~inside].mean())
    return {
        "sharpness": float(np.percentile(seen.focus, 90)),
        "focus_share": float((seen.focus > 0.35).mean()),
        "focus_contrast": contrast,
        "isolation": _isolation(seen),
        "blur_coherence": coherence,
        "blur_angle_deg": angle,
    }


def _tone_measures(picture: AnalysisImage) -> dict[str, float]:
    """Its light and colours."""
    return {
        "saturation": float(picture.hsv[..., 1].mean()),
        "brightness": float(picture.luma.mean()),
        "contrast": float(picture.luma.std()) * 2.0,
        "dark_share": float((picture.luma < 0.12).mean()),
        "warmth": float(picture.lab[..., 2].mean()),
    }
