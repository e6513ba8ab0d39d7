"""Settings that the page can change: written to config.toml, whose comments and order are kept."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
import tomlkit.exceptions

from afterframe.config import PRESETS, Settings, parse_config
from afterframe.errors import ConfigError, UsageError
from afterframe.generators import registry
from afterframe.recipe import SETTINGS, validate
from afterframe.recipe.settings import ValueKind
from afterframe.system.files import replacing, sync_file
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form

ROUTES = Routes()


@dataclass(frozen=True, slots=True)
class ConfigSetting:
    """One setting as the page offers it."""

    name: str
    """section.key"""
    label: str
    about: str
    kind: str
    """"number", "choice" or "switch"."""
    default: str
    values: tuple[str, ...] = ()
    low: float = 0
    high: float = 1
    step: float = 1
    value: Any = None
    """What config.toml says; None: nothing."""


BY_PHOTO = "–"
KINDS = {ValueKind.CHOICE: "choice", ValueKind.SWITCH: "switch"}
"""How the page asks for a setting of a recipe; every other is a number."""


def of_recipe(key: str, label: str, about: str = "", default: str = BY_PHOTO) -> ConfigSetting:
    """A setting of a recipe, with the kind, range and values that recipes give it."""
    setting = SETTINGS[key]
    return ConfigSetting(
        f"recipe.{key}",
        label,
        about or f"{setting.low:g} to {setting.high:g}.",
        KINDS.get(setting.kind, "number"),
        default,
        values=setting.names,
        low=setting.low,
        high=setting.high,
        step=setting.step,
    )


FIELDS = (
    ConfigSetting(
        "render.generator",
        "Made by",
        "auto: the best that can run here.",
        "choice",
        "auto",
        values=("auto", "parallax", "diffusers", "remote"),
    ),
    of_recipe("long_side", "Long side, pixels", "Never larger than the photo.", "1280"),
    of_recipe("motion_intensity", "Motion"),
    of_recipe("style_consistency", "Faithfulness"),
    of_recipe("duration_s", "Length, seconds"),
    of_recipe("camera_movement", "Camera movement", "How the virtual camera moves."),
    of_recipe("loop", "Loop", "The clip ends where it began."),
    of_recipe("quality", "Quality", "How much time a model's clip is worth.", "standard"),
    ConfigSetting("render.crf", "Quality of the file", "Lower is better and larger.", "number", "18", low=0, high=51),
    ConfigSetting("render.preset", "Effort for a small file", "x264's preset.", "choice", "medium", values=PRESETS),
    ConfigSetting("render.poster", "Poster beside the clip", "A JPEG of its first frame.", "switch", BY_PHOTO),
    ConfigSetting(
        "render.draft",
        "Draft first",
        "Until a model's clip is there, a small draft of it is shown.",
        "switch",
        BY_PHOTO,
    ),
    ConfigSetting(
        "render.back_link", "Name the clip in the photo's sidecar", "Only where there is one.", "switch", BY_PHOTO
    ),
    ConfigSetting(
        "watch.backlog_limit",
        "Photos that may begin by themselves",
        "More in a new folder wait for your word.",
        "number",
        "200",
        high=10_000_000,
    ),
)
"""All other settings are edited in the file: docs/settings.md."""


@ROUTES.add(
    "GET",
    "/api/settings",
    "The settings that can be changed here, as far as config.toml has them.",
    answer=form({"values": {"type": "object"}}),
)
def get_settings(call: Call) -> Json:
    """The settings in config.toml."""
    return {"values": read_settings(call.services.home.config)}


@ROUTES.add(
    "POST",
    "/api/settings",
    "Change settings in config.toml; null removes one. They take effect at the daemon's next start.",
    body=form(
        {
            "values": {
                "type": "object",
                "properties": {field.name: {"type": ["string", "number", "boolean", "null"]} for field in FIELDS},
                "additionalProperties": False,
                "minProperties": 1,
            }
        }
    ),
    answer=form({"values": {"type": "object"}}),
)
def change_settings(call: Call) -> Json:
    """Write config.toml, if the whole change is valid."""
    with call.context.config_lock:
        write_settings(call.services.settings, call.body["values"])
    return {"values": read_settings(call.services.home.config)}


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of FIELDS that a config.toml has.

    Raises:
        ConfigError: it is not TOML.
    """
    try:
        text = path.read_text("utf-8")
        data: Mapping[str, Any] = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Fix or remove the line it names.") from error
    found = {}
    for field in FIELDS:
        section, _, key = field.name.partition(".")
        if key in data.get(section, {}):
            found[field.name] = data[section][key]
    return found


def write_settings(settings: Settings, values: Mapping[str, Any]) -> None:
    """Write settings to config.toml; it stays unchanged unless the result is valid.

    Raises:
        ConfigError, RecipeError: the result would not be valid.
    """
    path = settings.home.config
    try:
        document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    except (tomlkit.exceptions.ParseError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Fix or remove the line it names.") from error
    _put(document, values)
    text = tomlkit.dumps(document)
    config = parse_config(text, path.name)
    validate([("the settings", config.recipe)])
    _check_generator(config.render.generator, settings)
    try:
        with replacing(path) as part:
            part.write_text(text, "utf-8")
            sync_file(part)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.", "Check the disk and its permissions."
        ) from error


def _put(document: tomlkit.TOMLDocument, values: Mapping[str, Any]) -> None:
    """Put settings into a document; None removes one."""
    for name, value in values.items():
        section, _, key = name.partition(".")
        if value is None:
            if key in document.get(section, {}):
                del document[section][key]
            continue
        if section not in document:
            document[section] = tomlkit.table()
        document[section][key] = _plain(value)


def _check_generator(name: str, settings: Settings) -> None:
    try:
        registry.resolve(name, settings)
    except UsageError as error:
        raise ConfigError(error.message, error.hint) from error


def _plain(value: Any) -> Any:
    """JSON has only one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
