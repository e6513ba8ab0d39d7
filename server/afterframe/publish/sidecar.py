"""What a clip's sidecar says, and how it is read back: the durable record of how the clip was made.

:mod:`afterframe.publish.placement` puts the file beside the clip; later verdicts are written here.

The properties follow XMP Specification part 2 (xmpMM, xmpDM, dc), the IPTC Photo Metadata
Standard 2025.1 (digital source type, AI properties), and our own namespace, urn:afterframe:xmp:1.0/.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import photometa
from afterframe import __version__
from afterframe.domain import Clip, Quality, Recipe, Verdict
from afterframe.errors import PhotoError, UsageError, shortened
from afterframe.field_mapping import api_schemas, from_properties, iso_time, to_api, to_properties, unix_s
from afterframe.formats.json_schema import check
from afterframe.imaging.frames import Model
from afterframe.naming import sidecar_of
from afterframe.publish.taken import taken_properties
from afterframe.recipe.schema import RECIPE
from photometa import Bag, LangAlt, Seq, Struct

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = SOURCE_TYPES + "trainedAlgorithmicMedia"
UNTRAINED = SOURCE_TYPES + "algorithmicallyEnhanced"
"""A clip whose pixels are the photo's, moved by a rule: no trained model took part."""
TWO_PHOTOS = SOURCE_TYPES + "compositeCapture"
"""The same of two photos."""
MEASURES = {
    "photo_psnr_db": "afterframe:photoPSNR",
    "photo_de00": "afterframe:photoDE00",
    "drift_de00": "afterframe:driftDE00",
    "loop_seam": "afterframe:loopSeam",
}
"""How true a clip is to its photo: the names in ``afterframe.grade.fidelity`` and those in the sidecar."""

EARLIEST_S, LATEST_S = 0.0, 253_000_000_000.0
"""Moments that every calendar of ours can show, as Unix time: 1970 to 9987."""
MAX_RECIPE = 1 << 20
"""Characters of a recipe: lists hold those of many clips."""
CLIP = {"type": "object", "properties": api_schemas(Clip)}
"""What a sidecar says of its clip, as the API's contract has it."""

ORDER = (
    *("xmp:CreatorTool", "xmp:CreateDate", "xmp:MetadataDate"),
    *("xmpMM:DocumentID", "xmpMM:InstanceID", "xmpMM:OriginalDocumentID"),
    *("xmpMM:DerivedFrom", "xmpMM:Ingredients", "xmpMM:History", "dc:source", "dc:relation"),
    *("dc:format", "photoshop:SidecarForExtension", "xmpDM:duration", "xmpDM:videoFrameRate"),
    *("xmpDM:videoFrameSize", "xmpDM:contributedMedia"),
    *("dc:title", "dc:description", "dc:rights", "dc:subject", "dc:creator", "xmp:Rating"),
    *("Iptc4xmpExt:DigitalSourceType", "Iptc4xmpExt:AISystemUsed", "Iptc4xmpExt:AIPromptInformation"),
    *("Iptc4xmpExt:AISystemVersionUsed", "Iptc4xmpExt:AIPromptWriterName"),
    *("afterframe:version", "afterframe:generator", "afterframe:generatorVersion"),
    *("afterframe:photo", "afterframe:photoSHA256", "afterframe:variant"),
    *("afterframe:recipe", "afterframe:recipeHash", "afterframe:seed", "afterframe:photoType", "afterframe:prompt"),
    *("afterframe:negativePrompt", "afterframe:motionIntensity", "afterframe:styleConsistency"),
    *("afterframe:cameraMovement", "afterframe:duration", "afterframe:loop", "afterframe:direction"),
    *("afterframe:verdict", "afterframe:because"),
    *("afterframe:model", "afterframe:modelVersion", "afterframe:modelSettings", "afterframe:parent"),
    *MEASURES.values(),
)
"""The order of the properties, that of the first version: a new property comes behind them without standing here."""


@dataclass(frozen=True, slots=True)
class MadeBy:
    """What made a clip."""

    generator: str
    version: str
    trained: bool
    """Its pixels come from a trained model."""
    model: Model | None = None
    """The trained model, where one took part."""
    prompt_writer: str = ""
    """The person who wrote the prompt, where there is one and the name is known."""


