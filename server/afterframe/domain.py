"""The nouns: Photo, Recipe, Job, Clip, Verdict. Frozen; no behaviour beyond their own form.

Each field of a Clip says how it is written down in the state file, the sidecar and the API: see
:mod:`afterframe.field_mapping`. To add one: the field here with its mapping, a migration that adds its column, a test.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from afterframe.field_mapping import (
    ApiField,
    JsonForm,
    Property,
    finite_numbers,
    from_plain,
    if_any,
    iso_time,
    mapped,
    numbers_of,
    numbers_text,
    shown,
    stars,
    to_plain,
    unix_s,
)
from afterframe.formats import strict_json
from afterframe.scene import Scene


class PhotoType(StrEnum):
    """What kind of photo it is; each kind has its own rules of motion."""

    PORTRAIT = "portrait"
    ACTION = "action"
    ENVIRONMENTAL = "environmental"
    STILL_LIFE = "still_life"


class CameraMovement(StrEnum):
    """How the virtual camera moves."""

    STATIC = "static"
    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"
    PAN_LEFT = "pan_left"
    PAN_RIGHT = "pan_right"
    TILT_UP = "tilt_up"
    TILT_DOWN = "tilt_down"
    ORBIT_LEFT = "orbit_left"
    ORBIT_RIGHT = "orbit_right"
    HANDHELD = "handheld"


class Direction(StrEnum):
    """Whether the photo is the clip's first moment or its last."""

    AFTER = "after"
    BEFORE = "before"


class Quality(StrEnum):
    """How much time a clip is worth; what that means stands in each model's profile."""

    FAST = "fast"
    STANDARD = "standard"
    BEST = "best"


