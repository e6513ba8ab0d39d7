"""The options that set recipe fields; their types and ranges come from the settings of a recipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import click

from afterframe.errors import RecipeError
from afterframe.recipe.settings import SETTINGS, RecipeSetting, ValueKind, validate

F = TypeVar("F", bound=Callable[..., Any])

SHORT_NAMES: Mapping[str, str] = {
    "motion_intensity": "--motion",
    "style_consistency": "--style",
    "camera_movement": "--camera",
    "duration_s": "--duration",
}
"""Options that are not called as their setting is."""
FILE_ONLY = frozenset({"photo_type", "negative_prompt", "long_side", "exact_photo"})
"""Settings without an option: they are for afterframe.toml and config.toml."""


class Size(click.ParamType[tuple[int, int]]):
    """WIDTHxHEIGHT."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """'1280x720' -> (1280, 720)."""
        width, cross, height = str(value).lower().partition("x")
        if not (cross and width.isdecimal() and height.isdecimal()):
            self.fail(f"{value!r} is not a size such as 1280x720", param, ctx)
        return int(width), int(height)


def recipe_options(*, leave_out: Collection[str] = ()) -> Callable[[F], F]:
    """Give a command an option for each setting of a recipe.

    Args:
        leave_out: settings that the command has no use for.
    """
    names = [name for name in SETTINGS if name not in FILE_ONLY and name not in leave_out]

    def decorate(command: F) -> F:
        for name in reversed(names):
            command = _option(name, SETTINGS[name])(command)
        return command

    return decorate


def _option(name: str, setting: RecipeSetting) -> Callable[[F], F]:
    flag = SHORT_NAMES.get(name, f"--{name.replace('_', '-')}")
    if setting.kind is ValueKind.SWITCH:
        return click.option(flag, name, is_flag=True, default=None, help=setting.about)
    return click.option(flag, name, type=_type(setting), help=setting.about)


def _type(setting: RecipeSetting) -> click.ParamType[Any]:
    if setting.kind is ValueKind.NUMBER:
        return click.FloatRange(setting.low, setting.high)
    if setting.kind is ValueKind.WHOLE:
        return click.IntRange(int(setting.low), int(setting.high))
    if setting.kind is ValueKind.CHOICE:
        return click.Choice(setting.names)
    return Size() if setting.kind is ValueKind.SIZE else click.STRING


def given_overrides(fields: Mapping[str, Any]) -> dict[str, object]:
    """The recipe fields that were given, checked before any photo is read.

    Raises:
        click.UsageError: one is out of range.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    if "end_photo" in given:
        given["end_photo"] = os.path.abspath(given["end_photo"])  # noqa: PTH100 - keeps symlinks' own names
    try:
        validate([("your options", given)])
    except RecipeError as error:
        raise click.UsageError(error.message) from error
    return given
