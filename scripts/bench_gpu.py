"""The GPU generator: warm worker against plain diffusers scripts, side by side; tiny models where there is no GPU.

    ours            a worker process as the daemon keeps it: read, generate, grade, encode, verify, publish
    load per photo  a plain diffusers script, started for each photo (scripts/plain_diffusers.py)
    load once       the same script, one photo after the other

`--quality fast` lets ours take the short cuts of its profile, while the plain scripts stay with the makers' steps.

Same weights, size, frames, steps, guidance, seeds, prompts and precision; each photo has a prompt of its own. The
first clip of each is its cold start and is told apart. Finishing is what comes after the frames were decoded: to
the processor, grading, encoding, verifying, publishing. `main(argv)` gives the numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from afterframe.config import Config, Home, RenderConfig, Settings
from afterframe.domain import Job, JobState, Quality, Recipe
from afterframe.encode.encode import encode
from afterframe.generators.diffusers import adapt
from afterframe.generators.diffusers.generator import Diffusers
from afterframe.generators.diffusers.profiles import choose
from afterframe.generators.diffusers.timings import PhaseTimings
from afterframe.grade.match import match_grade
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.ingest import Ingest, RenderRequest
from afterframe.intake.photo_reader import PhotoReader
from afterframe.publish.publisher import Publisher
from afterframe.render import renderer as renderer_module
from afterframe.render.heartbeat import WorkerContext
from afterframe.render.loop import WorkerLoop
from afterframe.render.renderer import Renderer, leave_cores_to_the_encoder
from afterframe.render.slots import WorkerSpec
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from demo_photos import PHOTOS, write_photo
from random_models import make

SIZES = {"wan22-5b": ((1280, 704), 5.0), "wan22-a14b": ((832, 480), 5.0)}
"""Profile -> (width, height) and seconds: 121 frames at 24 a second, 81 at 16."""
TINY = ((96, 64), 0.7)
OWNER = "bench/0"
WORDS = ("leaves sway", "clouds drift", "water ripples", "light wanders", "grass bends", "dust floats", "fog rolls")


def main(argv: list[str]) -> dict[str, Any]:
    """Measure; see the module."""
    options = parse(argv)
    if options.ours:
        run_ours(json.loads(options.ours.read_text("utf-8")))
        return {}
    gpu = gpu_name()
    with tempfile.TemporaryDirectory(prefix="afterframe-bench-", dir=options.folder) as folder:
        bench = prepare(Path(folder), options, tiny=gpu is None)
        ours = bench.ours()
        clips = [clip["plain"] for clip in ours]
        per_photo = [run for number, clip in enumerate(clips[:2]) for run in bench.plain(f"single-{number}", [clip])]
        once = bench.plain("once", clips)
        what = described(bench.model, clips[0]["call"])
    return {
        "device": gpu or "NO GPU: tiny random weights on the processor; only shows that it runs",
        "clip": what,
        **numbers(ours, per_photo, once),
    }


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.py gpu", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--profile", choices=SIZES, default="wan22-5b", help="random weights of this model")
    parser.add_argument("--model", type=Path, help="real weights in this folder instead")
    parser.add_argument("--clips", type=int, default=3, help="how many of each, the cold one included (default 3)")
    parser.add_argument("--steps", type=int, help="denoising steps (default: the model's; 4 for tiny ones)")
    parser.add_argument("--quality", choices=[*Quality], default=Quality.STANDARD, help="of ours (default standard)")
    parser.add_argument("--offload", action="store_true", help="the plain scripts keep resting parts in main memory")
    parser.add_argument("--folder", type=Path, help="where random weights are kept for the time (5B: 24 GB)")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def gpu_name() -> str | None:
    """The NVIDIA GPU's name; None where there is none."""
    import torch

    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else None