class JobState(StrEnum):
    """A render's life: queued -> running -> publishing -> done; or failed, cancelled.

    The rules of each state stand here alone. What else there is for each (a word on the page, a status of another
    protocol) is a table keyed by it; tests/afterframe/state/test_render_states.py finds the one that lacks it.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PUBLISHING = "publishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Nothing more happens by itself."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)

    @property
    def held(self) -> bool:
        """A worker holds it, with a lease."""
        return self in (JobState.RUNNING, JobState.PUBLISHING)

    @property
    def cancellable(self) -> bool:
        """It can be asked to stop."""
        return self in (JobState.QUEUED, JobState.RUNNING)

    @property
    def retryable(self) -> bool:
        """It can be queued again."""
        return self.ended and self is not JobState.DONE

    @property
    def listed_as(self) -> JobState:
        """The state that lists show it in: a clip that is being put in place is still being made."""
        return JobState.RUNNING if self.held else self


class Verdict(StrEnum):
    """What the photographer decided about a clip."""

    NONE = "none"
    APPROVED = "approved"
    REJECTED = "rejected"


_LATER = ("quality", "takes", "exact_photo", "end_photo", "extends")
"""Fields of a recipe that the first version did not have; its sidecars and rows lack them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a clip looks like, each value with its reason."""

    photo_type: PhotoType
    prompt: str
    negative_prompt: str
    motion_intensity: float
    """0-1; 0 is a still frame."""
    style_consistency: float
    """0-1; how closely a model must stay with the photo."""
    camera_movement: CameraMovement
    duration_s: float
    fps: int
    size: tuple[int, int]
    """(width, height), pixels, both even."""
    loop: bool = False
    direction: Direction = Direction.AFTER
    quality: Quality = Quality.STANDARD
    seed: int = 0
    variants: int = 1
    exact_photo: bool = True
    """The photo itself is the first frame (the last where the clip leads up to it) of a model's clip, too."""
    takes: int = 1
    """How many takes a model makes first, cheaply; the best is finished."""
    end_photo: str = ""
    """Path of the photo that the clip ends with; empty: none."""
    extends: str = ""
    """The id of the clip that this one begins with, before another part; empty: it begins with its photo."""
    because: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field name -> its reasons, in a photographer's words."""
    needs_description: bool = field(default=False, compare=False)
    """Nobody has said what is in the picture: the prompt only says how it moves. Kept by the queue, not in JSON."""

    @property
    def frame_count(self) -> int:
        """Frames in the clip, at least 2."""
        return max(2, round(self.duration_s * self.fps))

    def to_dict(self) -> dict[str, Any]:
        """As JSON, in the form of docs/recipe.md."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "needs_description"}
        return {
            **data,
            "photo_type": str(self.photo_type),
            "camera_movement": str(self.camera_movement),
            "direction": str(self.direction),
            "quality": str(self.quality),
            "size": list(self.size),
            "because": {name: list(reasons) for name, reasons in self.because.items()},
        }

    def record(self) -> dict[str, Any]:
        """As JSON that lasts, in sidecars and hashes: what the first version did not have stands there only where it is
        not as usual, so that neither bytes nor hashes of what it made change."""
        usual = {f.name for f in fields(self) if f.name in _LATER and getattr(self, f.name) == f.default}
        return {name: value for name, value in self.to_dict().items() if name not in usual}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of :meth:`to_dict`; unknown keys are ignored, so that older sidecars still read."""
        known = {f.name for f in fields(cls)} - {"needs_description"}
        values = {name: value for name, value in data.items() if name in known}
        width, height = values["size"]
        return cls(
            **{
                **values,
                "photo_type": PhotoType(values["photo_type"]),
                "camera_movement": CameraMovement(values["camera_movement"]),
                "direction": Direction(values.get("direction", Direction.AFTER)),
                "quality": Quality(values.get("quality", Quality.STANDARD)),
                "size": (int(width), int(height)),
                "because": {name: tuple(reasons) for name, reasons in values.get("because", {}).items()},
            }
        )

    @property
    def hash(self) -> str:
        """SHA-256 over what changes the pixels: everything but the reasons, the seed and the variant count."""
        data = self.record()
        for name in ("because", "seed", "variants"):
            del data[name]
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells a changed file from an unchanged one without reading it.

    Equal are those of the same size and modification time: the content may differ all the same, see :meth:`agrees`.
    """

    size: int
    mtime_ns: int
    ctime_ns: int | None = field(default=None, compare=False)
    """When the file system saw it change, which no program can set; on Windows, when it was made. None: not known."""

    @classmethod
    def of(cls, stat: os.stat_result) -> Stamp:
        """The stamp of a stat result; times after 2262, which the state file cannot hold, are alike."""
        return cls(stat.st_size, _storable(stat.st_mtime_ns), _storable(stat.st_ctime_ns))

    def agrees(self, known: Stamp | None) -> bool:
        """Whether a file is unchanged by all that is known of it."""
        return self == known and known.ctime_ns in (None, self.ctime_ns)


def _storable(nanoseconds: int) -> int:
    return max(-(2**63), min(nanoseconds, 2**63 - 1))


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as the catalogue knows it."""

    id: int
    path: str
    """Absolute, as the file system spells it."""
    sha256: str
    size: int
    """Bytes."""
    mtime_ns: int
    facts: Mapping[str, Any]
    """``photometa.Facts.to_dict()``."""
    scene: Scene = field(default_factory=Scene)
    """What was seen in it; empty when it was never looked at."""
    ctime_ns: int | None = None
    upright_size: tuple[int, int] | None = None
    """(width, height), pixels; None: an earlier version read it."""

    @property
    def stamp(self) -> Stamp:
        """The file's stamp when it was read."""
        return Stamp(self.size, self.mtime_ns, self.ctime_ns)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not work, in words."""

    code: str
    message: str
    hint: str = ""

    def to_dict(self) -> dict[str, str]:
        """As JSON."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Job:
    """One render: from the queue to one clip."""

    id: str
    photo_id: int
    photo_path: str
    photo_sha256: str
    recipe: Recipe
    generator: str
    state: JobState
    progress: float
    """0-1."""
    eta_s: float | None
    strikes: int
    created_at: float
    """Unix time, seconds."""
    updated_at: float
    origin: str
    """"watch" for automatic ingest, "request" for an explicit one."""
    parent_clip: str | None
    """The clip that this one refines."""
    clip_id: str | None
    """The clip that came of it, once done."""
    error: Failure | None
    cancel_requested: bool
    plan: int = 0
    """The generator's memory plan: 0 the fastest that fits, higher ones need less memory and more time."""
    exclusive: bool = False
    """No other job may be under way in the same process: a process died that held this one and another."""
    note: str = ""
    """What happened on the way, in a photographer's words, though the render goes on."""
    real_folder: str | None = None
    """Where the photo's folder really was when this was requested, links followed."""
    basis: Mapping[str, Any] | None = None
    """What the recipe was composed from (``intake.composition.Basis``), as JSON; None: an earlier version did it."""
    replaces: str | None = None
    """The clip that is made again."""


ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""An id stands in addresses as it is."""


def _verdict(text: str) -> Verdict:
    """A word that is none of ours is no verdict."""
    word = text.strip().lower()
    return Verdict(word) if word in set(Verdict) else Verdict.NONE


def _recipe_text(recipe: Recipe) -> str:
    return json.dumps(recipe.record(), ensure_ascii=False, sort_keys=True)


def _recipe_of(text: str) -> Recipe:
    return Recipe.from_dict(strict_json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A published clip. A field's default also stands for what an earlier version did not write."""

    id: str = field(
        metadata=mapped(
            fixed=True,
            sidecar=Property("xmpMM:DocumentID", "xmp.did:{}".format, lambda text: text.removeprefix("xmp.did:")),
            api=shown("string", minLength=1, maxLength=100, pattern=ID_PATTERN),
        )
    )
    """A UUID; the sidecar has it, so that a rebuilt catalogue keeps it."""
    photo_id: int
    photo_path: str = field(
        metadata=mapped(
            stored=False,  # the photo's own row has it
            sidecar=Property("afterframe:photo", lambda path: Path(path).name),
            api=shown("string", name="photo", format="path"),
        )
    )
    photo_sha256: str = field(metadata=mapped(fixed=True, sidecar=Property("afterframe:photoSHA256")))
    path: str = field(metadata=mapped(api=shown("string", format="path")))
    sidecar_path: str = field(metadata=mapped(api=shown("string", name="sidecar", format="path")))
    sha256: str
    """Of the clip's bytes."""
    recipe: Recipe = field(
        metadata=mapped(
            plain=JsonForm(Recipe.to_dict, Recipe.from_dict),
            fixed=True,
            json=True,
            sidecar=Property("afterframe:recipe", _recipe_text, _recipe_of),
            api=ApiField({"$ref": "#/components/schemas/Recipe"}),
        )
    )
    generator: str = field(metadata=mapped(fixed=True, sidecar=Property("afterframe:generator"), api=shown("string")))
    generator_version: str = field(
        metadata=mapped(fixed=True, sidecar=Property("afterframe:generatorVersion"), api=shown("string"))
    )
    variant: int = field(
        default=1,
        metadata=mapped(fixed=True, sidecar=Property("afterframe:variant", read=int), api=shown("integer", minimum=1)),
    )
    parent_clip: str | None = field(
        default=None,
        metadata=mapped(
            fixed=True,
            sidecar=Property("afterframe:parent", if_any),
            api=shown(["string", "null"], name="parent", maxLength=100, pattern=ID_PATTERN),
        ),
    )
    """The id of the clip that this one refines."""
    duration_s: float = field(metadata=mapped(fixed=True, api=shown("number")))
    verdict: Verdict = field(
        default=Verdict.NONE,
        metadata=mapped(
            plain=JsonForm(str, Verdict),
            sidecar=Property("afterframe:verdict", read=_verdict),
            api=shown("string", enum=[str(verdict) for verdict in Verdict]),
        ),
    )
    rating: int = field(
        default=0,
        metadata=mapped(sidecar=Property("xmp:Rating", if_any, stars), api=shown("integer", minimum=0, maximum=5)),
    )
    """0-5."""
    present: bool = field(
        default=True,
        metadata=mapped(
            plain=JsonForm(bool, bool),
            api=shown("boolean", description="False once the photographer has deleted the file."),
        ),
    )
    measures: Mapping[str, float] = field(
        default_factory=dict,
        metadata=mapped(
            plain=JsonForm(finite_numbers, finite_numbers),
            json=True,
            api=shown(
                "object",
                additionalProperties={"type": "number"},
                description="How true it is to its photo: photo_psnr_db, photo_de00, drift_de00, loop_seam.",
            ),
        ),
    )
    """How true it is to its photo, as ``afterframe.grade.fidelity`` names it; what could not be measured is missing."""
    cost: Mapping[str, float] = field(
        default_factory=dict,
        metadata=mapped(
            plain=JsonForm(finite_numbers, finite_numbers),
            fixed=True,
            json=True,
            sidecar=Property("afterframe:cost", numbers_text, numbers_of),
            api=shown(
                "object",
                additionalProperties={"type": "number"},
                description="What it cost: seconds, gpu_memory_gb or memory_gb at the peak, energy_wh.",
            ),
        ),
    )
    """Seconds, peak memory (GiB), energy (Wh), named as in ``afterframe.render.cost``; what is not known is missing."""
    created_at: float = field(
        metadata=mapped(
            fixed=True,
            sidecar=Property("xmp:CreateDate", iso_time, unix_s),
            api=shown("number", description="Unix time, seconds."),
        )
    )
    """Unix time, seconds; the sidecar has it to the second."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of :meth:`to_dict`.

        Raises:
            KeyError, ValueError, TypeError: it is not a clip.
        """
        return cls(**from_plain(cls, data))
