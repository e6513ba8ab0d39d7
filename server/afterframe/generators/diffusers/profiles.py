"""Model profiles: one TOML file per model holds everything that differs between models of a family.

The built-in ones are in ``profiles/``; the user's own, in ``models/`` of Afterframe's folder, take precedence.
docs/models.md explains each key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from afterframe.domain import CameraMovement, Quality
from afterframe.errors import ConfigError, NotFound
from afterframe.formats import typed_toml
from afterframe.generators.diffusers import few_bits
from afterframe.generators.diffusers.quality import NO_CACHE, Level, StepCache

FOLDER_PROFILE = "afterframe-model.toml"
"""A model folder's own profile."""
SEPARATOR = "+"
"""Between a model and its LoRAs, in what the user types: ``wan22-a14b+4-step+film=0.6``."""


PROMPT_SLOTS = ("words", "camera", "motion", "likeness")
"""What the template of a prompt puts together."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms under which the weights may be used."""

    name: str
    url: str
    note: str = ""
    """What a photographer should know about it, in a sentence or two."""
    paid_work: Literal["free", "conditions", "unverified"] = "conditions"
    """Whether clips may be sold: by anybody, under conditions that the note tells, or nobody here has read it."""
    territories: str = ""
    """Where the model may not be used; empty: the licence excludes no country."""

    @property
    def words(self) -> str:
        """All that a photographer should know: the note, the countries, whether anybody has read it."""
        excluded = f"Not to be used in: {self.territories}." if self.territories else ""
        unread = "Nobody here has checked its terms: read them first." if self.paid_work == "unverified" else ""
        return " ".join(part for part in (self.note, excluded, unread) if part)


@dataclass(frozen=True, slots=True)
class FrameRule:
    """Which lengths the model can make: ``every * k + 1`` frames."""

    every: int
    least: int
    most: int

    def nearest(self, count: int) -> int:
        """The possible length nearest to ``count``."""
        within = min(max(count, self.least), self.most)
        return min(max(round((within - 1) / self.every), 1) * self.every + 1, self.most)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """One way to fit the model into memory; the fastest comes first, and each next one needs less."""

    name: str
    """In a photographer's words: "everything on the GPU"."""
    vram_gb: float
    """Free memory that it needs on the device, GiB."""
    offload: Literal["none", "model", "group"] = "none"
    """What leaves the device while it is not in use: nothing, whole parts, or groups of layers."""
    tiling: bool = False
    """Frames are decoded in tiles."""
    fp8: bool = False
    """The transformer's layers are stored in 8 bits and computed in the model's precision."""
    quantise: Literal["", "int8", "fp8", "nf4"] = ""
    """The transformer is loaded quantised (torchao; nf4: bitsandbytes); with fp8 it also computes in 8 bits."""
    megapixels: float = 0.0
    """A smaller picture than the profile's, million pixels; 0: the profile's."""
    compile: bool = False
    """The transformer's blocks are compiled (CUDA only)."""
    text_encoder: Literal["keep", "offload", "free"] = "offload"
    """After a prompt was encoded it stays on the device, moves to main memory, or is dropped."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """A recipe value mapped linearly onto a parameter of the model."""

    source: Literal["motion_intensity", "style_consistency"]
    parameter: str
    """Of the pipeline's call, or one of those that :func:`afterframe.generators.diffusers.adapt.parameters_of` adds."""
    at_0: float
    at_1: float

    def value(self, share: float) -> float:
        """The parameter at a recipe value of ``share``, 0-1."""
        return round(self.at_0 + (self.at_1 - self.at_0) * share, 4)


@dataclass(frozen=True, slots=True)
class PromptWording:
    """What the prompt says beyond the recipe's own words, in the form of the captions that the model learned from."""

    template: str = "{words} {camera} {motion} {likeness}"
    """Where each stands: the recipe's words, which are never changed, those for the camera, for much or little motion,
    and for likeness. One that has nothing to say is left out, with the punctuation that it touches."""
    camera: Mapping[str, str] = field(default_factory=dict)
    """CameraMovement -> words."""
    calm: str = ""
    """For a motion intensity below 0.35."""
    lively: str = ""
    """For a motion intensity above 0.65."""
    faithful: str = ""
    """For a style consistency of at least 0.8."""
    negative: str = ""
    """Appended to the negative prompt."""


