"""Diffusers: image-to-video models on the local GPU.

profiles      what differs between models, as TOML     adapt         a recipe adapted to a model
weights       where they are, whether they are whole   device        GPU or CPU, how much memory
plans         how a model fits into memory             acceleration  attention back end, compilation
engine        one loaded model                         families      how each family's pipeline is called
prompt_cache  encoded prompts                          timings       phases: how long they take; progress, cancel
failures      errors of torch and diffusers as ours    hub           downloads, and what is in the cache
selection     the model that ``auto`` uses
schedule      the noise levels of the steps             model_list   the models, as page and commands list them
quality       what a recipe's quality asks of a model   step_cache   steps taken over from the one before
loras         a pipeline's LoRAs, on and off            few_bits     GGUF files, quantised repositories
latent_preview  what a clip looks like between its steps
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from afterframe.config import Settings
from afterframe.domain import Recipe
from afterframe.errors import Cancelled, OutOfMemory
from afterframe.generators.diffusers import adapt, failures, plans, weights
from afterframe.generators.diffusers import device as devices
from afterframe.generators.diffusers.device import TorchDevice
from afterframe.generators.diffusers.engine import Engine, ModelOutput, silence_libraries
from afterframe.generators.diffusers.profiles import choose
from afterframe.generators.diffusers.selection import best_here, candidates
from afterframe.generators.diffusers.timings import PhaseProgress, PhaseTimings
from afterframe.generators.interface import Capabilities
from afterframe.imaging.frames import CancelCheck, Frames, Model, Pixels, PreparedPhoto, Progress, Sound

__all__ = ["Diffusers"]


class Diffusers:
    """The GPU generator; see the module.

    Args:
        settings: Afterframe's own folder holds the user's profiles and the timings measured here.
        model: profile or folder, with LoRAs; empty: the best one that is on this machine and fits.
        plan: the first memory plan to try; 0 unless that one has run out of memory.
        device: where the model runs; None: it is looked for when it is needed.
    """

    name = "diffusers"
    version = "1"

    def __init__(self, settings: Settings, model: str = "", plan: int = 0, device: TorchDevice | None = None) -> None:
        self._settings = settings
        self._device_given = device
        self._least_plan = plan
        own = settings.home.models
        self._choice = choose(model, own) if model else best_here(own, device)
        self._engine: Engine | None = None
        self._number = 0
        self._timings = PhaseTimings(settings.home.cache / "paces.json")
        self._memory_failures = plans.MemoryFailures(settings.home.cache / "memory.json")
        profile = self._choice.profile
        self.capabilities = Capabilities(
            last_frame=profile.can_end,
            loop=profile.can_loop,
            audio=profile.audio,
            grid=profile.grid,
            trained=True,
            ahead=True,
            graded=True,
        )

    @staticmethod
    def find_model(model: str, settings: Settings, *, folders: bool = True) -> str:
        """The model's full name; see :func:`afterframe.generators.registry.resolve`.

        Raises:
            NotFound: there is no such model or folder.
        """
        return choose(model, settings.home.models, folders=folders).spec

    @staticmethod
    def missing_requirements(settings: Settings) -> str:
        """What to do so that ``auto`` chooses this generator; empty where there is no GPU."""
        if not devices.present():
            return ""
        if missing := weights.packages_missing():
            return f"This machine has a GPU; to use it, install {', '.join(missing)}: see docs/getting-started.md."
        if not candidates(settings.home.models):
            return "This machine has a GPU; `afterframe models pull wan22-5b` downloads a model for it."
        return ""

    @staticmethod
    def is_ready(settings: Settings) -> bool:
        """Whether ``auto`` may choose it: this machine has a GPU, the packages and the weights of a model."""
        return devices.likely() and not weights.packages_missing() and bool(candidates(settings.home.models))

    def adapt(self, recipe: Recipe) -> Recipe:
        """The recipe in a size, length and frame rate that the model can make.

        Raises:
            GenerateError: it cannot loop or end with the photo; the weights or the packages are missing.
        """
        adapt.check(recipe, self._choice.profile)
        engine = self._ready_engine()
        choice = engine.choice_for(recipe)
        made = adapt.adapt_recipe(recipe, choice.profile, engine.plan)
        return adapt.explain_quality(made, self._choice, choice)

    def overscan(self, recipe: Recipe) -> float:
        """0: the model moves the camera itself."""
        return 0.0

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        """Start a clip; ``recipe`` is what :meth:`adapt` gave. The model runs when the first frame is read.

        Raises:
            OutOfMemory: while reading; it names the plan that ran out of memory, and the next one.
            Cancelled: while reading, within one step.
            GenerateError: while reading.
        """
        return self._started(photo, recipe, self._ready_engine().choice_for(recipe).steps, progress, cancelled)

    def take(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        """The same with fewer steps: from the same noise, so that it shows what the whole clip will.

        A model that is distilled to a few steps, or to fixed noise levels, makes them all.
        """
        steps = adapt.steps_of_take(self._ready_engine().choice_for(recipe))
        return self._started(photo, recipe, steps, progress, cancelled)

    def _started(
        self, photo: PreparedPhoto, recipe: Recipe, steps: int, progress: Progress, cancelled: CancelCheck
    ) -> Frames:
        sounds: list[Sound] = []
        tracker = partial(self._tracker, recipe, steps, progress, cancelled)
        return Frames(
            pixel_format="rgb24",
            size=recipe.size,
            fps=recipe.fps,
            count=recipe.frame_count,
            frames=self._frames(photo, recipe, tracker, cancelled, sounds),
            model=self._model(recipe),
            sound=lambda: sounds[0] if sounds else None,
            preview=self._preview,
        )

    def _preview(self) -> Pixels | None:
        preview = self._engine.preview if self._engine else None
        return preview.picture() if preview else None

    def _frames(
        self,
        photo: PreparedPhoto,
        recipe: Recipe,
        tracker: Callable[[], PhaseProgress],
        cancelled: CancelCheck,
        sounds: list[Sound],
    ) -> Iterator[Pixels]:
        made = self._make(photo, recipe, tracker())
        if made.sound:
            sounds.append(made.sound)
        for frame in made.pixels():
            if cancelled():
                raise Cancelled("The clip was cancelled.")
            yield frame

    def _tracker(self, recipe: Recipe, steps: int, progress: Progress, cancelled: CancelCheck) -> PhaseProgress:
        phases = ("text", *(() if self._ready_engine().loaded else ("load",)), "step", "decode")
        expected = self._timings.expect(self._timing_key(recipe), _megapixels(recipe))
        return PhaseProgress(expected, steps, phases, progress, cancelled)

    def _make(self, photo: PreparedPhoto, recipe: Recipe, tracker: PhaseProgress) -> ModelOutput:
        engine = self._ready_engine()
        try:
            made = engine.make(photo, recipe, tracker)
        except Exception as error:
            if not failures.is_out_of_memory(error):
                raise
            raise self._out_of_memory(engine) from error
        self._timings.learn(self._timing_key(recipe), _megapixels(recipe), tracker.spent)
        return made

    def _out_of_memory(self, engine: Engine) -> OutOfMemory:
        all_plans = self._choice.profile.plans
        self._memory_failures.record(self._key(engine.device), engine.device, self._number)
        following = self._number + 1 if self._number + 1 < len(all_plans) else None
        next_plan = all_plans[following].name if following is not None else None
        return failures.out_of_memory(self._choice.profile.title, engine.plan.name, next_plan, following)

    def _ready_engine(self) -> Engine:
        if self._engine is None:
            weights.require_packages()
            weights.require(self._choice)
            silence_libraries()
            device = self._device_given or devices.find()
            profile = self._choice.profile
            least = max(self._least_plan, self._memory_failures.first_plan(self._key(device), device))
            self._number = plans.starting_plan(profile.plans, device, least)
            self._engine = Engine(self._choice, device, profile.plans[self._number], self._settings)
        return self._engine

    def _key(self, device: TorchDevice) -> str:
        return f"{self._choice.spec} on {device.name}"

    def _timing_key(self, recipe: Recipe) -> str:
        engine = self._ready_engine()
        choice = engine.choice_for(recipe)
        asks = recipe.quality in choice.profile.qualities
        quality = f", {recipe.quality}" if asks else ""
        return f"{self._key(engine.device)}: {engine.plan.name}, {choice.steps} steps{quality}"

    def _model(self, recipe: Recipe) -> Model:
        engine = self._ready_engine()
        profile = self._choice.profile
        return Model(
            name=profile.title,
            version=engine.stored.revision or "local",
            prompt=adapt.prompt_of(recipe, profile),
            settings={
                "negative_prompt": adapt.negative_prompt_of(recipe, profile) if engine.guided(recipe) else "",
                **adapt.parameters_of(recipe, engine.choice_for(recipe)),
                **engine.settings(recipe),
                **({"chosen_because": self._choice.because} if self._choice.because else {}),
            },
        )

    def close(self) -> None:
        """Unload the model."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def _megapixels(recipe: Recipe) -> float:
    """Of all frames together, million pixels."""
    return recipe.size[0] * recipe.size[1] * recipe.frame_count / 1e6