def sidecar_properties(
    clip: Clip, made_by: MadeBy, facts: Mapping[str, Any], frame_count: int
) -> dict[str, photometa.Value]:
    """All properties of a new clip's sidecar.

    Args:
        clip: its fields stand there as their mappings say, see :class:`afterframe.domain.Clip`.
        facts: of the photo, as JSON.
        frame_count: frames in the clip.
    """
    properties: dict[str, photometa.Value] = {
        **to_properties(clip),
        **_identity(clip, made_by),
        **_media(clip, frame_count),
        **_from_photo(facts),
        **taken_properties(facts),
        **_origin(clip, made_by),
        **_maker(made_by),
        **_recipe(clip.recipe),
        **{MEASURES[name]: f"{value:g}" for name, value in clip.measures.items()},
    }
    return {name: properties[name] for name in sorted(properties, key=_position)}


def _position(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _identity(clip: Clip, made_by: MadeBy) -> dict[str, photometa.Value]:
    when, agent = iso_time(clip.created_at), _agent(made_by)
    created = {
        "stEvt:action": "created",
        "stEvt:when": when,
        "stEvt:softwareAgent": agent,
        "stEvt:instanceID": f"xmp.iid:{clip.id}",
    }
    return {
        "xmp:CreatorTool": agent,
        "xmp:MetadataDate": when,
        "xmpMM:InstanceID": f"xmp.iid:{clip.id}",
        "xmpMM:OriginalDocumentID": f"xmp.did:{clip.id}",
        "xmpMM:History": Seq([Struct(created)]),
        **_photo_link(clip),
    }


def _photo_link(clip: Clip) -> dict[str, photometa.Value]:
    """Everything that names the photo: by its path from the clip's folder, which is its name unless it was moved."""
    photo, folder = Path(clip.photo_path), Path(clip.path).parent
    try:
        link = Path(os.path.relpath(photo, folder)).as_posix()
    except ValueError:  # on another drive
        link = photo.name
    source = Struct({"stRef:filePath": link})
    return {
        "afterframe:photo": link,
        "xmpMM:DerivedFrom": source,
        "xmpMM:Ingredients": Bag([source]),
        "dc:source": link,
        "dc:relation": Bag([link]),
    }


def _agent(made_by: MadeBy) -> str:
    return f"Afterframe {__version__} ({made_by.generator} {made_by.version})"


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


def _from_photo(facts: Mapping[str, Any]) -> dict[str, photometa.Value]:
    """What the photographer wrote on the photo applies to its clip too."""
    properties: dict[str, photometa.Value] = {}
    for name, key in (("dc:title", "title"), ("dc:description", "caption"), ("dc:rights", "copyright")):
        if facts.get(key):
            properties[name] = LangAlt({"x-default": str(facts[key])})
    if facts.get("keywords"):
        properties["dc:subject"] = Bag([str(word) for word in facts["keywords"]])
    if facts.get("creator"):
        properties["dc:creator"] = Seq([str(facts["creator"])])
    return properties


def _origin(clip: Clip, made_by: MadeBy) -> dict[str, photometa.Value]:
    """Only clips that a trained model made carry the AI properties: no false claims."""
    if not made_by.trained:
        return {"Iptc4xmpExt:DigitalSourceType": TWO_PHOTOS if clip.recipe.end_photo else UNTRAINED}
    properties: dict[str, photometa.Value] = {
        "Iptc4xmpExt:DigitalSourceType": TRAINED,
        "Iptc4xmpExt:AISystemUsed": made_by.model.name if made_by.model else made_by.generator,
        "Iptc4xmpExt:AIPromptInformation": made_by.model.prompt if made_by.model else clip.recipe.prompt,
    }
    # A server may not say which version of its model made the clip.
    if version := made_by.model.version if made_by.model else made_by.version:
        properties["Iptc4xmpExt:AISystemVersionUsed"] = version
    if made_by.prompt_writer:
        properties["Iptc4xmpExt:AIPromptWriterName"] = made_by.prompt_writer
    return properties


def _maker(made_by: MadeBy) -> dict[str, photometa.Value]:
    properties: dict[str, photometa.Value] = {
        "afterframe:version": __version__,
        "afterframe:generator": made_by.generator,
        "afterframe:generatorVersion": made_by.version,
    }
    if made_by.model:
        properties["afterframe:model"] = made_by.model.name
        properties["afterframe:modelVersion"] = made_by.model.version
        properties["afterframe:modelSettings"] = json.dumps(made_by.model.settings, ensure_ascii=False, sort_keys=True)
    return properties


def _recipe(recipe: Recipe) -> dict[str, photometa.Value]:
    """The parts of the recipe one by one, for other programs: the clip is read from the whole one."""
    unusual = {} if recipe.quality is Quality.STANDARD else {"afterframe:quality": str(recipe.quality)}
    return {
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
        "afterframe:because": Seq([f"{name}: {why}" for name, reasons in recipe.because.items() for why in reasons]),
        **unusual,
    }


def write_verdict(clip: Clip, verdict: Verdict, rating: int, backups: Path) -> None:
    """Put the photographer's decision into the sidecar, which is its authority.

    Raises:
        PhotoError: the sidecar cannot be changed; it is left as it was.
    """
    _change(clip, {"afterframe:verdict": str(verdict), "xmp:Rating": str(rating)}, backups)


def write_photo_link(clip: Clip, backups: Path) -> None:
    """Let the sidecar name the clip's photo, which was renamed or moved.

    Raises:
        PhotoError: as :func:`write_verdict`.
    """
    _change(clip, _photo_link(clip), backups)


def write_identity(clip: Clip, backups: Path) -> None:
    """Give a copied clip's sidecar the copy's own id. What it is a copy of stays its original document.

    Raises:
        PhotoError: as :func:`write_verdict`.
    """
    _change(clip, {"xmpMM:DocumentID": f"xmp.did:{clip.id}", "xmpMM:InstanceID": f"xmp.iid:{uuid.uuid4()}"}, backups)


def _change(clip: Clip, properties: Mapping[str, photometa.Value], backups: Path) -> None:
    sidecar = Path(clip.sidecar_path)
    if not sidecar.is_file():
        raise PhotoError(f"{sidecar.name} is missing.", "Restore it, or render the clip again.", code="no_sidecar")
    try:
        photometa.write_sidecar(sidecar, properties, backup_dir=backups)
    except photometa.MetadataError as error:
        raise PhotoError(error.message, error.hint, code="sidecar") from error


def read_clip(sidecar: Path) -> Clip | None:
    """The clip that a sidecar describes, with photo_id 0 and no hash; None when the sidecar is not one of ours.

    Anybody can write the file: what it says is held against the API's contract. Other programs' forms of a rating, and
    a date that cannot be used, do not make it a damaged one.

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
        check(to_api(clip), CLIP, {"Recipe": RECIPE})
    except UsageError as error:
        raise _damaged(sidecar, error.message.rstrip(".")) from error
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _damaged(sidecar, repr(error)) from error
    if sidecar_of(Path(clip.path)) != sidecar:
        raise PhotoError(
            f"{sidecar.name} does not have the name of its clip.", "Restore its original name.", code="sidecar"
        )
    return clip


def _damaged(sidecar: Path, why: str) -> PhotoError:
    return PhotoError(
        f"{sidecar.name} is damaged ({shortened(why, 200)}).", "Restore it from a backup.", code="sidecar"
    )


MAX_VARIANT = 99_999
"""More clips no photo has, and the state file cannot hold a number of any length."""


def _clip_from(sidecar: Path, text: Mapping[str, str]) -> Clip:
    if len(text["afterframe:recipe"]) > MAX_RECIPE:
        raise ValueError("its recipe is too large")
    fields = from_properties(Clip, {**text, "xmp:CreateDate": _created(sidecar, text)})
    if fields["photo_path"] == ".." or not re.fullmatch("[0-9a-f]{64}", fields["photo_sha256"]):
        raise ValueError("it names no photo")
    if fields.get("variant", 1) > MAX_VARIANT:
        raise ValueError("it is no variant that we made")
    recipe = replace(fields.pop("recipe"), seed=int(text["afterframe:seed"]))
    clip = sidecar.with_suffix("")
    return Clip(
        **{
            **fields,
            "photo_id": 0,
            "photo_path": _linked_photo(sidecar, fields["photo_path"]),
            "path": str(clip),
            "sidecar_path": str(sidecar),
            "sha256": "",
            "recipe": recipe,
            "duration_s": recipe.duration_s,
            "present": clip.is_file(),
            "measures": _measures(text),
        }
    )


def _linked_photo(sidecar: Path, link: str) -> str:
    """The path of the photo that a sidecar names.

    Raises:
        ValueError: it names none, or one by a whole path.
    """
    name = PurePosixPath(link)
    if not name.name or name.is_absolute() or PureWindowsPath(link).drive:
        raise ValueError(link)
    return os.path.normpath(sidecar.parent / name)


def _created(sidecar: Path, text: Mapping[str, str]) -> str:
    """When the clip was made, as the sidecar says; else when the sidecar was last written."""
    with contextlib.suppress(KeyError, ValueError, OverflowError):
        if EARLIEST_S < unix_s(text["xmp:CreateDate"]) < LATEST_S:
            return text["xmp:CreateDate"]
    return iso_time(sidecar.stat().st_mtime)


def _measures(text: Mapping[str, str]) -> dict[str, float]:
    """A measure that is no number counts as not measured."""
    found = {}
    for name, written in MEASURES.items():
        with contextlib.suppress(KeyError, ValueError):
            if math.isfinite(number := float(text[written])):
                found[name] = number
    return found