@dataclass(frozen=True, slots=True)
class Lora:
    """Small weights on top: a style, or a distillation that needs few steps."""

    name: str
    repository: str
    file: str
    """In the repository."""
    file_2: str = ""
    """The file for the second expert, where the model has two."""
    weight: float = 1.0
    revision: str = "main"
    licence: str = ""
    steps: int = 0
    """Steps to take with it; 0: the model's."""
    guidance: float = -1.0
    """Guidance to use with it; negative: the model's."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything about one model."""

    name: str
    title: str
    """As the model's makers write it."""
    family: Literal["wan", "ltx", "ltx2", "cogvideox"]
    pipeline: str
    """Class in diffusers; named here so that a folder's own index cannot choose another."""
    repository: str
    revision: str
    licence: Licence
    download_gb: float
    """Approximate size of the download."""
    grid: int
    """Width and height are multiples of this, pixels."""
    megapixels: float
    """Largest frame that it was made for, million pixels."""
    frames: FrameRule
    fps: int
    steps: int
    plans: tuple[MemoryPlan, ...]
    classes: tuple[str, ...]
    """Pipelines whose folders this profile fits, as model_index.json names them."""
    likeness: int = 0
    """How true its clips stay to the photo beside other models', 1 to 3; 0: not judged."""
    experts: int = 1
    """Transformers: 2 where one sees the first steps and one the last."""
    precision: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    unused: tuple[str, ...] = ()
    """Parts in its repository that are neither downloaded nor loaded."""
    full_precision: tuple[str, ...] = ()
    """Parts that stay in float32."""
    sequence: int = 512
    """How many tokens of the prompt it reads."""
    can_loop: bool = False
    """It takes a last frame together with a first one."""
    can_end: bool = False
    """It takes a last frame alone (``direction: before``)."""
    audio: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further parameters of the pipeline's call; guidance among them."""
    scheduler: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the scheduler that differ from those in the repository."""
    ramps: tuple[Ramp, ...] = ()
    words: PromptWording = field(default_factory=PromptWording)
    loras: tuple[Lora, ...] = ()
    qualities: Mapping[str, Level] = field(default_factory=dict)
    """Quality -> what it asks of the model; one that is left out asks nothing."""

    def lora(self, name: str) -> Lora:
        """One of its LoRAs, or a safetensors file on this machine.

        Raises:
            NotFound: there is none of that name.
        """
        for lora in self.loras:
            if lora.name == name:
                return lora
        path = Path(name)
        if path.suffix == ".safetensors" and path.is_file():
            return Lora(path.stem, repository="", file=str(path.resolve()))
        known = ", ".join(lora.name for lora in self.loras) or "none"
        raise NotFound(
            f"The model {self.name} has no LoRA “{name}”.",
            f"It knows: {known}; or name a .safetensors file.",
            code="no_model",
        )


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model as the user asked for it: its profile, where its weights are, and its LoRAs."""

    profile: Profile
    folder: Path | None = None
    """None: in the Hugging Face cache."""
    loras: tuple[tuple[Lora, float], ...] = ()
    """Each with its weight."""
    gguf: tuple[Path, ...] = ()
    """Files whose weights, in few bits, the transformers have instead; one for each, or none."""
    because: str = ""
    """Why ``auto`` chose it; empty: the user named it."""
    cache: StepCache = NO_CACHE
    """What its steps may take over, at the quality that :meth:`at` was asked for."""

    @property
    def spec(self) -> str:
        """Its name as the user would type it."""
        model = str(self.folder) if self.folder else self.profile.name
        files = map(str, self.gguf)
        return SEPARATOR.join([model, *files, *(_lora_spec(lora, weight) for lora, weight in self.loras)])

    @property
    def unused(self) -> frozenset[str]:
        """Parts whose weights need not be there."""
        replaced = ("transformer", "transformer_2") if self.gguf else ()
        return frozenset((*self.profile.unused, *replaced))

    @property
    def steps(self) -> int:
        """Steps to take: a distilled LoRA needs fewer."""
        return next((lora.steps for lora, _ in self.loras if lora.steps), self.profile.steps)

    def at(self, quality: Quality, here: Collection[Lora]) -> ModelChoice:
        """It as a quality wants it. What the user named beside the model, such as a distillation, stays as it is.

        Args:
            here: LoRAs that can be used, of those that its qualities name.
        """
        level = self.profile.qualities.get(quality, Level())
        smaller = min(level.megapixels or self.profile.megapixels, self.profile.megapixels)
        profile = replace(self.profile, megapixels=smaller)
        if any(lora.steps for lora, _ in self.loras):
            return replace(self, profile=profile)
        lora = next((lora for lora in here if lora.name == level.lora), None)
        if lora is not None:
            return replace(self, profile=profile, loras=(*self.loras, (lora, lora.weight)))
        parameters = {**profile.parameters, **level.parameters}
        profile = replace(profile, steps=level.steps or profile.steps, parameters=parameters)
        return replace(self, profile=profile, cache=level.cache)

    @property
    def guidance(self) -> Mapping[str, float]:
        """Guidance of a distilled LoRA, for every guidance that the model has; else nothing."""
        told = next((lora.guidance for lora, _ in self.loras if lora.guidance >= 0), None)
        if told is None:
            return {}
        return {name: told for name in self.profile.parameters if name.startswith("guidance_scale")}


