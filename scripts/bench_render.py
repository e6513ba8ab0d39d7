"""Render speed at 1080p: the whole pipeline, x264 alone, and ffmpeg's zoompan; and its memory.

    pipeline   Renderer.render: decode, look, frame, parallax, encode, verify, embed XMP, hash, publish
    x264       the very same frames, prepared as yuv420p in a file, same preset and CRF, threads as it likes
    zoompan    ffmpeg's own zoom at 4 times supersampling, same encoder settings

The three run in turn, several times; medians count. `main(argv)` gives the numbers.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from afterframe.config import Config, Home, Settings
from afterframe.domain import Job
from afterframe.encode.process import Encoding
from afterframe.generators.registry import load
from afterframe.imaging.decode import decode
from afterframe.imaging.frames import Frames
from afterframe.imaging.framing import frame
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.ingest import Ingest, RenderRequest
from afterframe.intake.photo_reader import PhotoReader
from afterframe.render.heartbeat import Heartbeat, WorkerContext
from afterframe.render.renderer import Renderer, leave_cores_to_the_encoder
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.vision import analyse
from demo_photos import PHOTOS, write_photo

FPS = 24
SIZE = (1920, 1080)
PHOTO_SIZE = (6000, 4000)
"""What a 24-megapixel camera exports."""


def main(argv: list[str]) -> dict[str, Any]:
    """Measure; see the module."""
    options = parse(argv)
    if options.render_only:
        with Bench(options.photo[0], options.render_only, options.camera) as bench:
            bench.pipeline()
        return {}
    with tempfile.TemporaryDirectory(prefix="afterframe-bench-") as folder:
        photos = options.photo or [make_photo(Path(folder))]
        numbers: dict[str, Any] = {photo.stem: speeds(photo, options) for photo in photos}
        memory = {f"{s:g} s clip": peak_mib(photos[0], s, options) for s in (options.seconds, 4 * options.seconds)}
    clip = f"{SIZE[0]}x{SIZE[1]}, {FPS} fps, {options.seconds:g} s, {options.camera}"
    ratios = ("pipeline_over_x264", "x264_over_pipeline_by_cpu", "pipeline_over_zoompan")
    middle = {name: statistics.median(found[name] for found in numbers.values()) for name in ratios}
    return {"clip": clip, **numbers, "middle of the photos": middle, "peak_memory_mib": memory}


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.py render", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--photo", type=Path, nargs="+", help="measure on these photos (default: one made for it, 24 megapixels)"
    )
    parser.add_argument("--runs", type=int, default=3, help="how often each is run (default 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the clip (default 4)")
    parser.add_argument("--camera", default="orbit_right", help="camera movement (default orbit_right)")
    parser.add_argument("--render-only", type=float, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def make_photo(folder: Path) -> Path:
    """A photo as a camera exports it: a demo picture at 24 megapixels with fine texture and grain."""
    with Image.open(write_photo(PHOTOS[-1], folder)) as picture:
        pixels = np.asarray(picture.resize(PHOTO_SIZE, Image.Resampling.LANCZOS), np.float32)
    noise = np.random.default_rng(7).normal(0, 1, (PHOTO_SIZE[1] // 4, PHOTO_SIZE[0] // 4)).astype(np.float32)
    texture = np.asarray(Image.fromarray(noise).resize(PHOTO_SIZE, Image.Resampling.BICUBIC))
    made = np.clip(pixels + 6 * texture[..., None], 0, 255).astype(np.uint8)
    target = folder / "photo.jpg"
    Image.fromarray(made).save(target, quality=92)
    return target


def speeds(photo: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Frames per second of the three, each the median of several runs."""
    with Bench(photo, options.seconds, options.camera) as bench:
        bench.prepare()
        ways: dict[str, Callable[[], None]] = {
            "pipeline": bench.pipeline,
            "x264": bench.x264_alone,
            "zoompan": bench.zoompan,
        }
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(options.runs):
            for name, way in ways.items():
                runs[name].append(timed(way))
            bench.next()
    taken = {name: statistics.median(wall for wall, _ in times) for name, times in runs.items()}
    fps = {name: options.seconds * FPS / wall for name, wall in taken.items()}
    busy = {name: statistics.median(cpu for _, cpu in times) for name, times in runs.items()}
    return {
        "frames_per_second": fps,
        "pipeline_over_x264": fps["pipeline"] / fps["x264"],
        "pipeline_over_zoompan": fps["pipeline"] / fps["zoompan"],
        "wall_seconds": taken,
        "cpu_seconds": busy,
        "x264_over_pipeline_by_cpu": busy["x264"] / busy["pipeline"],
    }


