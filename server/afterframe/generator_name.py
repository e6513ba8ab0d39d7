"""What a generator is called, in recipes, settings and commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class GeneratorName:
    """What a generator is called: its kind, or ``KIND:MODEL``."""

    kind: str
    """The name of its entry point, such as ``parallax``."""
    model: str = ""
    """One of its models; of a cluster, the generator of its machines. Empty: the kind's own choice."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reverse of ``str()``."""
        kind, _, model = text.partition(":")
        return cls(kind, model)

    def __str__(self) -> str:
        return f"{self.kind}:{self.model}" if self.model else self.kind