def _lora_spec(lora: Lora, weight: float) -> str:
    name = lora.name if lora.repository else lora.file
    return name if weight == lora.weight else f"{name}={weight:g}"


def choose(spec: str, own: Path, *, folders: bool = True) -> ModelChoice:
    """The model that the user named: a profile or a folder, then LoRAs and GGUF files.

    Args:
        own: the folder of the user's profiles.
        folders: folders and files of this machine may be named.
    Raises:
        NotFound: there is no such model, folder or LoRA.
        ConfigError: a profile of the user's cannot be used.
    """
    profiles = all_profiles(own)
    if folders and _is_folder(spec):  # a folder's name may hold a plus sign
        return _of_folder(Path(spec), profiles)
    model, *extras = spec.split(SEPARATOR)
    named = {profile.name: profile for profile in profiles}
    if model in named:
        choice = ModelChoice(named[model])
    elif folders and (_is_folder(model) or _looks_like_a_path(model)):
        choice = _of_folder(Path(model), profiles)
    else:
        raise NotFound(
            f"There is no model called “{model}”.", f"Known: {', '.join(named)}; or name a folder.", code="no_model"
        )
    files = [extra for extra in extras if extra.lower().endswith(few_bits.SUFFIX)]
    return replace(
        choice,
        loras=tuple(_lora(choice.profile, extra, folders=folders) for extra in extras if extra not in files),
        gguf=few_bits.files_of(files, choice.profile.title, choice.profile.experts, folders=folders),
    )


