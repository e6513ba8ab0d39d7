"""The installed generators: what a name means on this machine, and making one.

A generator is a class in the entry-point group ``afterframe.generators``; the built-in ones are found the same way.
:func:`available` lists them, :func:`load` makes one. What such a class must offer is
described at :class:`~afterframe.generators.interface.Generator`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from afterframe.config import Settings
from afterframe.errors import NotFound, UsageError
from afterframe.generator_name import GeneratorName
from afterframe.generators.interface import Generator


def available() -> list[str]:
    """The names of all installed generators, sorted."""
    return sorted(_installed(tuple(sys.path)))


@lru_cache(maxsize=1)
def _installed(path: tuple[str, ...]) -> dict[str, EntryPoint]:  # noqa: ARG001 - a key
    """The generators by name. Looking through every installed package takes longer than reading a photo."""
    return {entry.name: entry for entry in reversed(tuple(entry_points(group="afterframe.generators")))}


def resolve(name: str, settings: Settings, *, folders: bool = True) -> str:
    """What ``name`` means on this machine: ``KIND`` or ``KIND:MODEL``; ``auto`` is the best one that can run.

    Args:
        folders: the model may be a folder of this machine; False where another program asks.
    Raises:
        NotFound: no generator of that name is installed, or it has no such model.
        UsageError: it has no models to choose from.
    """
    wanted = GeneratorName.parse(name)
    if wanted.kind == "auto":
        best = _MODELS if wanted.model else next(kind for kind in _BEST_FIRST if _is_ready(kind, settings))
        wanted = replace(wanted, kind=best)
    if wanted.kind not in available():
        raise NotFound(
            f"There is no generator called “{wanted.kind}”.",
            f"Installed: {', '.join(available()) or 'none'}.",
            code="no_generator",
        )
    if not wanted.model:
        return str(wanted)
    find = getattr(_class_of(wanted.kind), "find_model", None)
    if find is None:
        raise UsageError(f"The generator {wanted.kind} has no models to choose from.", "Omit the model.")
    return str(replace(wanted, model=find(wanted.model, settings, folders=folders)))


def load(name: str, settings: Settings, plan: int = 0) -> Generator:
    """Make the generator that ``name`` means on this machine.

    Args:
        plan: its memory plan; 0 unless that one has run out of memory.
    Raises:
        NotFound: no generator of that name is installed, or it has no such model.
    """
    meant = GeneratorName.parse(resolve(name, settings))
    options: dict[str, object] = ({"model": meant.model} if meant.model else {}) | ({"plan": plan} if plan else {})
    generator: Generator = _class_of(meant.kind)(settings, **options)
    return generator


_MODELS = "diffusers"
"""The generator that ``auto:MODEL`` means."""
_BEST_FIRST = (_MODELS, "parallax")


def _is_ready(kind: str, settings: Settings) -> bool:
    """Whether a generator has what it needs (device and weights); one without ``is_ready`` needs nothing."""
    if kind not in available():
        return False
    ready = getattr(_class_of(kind), "is_ready", None)
    return ready is None or bool(ready(settings))


def advice(meant: str, settings: Settings) -> str:
    """What would make a better generator than ``meant`` usable here; empty: nothing is missing."""
    if meant != _BEST_FIRST[-1] or _MODELS not in available():
        return ""
    missing = getattr(_class_of(_MODELS), "missing_requirements", None)
    return str(missing(settings)) if missing else ""


def _class_of(kind: str) -> Callable[..., Any]:
    made: Callable[..., Any] = _installed(tuple(sys.path))[kind].load()
    return made
