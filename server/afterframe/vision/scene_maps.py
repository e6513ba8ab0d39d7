"""What a picture shows, as maps; :func:`analyse` reduces them to a Scene."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from afterframe.scene import Scene
from afterframe.vision import claims, faces, focus, people, segmentation, subject, subject_mask
from afterframe.vision.analysis_image import AnalysisImage, Map, Pixels, analysis_image, box_mask
from afterframe.vision.detectors import Detectors
from afterframe.vision.maps import SceneMaps
from afterframe.vision.measures import measure
from photometa.facts.facts import Facts

NO_NETS = Detectors()
_KEPT = 0.3
"""Confidence from which a thing stays in the scene."""
NO_FACTS = Facts()


def map_scene(
    pixels: Pixels, scene: Scene | None = None, *, nets: Detectors = NO_NETS, oriented: bool = True
) -> SceneMaps:
    """Map what ``pixels`` (uint8 sRGB, upright) show.

    Args:
        pixels: (height, width, 3), any size.
        scene: an earlier analysis, in shares of these ``pixels``: its faces, things and subject are reused, and
            sky, water and leaves that it was not sure of are left out.
        nets: the detectors, for pictures without an earlier analysis.
        oriented: for them, whether the photo's file says which way is up.
    """
    picture = analysis_image(pixels)
    known = _look(pixels, picture, nets, oriented=oriented) if scene is None else scene
    detail, sharp = focus.detail_map(picture), focus.focus_map(picture)
    sky = _sky(picture, detail, known)
    horizon = segmentation.horizon_row(picture, sky)
    saliency = subject.saliency_map(picture, sharp, sky)
    box = subject.subject_box(picture, saliency, sharp, known) if scene is None else scene.subject
    with ThreadPoolExecutor(1) as beside:  # finding an outline takes as long as all the rest
        if known.outline:
            inside = beside.submit(_known_subject, picture, known.outline)
        else:
            inside = beside.submit(subject.subject_map, picture, saliency, box, known, sky)
        water = segmentation.water_map(picture, sky, detail, horizon) * _sure(known, "water")
        foliage = segmentation.foliage_map(picture, detail) * _sure(known, "leaves")
        upright = segmentation.upright_map(picture)
    return SceneMaps(
        picture=picture,
        faces=known.faces,
        things=known.things,
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


def _look(pixels: Pixels, picture: AnalysisImage, nets: Detectors, *, oriented: bool) -> Scene:
    """Faces, and with the nets people, animals and things."""
    things = nets.find_objects(pixels) or ()
    found = nets.find_faces(pixels)
    seen = faces.find_faces(picture, upright=oriented) if found is None else people.believed(found, things)
    hidden = people.heads(things, seen, pixels.shape[1] / pixels.shape[0])
    return Scene(faces=seen, things=(*things, *hidden))


def _sure(scene: Scene, what: str) -> np.float32:
    """0 for what the scene is not sure of."""
    return np.float32(scene.shows(what))


def _sky(picture: AnalysisImage, detail: Map, scene: Scene) -> Map:
    """The sky, which ends where people are."""
    if not _sure(scene, "sky"):
        return np.zeros(picture.shape, np.float32)
    sky = segmentation.sky_map(picture, detail)
    if scene.faces:
        sky = sky * (~box_mask(subject.people_box(scene.faces), picture.shape)).astype(np.float32)
    return sky


def _known_subject(picture: AnalysisImage, outline: str) -> Map:
    return subject.softened(subject_mask.unpack_mask(outline, picture.shape), picture)


def analyse(pixels: Pixels, nets: Detectors = NO_NETS, facts: Facts = NO_FACTS) -> Scene:
    """Analyse ``pixels`` (uint8 sRGB, upright, (height, width, 3)).

    The measures, 0-1 unless said otherwise: ``sky_share``, ``water_share``, ``foliage_share`` (of the picture);
    ``horizon`` (its height, 0 top, 1 bottom; absent without sky); ``sky_top`` (of the upper edge), ``sky_blue`` (-1
    to 1), ``sky_luma``, ``sky_detail``, ``sky_low`` (its part in the lower half), ``sky_clouds`` (spread of its
    brightness about a smooth one) and ``sky_focus`` (of the rest) of what looks like sky; ``sharpness`` (of the
    sharpest tenth), ``focus_share`` (of the picture in focus), ``focus_contrast`` (subject against the rest, -1 to 1),
    ``centre_focus`` (the middle against the rim, -1 to 1), ``isolation`` (a sharp subject before a soft background),
    ``apart`` (the same, unless that is the sky);
    ``saturation``, ``brightness``, ``contrast`` (means and spread), ``dark_share``, ``green_share``,
    ``brighter_above`` (upper against lower third, -1 to 1), ``rim_contrast`` (of the colours along the edge);
    ``detail`` (mean texture); ``face_share`` (largest face's area), ``face_count``; ``person_share``,
    ``person_height``, ``person_count``, ``person_confidence``, and for each of ``animal``, ``vehicle``, ``boat``,
    ``food``, ``furniture``, ``sports`` and ``street`` its ``..._share`` (the largest's area) and ``..._confidence`` (by
    the nets); ``water_luma``; ``subject_share``; ``skin_share``;
    ``underwater_share`` (deep cyan); ``blur_coherence`` and ``blur_angle_deg`` (-90 to 90, 0 horizontal);
    ``warmth`` (mean CIELAB b, about -60 to 60).

    Args:
        nets: the detectors; without them, faces are found by OpenCV's cascades, and nothing else is.
        facts: what the photo's file says; some of it tells indoors from outdoors.
    """
    seen = map_scene(pixels, nets=nets, oriented=facts.orientation is not None)
    measures = measure(seen)
    by_nets = nets.complete
    return Scene(
        faces=seen.faces,
        subject=seen.subject_box,
        outline=subject_mask.pack_mask(seen.subject),
        measures=measures,
        things=tuple(thing for thing in seen.things if thing.confidence >= _KEPT),
        claims=claims.weigh(measures, facts, by_nets=by_nets),
        by_nets=by_nets,
    )