def _is_folder(path: Path | str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # longer than a path can be
        return False


def _looks_like_a_path(text: str) -> bool:
    return "/" in text or "\\" in text


def _lora(profile: Profile, text: str, *, folders: bool) -> tuple[Lora, float]:
    name, _, weight = text.partition("=")
    if not folders and _looks_like_a_path(name):
        raise NotFound(f"There is no LoRA “{name}”.", "Files can be named only on the machine itself.", code="no_model")
    lora = profile.lora(name)
    try:
        return lora, float(weight) if weight else lora.weight
    except ValueError:
        raise NotFound(
            f"“{weight}” is not a valid weight for the LoRA {name}.", f"Write {name}=0.8, for example.", code="no_model"
        ) from None


def _of_folder(folder: Path, profiles: Sequence[Profile]) -> ModelChoice:
    index = read_index(folder)
    own = folder / FOLDER_PROFILE
    if own.is_file():
        return ModelChoice(parse(typed_toml.read_text(own), str(own)), folder.resolve())
    second = index.get("transformer_2") or [None]
    experts = 2 if second[0] is not None else 1
    for profile in profiles:
        if index.get("_class_name") in profile.classes and profile.experts == experts:
            return ModelChoice(profile, folder.resolve())
    known = sorted({name for profile in profiles for name in profile.classes})
    raise NotFound(
        f"{folder} holds a {index.get('_class_name')}, which no profile fits.",
        f"Profiles are for {', '.join(known)}; docs/models.md shows how to add one.",
        code="no_model",
    )


def read_index(folder: Path) -> dict[str, Any]:
    """A pipeline folder's model_index.json.

    Raises:
        NotFound: the folder does not exist, or is not a pipeline.
    """
    if not _is_folder(folder):
        raise NotFound(
            f"The model folder {folder} does not exist.",
            "Name a folder that holds model_index.json, or a model that `afterframe models list` knows.",
            code="no_model",
        )
    try:
        index = json.loads((folder / "model_index.json").read_text("utf-8"))
        return dict(index)
    except (OSError, ValueError) as error:
        raise NotFound(
            f"{folder} is not a diffusers pipeline: its model_index.json is missing or damaged.",
            "Name the folder that holds model_index.json and the weights' folders beside it.",
            code="no_model",
        ) from error


# -- reading ---------------------------------------------------------------------------------


def all_profiles(own: Path) -> list[Profile]:
    """Every profile: the user's first, then the built-in ones whose names those do not take.

    Args:
        own: the folder of the user's profiles; it may be missing.
    Raises:
        ConfigError: one of the user's cannot be read or used.
    """
    users = [parse(typed_toml.read_text(path), str(path)) for path in sorted(own.glob("*.toml"))]
    found: dict[str, Profile] = {}
    for profile in (*users, *packaged_profiles()):
        found.setdefault(profile.name, profile)
    return list(found.values())


def packaged_profiles() -> list[Profile]:
    """The built-in profiles, by file name."""
    entries = files(__package__).joinpath("profiles").iterdir()
    packaged = sorted((entry for entry in entries if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return [parse(entry.read_text("utf-8"), entry.name) for entry in packaged]


def parse(text: str, where: str) -> Profile:
    """A profile from TOML.

    Raises:
        ConfigError: as :func:`afterframe.formats.typed_toml.parse`, or its values contradict each other.
    """
    profile = typed_toml.parse(Profile, text, where, "docs/models.md")
    _check(profile, where)
    return profile


def _check(profile: Profile, where: str) -> None:
    problems = []
    if not profile.plans:
        problems.append("there is no [[plans]]")
    if strangers := set(profile.words.camera) - set(CameraMovement):
        problems.append(f"words.camera names movements that do not exist: {', '.join(sorted(strangers))}")
    slots = re.findall(r"\{(.*?)\}", profile.words.template)
    if slots.count("words") != 1 or set(slots) - set(PROMPT_SLOTS):
        problems.append(f"words.template needs {{words}} once, and may have {', '.join(PROMPT_SLOTS[1:])} in braces")
    if strangers := set(profile.qualities) - set(Quality):
        problems.append(f"qualities names {', '.join(sorted(strangers))}; there are {', '.join(Quality)}")
    loras = {lora.name for lora in profile.loras}
    if strangers := {level.lora for level in profile.qualities.values() if level.lora} - loras:
        problems.append(f"qualities names LoRAs that it does not have: {', '.join(sorted(strangers))}")
    if set(profile.name) & set(f"{SEPARATOR}:/\\= "):
        problems.append("name holds one of + : / \\ = or a space")
    if problems:
        raise ConfigError(f"{where}: {'; '.join(problems)}.", "docs/models.md explains each key.")
