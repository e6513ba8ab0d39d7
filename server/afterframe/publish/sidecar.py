"""What a clip's sidecar says, and reading it back: the durable record of how a clip was made.

The properties follow XMP Specification part 2 (xmpMM, xmpDM, dc), the IPTC Photo Metadata
Standard 2025.1 (digital source type, AI properties), and our own namespace, urn:afterframe:xmp:1.0/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import photometa
from afterframe import __version__
from afterframe.domain import Clip, Recipe, Verdict
from afterframe.errors import PhotoError
from afterframe.imaging.frames import Model
from afterframe.naming import sidecar_of
from photometa import Bag, LangAlt, Seq, Struct

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = SOURCE_TYPES + "trainedAlgorithmicMedia"
UNTRAINED = SOURCE_TYPES + "algorithmicallyEnhanced"
"""A clip whose pixels are the photo's, moved by a rule: no trained model had a part in it."""
MEASURES = {
    "photo_psnr_db": "afterframe:photoPSNR",
    "photo_de00": "afterframe:photoDE00",
    "drift_de00": "afterframe:driftDE00",
    "loop_seam": "afterframe:loopSeam",
}
"""How true a clip is to its photo: the names in ``afterframe.grade.fidelity`` and those in the sidecar."""


@dataclass(frozen=True, slots=True)
class MadeBy:
    """What made a clip."""

    generator: str
    version: str
    trained: bool
    """Its pixels come from a trained model."""
    model: Model | None = None
    """The trained model, where one had a part in it."""
    prompt_writer: str = ""
    """The person who wrote the prompt's words, where one did and is named."""


def describe(clip: Clip, made_by: MadeBy, facts: Mapping[str, Any], frame_count: int) -> dict[str, photometa.Value]:
    """All properties of a new clip's sidecar."""
    return {
        **_identity(clip, made_by),
        **_media(clip, frame_count),
        **_from_photo(clip, facts),
        **_origin(clip, made_by),
        **_own(clip, made_by),
    }


def _identity(clip: Clip, made_by: MadeBy) -> dict[str, photometa.Value]:
    photo = Path(clip.photo_path).name
    when = _iso(clip.created_at)
    agent = f"Afterframe {__version__} ({made_by.generator} {made_by.version})"
    source = Struct({"stRef:filePath": photo})
    created = Struct(
        {
            "stEvt:action": "created",
            "stEvt:when": when,
            "stEvt:softwareAgent": agent,
            "stEvt:instanceID": f"xmp.iid:{clip.id}",
        }
    )
    return {
        "xmp:CreatorTool": agent,
        "xmp:CreateDate": when,
        "xmp:MetadataDate": when,
        "xmpMM:DocumentID": f"xmp.did:{clip.id}",
        "xmpMM:InstanceID": f"xmp.iid:{clip.id}",
        "xmpMM:OriginalDocumentID": f"xmp.did:{clip.id}",
        "xmpMM:DerivedFrom": source,
        "xmpMM:Ingredients": Bag([source]),
        "xmpMM:History": Seq([created]),
        "dc:source": photo,
        "dc:relation": Bag([photo]),
    }


def _media(clip: Clip, frame_count: int) -> dict[str, photometa.Value]:
    width, height = clip.recipe.size
    return {
        "dc:format": "video/mp4",
        "photoshop:SidecarForExtension": "MP4",
        "xmpDM:duration": Struct({"xmpDM:value": str(frame_count), "xmpDM:scale": f"1/{clip.recipe.fps}"}),
        "xmpDM:videoFrameRate": str(clip.recipe.fps),
        "xmpDM:videoFrameSize": Struct({"stDim:w": str(width), "stDim:h": str(height), "stDim:unit": "pixel"}),
        "xmpDM:contributedMedia": Bag([Struct({"xmpDM:path": Path(clip.photo_path).name})]),
    }


def _from_photo(clip: Clip, facts: Mapping[str, Any]) -> dict[str, photometa.Value]:
    """What the photographer wrote on the photo holds for its clip too."""
    properties: dict[str, photometa.Value] = {}
    for name, key in (("dc:title", "title"), ("dc:description", "caption"), ("dc:rights", "copyright")):
        if facts.get(key):
            properties[name] = LangAlt({"x-default": str(facts[key])})
    if facts.get("keywords"):
        properties["dc:subject"] = Bag([str(word) for word in facts["keywords"]])
    if facts.get("creator"):
        properties["dc:creator"] = Seq([str(facts["creator"])])
    if clip.rating:
        properties["xmp:Rating"] = str(clip.rating)
    return properties


def _origin(clip: Clip, made_by: MadeBy) -> dict[str, photometa.Value]:
    """The AI properties stand only on clips that a trained model made: no false claims."""
    if not made_by.trained:
        return {"Iptc4xmpExt:DigitalSourceType": UNTRAINED}
    properties: dict[str, photometa.Value] = {
        "Iptc4xmpExt:DigitalSourceType": TRAINED,
        "Iptc4xmpExt:AISystemUsed": made_by.model.name if made_by.model else made_by.generator,
        "Iptc4xmpExt:AIPromptInformation": made_by.model.prompt if made_by.model else clip.recipe.prompt,
    }
    # A server may not tell which version of its model made the clip.
    if version := made_by.model.version if made_by.model else made_by.version:
        properties["Iptc4xmpExt:AISystemVersionUsed"] = version
    if made_by.prompt_writer:
        properties["Iptc4xmpExt:AIPromptWriterName"] = made_by.prompt_writer
    return properties


