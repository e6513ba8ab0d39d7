"""Checks of what a cluster's renderer sends: another version of Afterframe there may send something else.

What is wrong is told here, before it becomes a garbled clip or an error of ours.
"""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np

from afterframe.domain import Recipe
from afterframe.errors import AfterframeError, GenerateError
from afterframe.generators.interface import Capabilities
from afterframe.generators.ray_cluster.actor import ActorInfo, ClipFormat, Message
from afterframe.imaging.frames import Model, PixelFormat, Pixels, Sound

MAX_FPS = 240
MAX_LONGER = 2
"""A clip may be so many times as long as it was asked for."""
MAX_OVERSCAN = 1.0


def wrong(what: str) -> GenerateError:
    """The error for a renderer that sent something else than was agreed."""
    return GenerateError(
        f"The cluster's renderer sent {what}.",
        "Install the same version of Afterframe on every machine of the cluster.",
    )


def checked_message(message: object) -> Message:
    """A message as :mod:`afterframe.generators.ray_cluster.actor` sends it; ("progress", ...) made sensible.

    Raises:
        AfterframeError: the renderer's own error, or the message is none.
    """
    match message:
        case ("progress", content):
            return "progress", _progress(content)
        case ("error", AfterframeError()):
            return "error", message[1]
        case ("end" | "format" | "frames" | "sound" as kind, content):
            return kind, content
    raise wrong("a message that is none")


def _progress(content: object) -> tuple[float, float | None]:
    match content:
        case (int() | float() as share, None | int() | float() as eta_s):
            known = eta_s is not None and math.isfinite(eta_s) and eta_s >= 0
            return min(1.0, max(0.0, share)), eta_s if known else None
    raise wrong("no progress")


def checked_answer(question: str, answer: object) -> Any:
    """The answer to a question that is asked before a clip is made.

    Raises:
        AfterframeError: the renderer's own error, or the answer is none.
    """
    match question, answer:
        case _, ("error", AfterframeError() as error):
            raise error
        case "info", ("info", ActorInfo(name=str(), version=str(), capabilities=Capabilities()) as info):
            return info
        case "adapt", ("recipe", Recipe() as recipe):
            return recipe
        case "overscan", ("overscan", int() | float() as overscan) if 0 <= overscan <= MAX_OVERSCAN:
            return overscan
    raise wrong(f"no answer when asked for “{question}”")


def checked_format(message: Message | None, recipe: Recipe) -> ClipFormat:
    """The format of the clip that follows.

    Args:
        message: the first; None: there was none.
    Raises:
        GenerateError: it is no format, or another one than that of the recipe.
    """
    match message:
        case ("format", ClipFormat(pixel_format=kind, size=size, fps=int() as fps, count=int() as count) as clip):
            told = f"{count} frames, {fps} a second, of {size}"
            if kind not in get_args(PixelFormat) or not isinstance(clip.model, Model | None):
                raise wrong("a clip of an unknown kind")
            if tuple(size) != tuple(recipe.size) or not 1 <= fps <= MAX_FPS:
                raise wrong(f"{told}, which is not what was asked for")
            if not 2 <= count <= MAX_LONGER * recipe.duration_s * fps + 1:
                raise wrong(f"{told}, which is not what was asked for")
            return clip
    raise wrong("no clip")


def checked_frames(kind: str, content: object, clip: ClipFormat, left: int) -> Pixels:
    """Some of a clip's frames: uint8 (n, ...), see :class:`afterframe.imaging.frames.Frames`.

    Args:
        left: how many are missing.
    Raises:
        GenerateError: they are of another shape or type, or too many.
    """
    width, height = clip.size
    shape = (height, width, 3) if clip.pixel_format == "rgb24" else (height * 3 // 2, width)
    if kind != "frames" or not isinstance(content, np.ndarray):
        raise wrong("no frames")
    if content.dtype != np.uint8 or content.shape[1:] != shape:
        raise wrong(f"frames of {content.dtype} {content.shape[1:]} instead of uint8 {shape}")
    if len(content) > left:
        raise wrong(f"more than {clip.count} frames")
    return content


def checked_sound(content: object) -> Sound:
    """A clip's sound.

    Raises:
        GenerateError: it is none.
    """
    match content:
        case Sound(samples=np.ndarray(ndim=2) as samples, rate=int() as rate) if 0 < rate <= 192_000:
            if samples.dtype.kind == "f" and samples.shape[1] in (1, 2) and np.isfinite(samples).all():
                return content
    raise wrong("a sound that is none")