@dataclass(frozen=True, slots=True)
class Bench:
    """What is animated, and by what."""

    folder: Path
    model: Path
    photos: list[Path]
    fields: dict[str, Any]
    offload: bool

    def ours(self) -> list[dict[str, Any]]:
        """Our clips, one after the other, in a worker's process."""
        order = self.folder / "ours.json"
        answer = self.folder / "ours-done.json"
        told = {"model": str(self.model), "photos": [str(path) for path in self.photos], "fields": self.fields}
        order.write_text(json.dumps({**told, "answer": str(answer), "home": str(self.folder / "home")}), "utf-8")
        began = time.time()
        command = [sys.executable, str(Path(__file__).with_name("bench.py")), "gpu", "--ours", str(order)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return since(began, json.loads(answer.read_text("utf-8")))

    def plain(self, name: str, clips: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The plain script on some clips, in a process of its own."""
        profile = choose(str(self.model), Home.find().models).profile
        job = {
            "model": str(self.model),
            "pipeline": profile.pipeline,
            "precision": profile.precision if gpu_name() else "float32",
            "full_precision": profile.full_precision,
            "offload": self.offload,
            "fps": profile.fps,
            "call": clips[0]["call"],
            "clips": [{**clip["clip"], "target": str(self.folder / f"{name}-{n}.mp4")} for n, clip in enumerate(clips)],
        }
        order = self.folder / f"{name}.json"
        order.write_text(json.dumps(job), "utf-8")
        began = time.time()
        command = [sys.executable, str(Path(__file__).with_name("plain_diffusers.py")), str(order)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return since(began, [json.loads(line) for line in said.splitlines() if line.startswith("{")])


def described(model: Path, call: dict[str, Any]) -> str:
    """What one clip is."""
    size = f"{call['width']}x{call['height']}x{call['num_frames']}"
    return f"{choose(str(model), Home.find().models).profile.title}, {size}, {call['num_inference_steps']} steps"


def prepare(folder: Path, options: argparse.Namespace, *, tiny: bool) -> Bench:
    """Weights and photos."""
    steps = options.steps or (4 if tiny else None)
    model = options.model or make(options.profile, folder / "model", steps, tiny=tiny)
    size, duration_s = TINY if tiny else SIZES[options.profile]
    chosen = [PHOTOS[number % len(PHOTOS)] for number in range(options.clips)]
    photos = []
    for number, photo in enumerate(chosen):
        (folder / str(number)).mkdir()
        photos.append(write_photo(photo, folder / str(number)))
    fields = {"size": size, "duration_s": duration_s, "photo_type": "environmental", "quality": str(options.quality)}
    return Bench(folder, model, photos, fields, options.offload)


def since(began: float, clips: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the time from the process's start to each clip's end, and from the end of the one before, seconds."""
    ends = [began, *(clip["ended_at"] for clip in clips)]
    return [
        {**clip, "from_start_s": clip["ended_at"] - began, "took_s": clip["ended_at"] - before}
        for clip, before in zip(clips, ends, strict=False)
    ]


def numbers(ours: list[dict[str, Any]], per_photo: list[dict[str, Any]], once: list[dict[str, Any]]) -> dict[str, Any]:
    """What it all comes to; the first clip of a process is its cold start."""
    warm = {"ours": middle(ours[1:], "took_s"), "load once": middle(once[1:], "took_s")}
    warm["load per photo"] = middle(per_photo, "took_s")
    finishing = middle(ours[1:], "finishing_s")
    return {
        "seconds_per_clip": warm,
        "clips_per_hour": {name: 3600 / seconds for name, seconds in warm.items()},
        "seconds_per_step": {"ours": middle(ours[1:], "step_s"), "load once": middle(once[1:], "step_s")},
        "first_clip_after_s": {"ours": ours[0]["from_start_s"], "plain": once[0]["from_start_s"]},
        "ours_over_load_once": warm["load once"] / warm["ours"],
        "ours_over_load_per_photo": warm["load per photo"] / warm["ours"],
        "peak_vram_gib": {"ours": ours[-1]["peak_vram_gib"], "plain": once[-1]["peak_vram_gib"]},
        "finishing": {
            "seconds": finishing,
            "share of the clip": finishing / warm["ours"],
            "share that the device waits": max(0.0, 1 - middle(ours[1:], "device_s") / warm["ours"]),
            "of it grading, s": middle(ours[1:], "grade_s"),
            "of it encoding and verifying, s": middle(ours[1:], "encode_s"),
        },
        "our_settings": ours[-1]["settings"],
    }


def middle(clips: list[dict[str, Any]], name: str) -> float:
    """The median."""
    return float(statistics.median(clip[name] for clip in clips))


# -- our side, in a process of its own ---------------------------------------------------------


def run_ours(order: dict[str, Any]) -> None:
    """Animate the photos as the daemon's worker does, and write what each took."""
    os.environ["AFTERFRAME_HOME"] = order["home"]
    config = Config(render=RenderConfig(generator=f"diffusers:{order['model']}"))
    settings = Settings(Home(Path(order["home"])).make(), config)
    database = Database(settings.home.database)
    leave_cores_to_the_encoder()
    renderer, queue = Renderer(database, settings, OWNER), Queue(database)
    reader = PhotoReader(config.limits)
    ingest = Ingest(database, Catalog(database), queue, settings, reader.read, ForeignFiles(config.limits))
    jobs: list[Job] = []
    try:
        for number, photo in enumerate(order["photos"]):
            fields = {**order["fields"], "prompt": WORDS[number % len(WORDS)], "seed": number}
            jobs += ingest.request(Path(photo), RenderRequest(fields))
        with Stopwatches() as watches:
            serve_until_done(renderer, queue, jobs)
        done = [queue.get(job.id) for job in jobs]
        told = [{"ended_at": job.updated_at, **watches.told(job)} for job in done]
        Path(order["answer"]).write_text(json.dumps(told), "utf-8")
    finally:
        reader.close()
        renderer.close()
        database.close()


def serve_until_done(renderer: Renderer, queue: Queue, jobs: list[Job]) -> None:
    """The worker's own loop, told to stop when the last job has ended.

    Raises:
        RuntimeError: one failed.
    """
    stopping = threading.Event()

    def watch() -> None:
        while not all(queue.get(job.id).state.ended for job in jobs):
            time.sleep(0.05)
        stopping.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    worker = WorkerContext(OWNER, stopping, stall_s=3600)
    WorkerLoop(renderer, queue, worker, WorkerSpec(lane=""), keep_warm_s=3600).run()
    watcher.join()
    if bad := [job.error for job in map(queue.get, [job.id for job in jobs]) if job.state != JobState.DONE]:
        raise RuntimeError(f"a clip was not made: {bad}")


@dataclass(slots=True)
class Stopwatch:
    """What one clip took, seconds."""

    generator: Diffusers
    recipe: Recipe
    first_frame_at: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    """Of the stages; "made" is reading the model's frames, "given" the same as grading sees it."""
    phases: dict[str, float] = field(default_factory=dict)
    """As the generator itself learned them."""

    def add(self, name: str, began: float) -> None:
        """A stage went on until now; ``began`` as time.perf_counter says it."""
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def reading(self, name: str, frames: Frames) -> Frames:
        """The same frames; what reading them took is added up."""
        return replace(frames, frames=self._read(name, frames.frames))

    def _read(self, name: str, frames: Iterator[Pixels]) -> Iterator[Pixels]:
        while True:
            began = time.perf_counter()
            frame = next(frames, None)
            self.add(name, began)
            self.first_frame_at = self.first_frame_at or time.perf_counter()
            if frame is None:
                return
            yield frame


class Stopwatches:
    """Stand between the worker and its stages; each render has a thread of its own."""

    def __init__(self) -> None:
        self._here = threading.local()
        self._by_seed: dict[int, Stopwatch] = {}
        self._patches = ExitStack()

    def __enter__(self) -> Stopwatches:
        self._patches.enter_context(mock.patch.object(renderer_module, "encode", self._encode))
        self._patches.enter_context(mock.patch.object(renderer_module, "match_grade", self._match_grade))
        self._patches.enter_context(mock.patch.object(Publisher, "publish", self._publish(Publisher.publish)))
        self._patches.enter_context(mock.patch.object(Diffusers, "generate", self._generate(Diffusers.generate)))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _encode(self, *arguments: Any) -> None:
        began = time.perf_counter()
        encode(*arguments)
        self._here.watch.add("encode", began)

    def _publish(self, publish: Any) -> Any:
        def run(*arguments: Any) -> None:
            publish(*arguments)
            watch: Stopwatch = self._here.watch
            watch.seconds["finishing"] = time.perf_counter() - watch.first_frame_at

        return run

    def _match_grade(self, frames: Frames, photo: PreparedPhoto) -> Frames:
        watch: Stopwatch = self._here.watch
        return watch.reading("graded", match_grade(watch.reading("given", frames), photo))

    def _generate(self, generate: Any) -> Any:
        def run(this: Diffusers, photo: PreparedPhoto, recipe: Recipe, *told: Any) -> Frames:
            watch = self._here.watch = self._by_seed[recipe.seed] = Stopwatch(this, recipe)
            learn = PhaseTimings.learn

            def learned(paces: PhaseTimings, model: str, megapixels: float, seconds: Mapping[str, float]) -> None:
                watch.phases.update(seconds)
                learn(paces, model, megapixels, seconds)

            this._timings.learn = partial(learned, this._timings)  # type: ignore[method-assign]
            return watch.reading("made", generate(this, photo, recipe, *told))

        return run

    def told(self, job: Job) -> dict[str, Any]:
        """What a clip took, seconds; the peak memory of the GPU so far, GiB; what makes the same clip plainly."""
        import torch

        watch = self._by_seed[job.recipe.seed]
        seconds = watch.seconds
        return {
            "device_s": seconds["made"],
            "finishing_s": seconds["finishing"],
            "grade_s": seconds["graded"] - seconds["given"],
            "encode_s": seconds["encode"] - seconds["graded"],
            "step_s": watch.phases["step"],
            "peak_vram_gib": torch.cuda.max_memory_allocated() / (1 << 30) if torch.cuda.is_available() else 0.0,
            "settings": watch.generator._ready_engine().settings(watch.recipe),
            "plain": as_plain(job, watch.generator, watch.recipe),
        }


def as_plain(job: Job, generator: Diffusers, recipe: Recipe) -> dict[str, Any]:
    """What the plain script must be told to make the same clip."""
    profile = generator._choice.profile
    call = {
        **adapt.parameters_of(recipe, generator._choice),
        "width": recipe.size[0],
        "height": recipe.size[1],
        "num_frames": recipe.frame_count,
        "max_sequence_length": profile.sequence,
    }
    clip = {
        "photo": job.photo_path,
        "prompt": adapt.prompt_of(recipe, profile),
        "negative_prompt": adapt.negative_prompt_of(recipe, profile),
        "seed": recipe.seed,
    }
    return {"call": call, "clip": clip}
