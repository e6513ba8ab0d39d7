"""From a generator to an encoded, measured clip: generate, grade, measure, encode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from afterframe.domain import Recipe
from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding
from afterframe.encode.remote_clip import decode_clip
from afterframe.generators.interface import Generator
from afterframe.grade.fidelity import Fidelity
from afterframe.grade.match import match_grade
from afterframe.grade.photo_frame import PhotoFrame
from afterframe.grade.takes import Judged, TakeMeter
from afterframe.imaging.frames import EncodedClip, Frames, PreparedPhoto, Progress, buffered
from afterframe.recipe import add_reason
from afterframe.render.extension import Extension
from afterframe.render.heartbeat import Heartbeat
from afterframe.render.previews import LivePreview

Start = Callable[..., Frames | EncodedClip]
"""Starts a clip: :meth:`Generator.generate`, or a generator's ``take``."""


@dataclass(frozen=True, slots=True)
class MadeClip:
    """A clip that was encoded."""

    recipe: Recipe
    frames: Frames
    """What was encoded, read to its end."""
    measures: Mapping[str, float]
    """How true it is to its photo, see ``afterframe.grade.fidelity``."""
    judged: Judged | None = None
    """How good it is beside others, where there are others."""


@dataclass(frozen=True, slots=True)
class ClipMaking:
    """What all takes of one clip are made with."""

    generator: Generator
    own: PreparedPhoto
    """The photo, which the clip is measured against."""
    photo: PreparedPhoto
    """What the generator begins with: the photo, too, or the last frame of the clip that is made longer."""
    beat: Heartbeat
    preview: LivePreview
    encoding: Encoding
    release: Callable[[], None] | None
    """Called once a clip's frames are made ahead: the device is free for the next render. None: it stays ours."""
    extension: Extension | None = None
    """The clip that is made longer."""

    def make(self, recipe: Recipe, target: Path) -> MadeClip:
        """The clip at full quality."""
        fidelity = Fidelity(self.own, recipe)
        frames = self._frames(self.generator.generate, recipe, self.beat.progress, self.release)
        frames, recipe_of = self._graded(frames, recipe)
        if self.extension:
            frames = self.extension.joined(frames)
        self._encode(fidelity.watch(frames), target, self.beat.progress)
        measured = self.extension is None or self.extension.begins_with_photo
        return MadeClip(recipe_of(), frames, fidelity.measures() if measured else {})

    def judge(self, start: Start, recipe: Recipe, target: Path, progress: Progress) -> MadeClip:
        """A clip that is compared with others: the device stays ours.

        Args:
            start: how it is made.
            progress: is told how far it is.
        """
        meter = TakeMeter(self.photo, recipe)
        frames, recipe_of = self._graded(self._frames(start, recipe, progress, None), recipe)
        self._encode(meter.watch(frames), target, progress)
        return MadeClip(recipe_of(), frames, meter.fidelity.measures(), meter.judged())

    def _frames(self, start: Start, recipe: Recipe, progress: Progress, release: Callable[[], None] | None) -> Frames:
        """All in memory, and the device free, where the generator makes clips ahead."""
        made = start(self.photo, recipe, self.preview.progress(progress), self.beat.stopped)
        frames = decode_clip(made, self.encoding) if isinstance(made, EncodedClip) else made
        self.preview.before_frames(frames)
        if release and self.generator.capabilities.ahead:
            frames = buffered(frames)
            release()
        return frames

    def _graded(self, frames: Frames, recipe: Recipe) -> tuple[Frames, Callable[[], Recipe]]:
        """The frames held to the photo; and the recipe with what was done, once they have passed."""
        if not self.generator.capabilities.graded:
            return frames, lambda: recipe
        if self.photo.end is None:  # else it leaves the photo's colours for the other's
            frames = match_grade(frames, self.photo)
        if not recipe.exact_photo:
            return frames, lambda: recipe
        photo_frame = PhotoFrame(self.photo, recipe)

        def told() -> Recipe:
            return add_reason(recipe, "exact_photo", photo_frame.reason) if photo_frame.reason else recipe

        return photo_frame.melt(frames), told

    def _encode(self, frames: Frames, target: Path, progress: Progress) -> None:
        encode(self.preview.of_frames(frames), target, self.encoding, progress, self.beat.stopped)