def _own(clip: Clip, made_by: MadeBy) -> dict[str, photometa.Value]:
    recipe = clip.recipe
    properties: dict[str, photometa.Value] = {
        "afterframe:version": __version__,
        "afterframe:generator": made_by.generator,
        "afterframe:generatorVersion": made_by.version,
        "afterframe:photo": Path(clip.photo_path).name,
        "afterframe:photoSHA256": clip.photo_sha256,
        "afterframe:variant": str(clip.variant),
        "afterframe:recipe": json.dumps(recipe.to_dict(), ensure_ascii=False, sort_keys=True),
        "afterframe:recipeHash": recipe.hash,
        "afterframe:seed": str(recipe.seed),
        "afterframe:photoType": recipe.photo_type,
        "afterframe:prompt": recipe.prompt,
        "afterframe:negativePrompt": recipe.negative_prompt,
        "afterframe:motionIntensity": f"{recipe.motion_intensity:g}",
        "afterframe:styleConsistency": f"{recipe.style_consistency:g}",
        "afterframe:cameraMovement": recipe.camera_movement,
        "afterframe:duration": f"{recipe.duration_s:g}",
        "afterframe:loop": str(recipe.loop),
        "afterframe:direction": recipe.direction,
        "afterframe:verdict": clip.verdict,
        "afterframe:because": Seq([f"{name}: {why}" for name, reasons in recipe.because.items() for why in reasons]),
    }
    if made_by.model:
        properties["afterframe:model"] = made_by.model.name
        properties["afterframe:modelVersion"] = made_by.model.version
        properties["afterframe:modelSettings"] = json.dumps(made_by.model.settings, ensure_ascii=False, sort_keys=True)
    if clip.parent_clip:
        properties["afterframe:parent"] = clip.parent_clip
    for name, value in clip.measures.items():
        properties[MEASURES[name]] = f"{value:g}"
    return properties


def write_verdict(clip: Clip, verdict: Verdict, rating: int, backups: Path) -> None:
    """Put the photographer's decision into the sidecar, which is its authority.

    Raises:
        PhotoError: the sidecar cannot be changed; it is as it was.
    """
    sidecar = Path(clip.sidecar_path)
    if not sidecar.is_file():
        raise PhotoError(f"{sidecar.name} is missing.", "Restore it, or render the clip again.", code="no_sidecar")
    properties = {"afterframe:verdict": str(verdict), "xmp:Rating": str(rating)}
    try:
        photometa.write_sidecar(sidecar, properties, backup_dir=backups)
    except photometa.MetadataError as error:
        raise PhotoError(error.message, error.hint, code="sidecar") from error


def read_clip(sidecar: Path) -> Clip | None:
    """The clip that a sidecar describes, with photo_id 0; None when it is not one of ours.

    Raises:
        PhotoError: it is ours but damaged.
    """
    try:
        properties = photometa.read_sidecar(sidecar)
    except photometa.MetadataError as error:
        raise PhotoError(error.message, error.hint, code="sidecar") from error
    if "afterframe:recipe" not in properties:
        return None
    text = {name: value for name, value in properties.items() if isinstance(value, str)}
    try:
        clip = _clip_from(sidecar, text)
    except (KeyError, ValueError, TypeError) as error:
        raise PhotoError(
            f"{sidecar.name} is damaged ({error!r}).", "Restore it from a backup.", code="sidecar"
        ) from error
    if sidecar_of(Path(clip.path)) != sidecar:
        raise PhotoError(f"{sidecar.name} does not name its clip.", "Give it back its name.", code="sidecar")
    return clip


def _clip_from(sidecar: Path, text: Mapping[str, str]) -> Clip:
    recipe = Recipe.from_dict(json.loads(text["afterframe:recipe"]))
    clip = sidecar.with_suffix("")
    return Clip(
        id=text["xmpMM:DocumentID"].removeprefix("xmp.did:"),
        photo_id=0,
        photo_path=str(sidecar.with_name(text["afterframe:photo"])),
        photo_sha256=text["afterframe:photoSHA256"],
        path=str(clip),
        sidecar_path=str(sidecar),
        sha256="",
        recipe=replace(recipe, seed=int(text["afterframe:seed"])),
        generator=text["afterframe:generator"],
        generator_version=text["afterframe:generatorVersion"],
        variant=int(text.get("afterframe:variant", "1")),
        parent_clip=text.get("afterframe:parent"),
        duration_s=recipe.duration_s,
        verdict=Verdict(text.get("afterframe:verdict", "none")),
        rating=max(0, min(5, int(text.get("xmp:Rating", "0")))),
        created_at=datetime.fromisoformat(text["xmp:CreateDate"]).timestamp(),
        present=clip.is_file(),
        measures={name: float(text[written]) for name, written in MEASURES.items() if written in text},
    )


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds")