def timed(way: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock, and of all processors, ffmpeg's included (less disturbed by other programs)."""
    began, before = time.perf_counter(), sum(os.times()[:4])
    way()
    return time.perf_counter() - began, sum(os.times()[:4]) - before


class Bench:
    """One photo, ready to be rendered again and again in a folder and a home of its own."""

    def __init__(self, photo: Path, seconds: float, camera: str) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="afterframe-bench-", dir=fast_folder())
        self._folder = Path(self._temporary.name)
        self._photo = self._folder / "photo.jpg"
        self._photo.write_bytes(photo.read_bytes())
        self._fields = {"duration_s": seconds, "fps": FPS, "size": SIZE, "camera_movement": camera}
        self._settings = Settings(Home(self._folder / "home").make(), Config())
        render = self._settings.config.render
        self._encoding = Encoding(crf=render.crf, preset=render.preset)
        self._seed = 0
        self._database = Database(self._settings.home.database)
        self._queue = Queue(self._database)
        leave_cores_to_the_encoder()
        self._worker = WorkerContext("bench/0", threading.Event(), stall_s=300)
        self._renderer = Renderer(self._database, self._settings, self._worker.owner)
        self._reader = PhotoReader(self._settings.config.limits)
        self._job = self._next_job()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._renderer.close()
        self._database.close()
        self._temporary.cleanup()

    def _next_job(self) -> Job:
        self._seed += 1
        foreign = ForeignFiles(self._settings.config.limits)
        ingest = Ingest(
            self._database, Catalog(self._database), self._queue, self._settings, self._reader.read, foreign
        )
        ingest.request(self._photo, RenderRequest({**self._fields, "seed": self._seed}))
        job = self._queue.claim(self._worker.owner)
        assert job is not None
        return job

    def pipeline(self) -> None:
        """Render the claimed job, all of it."""
        with Heartbeat(self._queue, self._job, self._worker) as beat:
            self._renderer.render(self._job, beat)

    def next(self) -> None:
        """Queue and claim another render of the photo, outside the time that is measured."""
        self._job = self._next_job()

    @property
    def _frames(self) -> Path:
        return self._folder / "frames.yuv"

    def prepare(self) -> None:
        """Write the clip's own frames as yuv420p, and the photo at the clip's size for zoompan."""
        generator, recipe = load("parallax", self._settings), self._job.recipe
        pixels, _ = decode(self._photo)
        photo = frame(pixels, analyse(pixels), SIZE, generator.overscan(recipe))
        clip = generator.generate(photo, recipe, lambda _share, _eta=None: None, lambda: False)
        assert isinstance(clip, Frames)
        with self._frames.open("wb") as file:
            for made in clip.frames:
                file.write(made.tobytes())
        Image.fromarray(np.ascontiguousarray(photo.pixels)).save(self._folder / "framed.png")

    def x264_alone(self) -> None:
        """Encode the prepared frames."""
        source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "{}x{}".format(*SIZE), "-r", str(FPS)]
        self._encode([*source, "-i", str(self._frames)], "setparams=colorspace=bt709:range=tv")

    def zoompan(self) -> None:
        """A zoom by ffmpeg, which moves by whole pixels and so needs a picture 4 times as large."""
        count = self._job.recipe.frame_count
        width, height = SIZE
        zoom = f"zoompan=z='1+0.06*on/{count}':d={count}:s={width}x{height}:fps={FPS}"
        zoom = f"scale={4 * width}:{4 * height},{zoom}"
        self._encode(["-i", str(self._folder / "framed.png")], zoom)

    def _encode(self, source: list[str], how: str) -> None:
        target = self._folder / "alone.mp4"
        settings = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", self._encoding.preset]
        settings += ["-crf", str(self._encoding.crf), "-movflags", "+faststart", str(target)]
        command = [self._encoding.program, "-v", "error", "-nostdin", "-y", *source, "-vf", how, *settings]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def fast_folder() -> str | None:
    """A folder in memory where there is one, so that no disk is measured."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def peak_mib(photo: Path, seconds: float, options: argparse.Namespace) -> dict[str, float]:
    """Peak resident memory of one render in a fresh process, and of its ffmpeg, MiB."""
    command = [sys.executable, str(Path(__file__).with_name("bench.py")), "render", "--photo", str(photo)]
    command += ["--camera", options.camera, "--render-only", str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peaks = {"ours": 0.0, "ffmpeg": 0.0}
    while process.poll() is None:
        for name, size in memory_of(psutil.Process(process.pid)):
            peaks[name] = max(peaks[name], size / (1 << 20))
        time.sleep(0.02)
    if process.returncode != 0:
        raise RuntimeError("the render whose memory was measured failed")
    return peaks


def memory_of(process: psutil.Process) -> list[tuple[str, int]]:
    """Resident bytes of a process and of the ffmpeg that it runs."""
    sizes: list[tuple[str, int]] = []
    try:
        sizes.append(("ours", process.memory_info().rss))
        ours = process.children(recursive=True)
        sizes += [("ffmpeg", child.memory_info().rss) for child in ours if "ffmpeg" in child.name()]
    except psutil.Error:
        return sizes  # it ended between two looks
    return sizes
