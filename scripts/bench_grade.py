"""Colour: clips shifted on purpose and graded back, beside histogram matching and a Reinhard transfer.

Ten photos become clips with real movement (the parallax generator's frames, softened and with noise as a video
model's decoder leaves them); their exposure, white balance and saturation are shifted, at once or as a slow drift.
Each way of grading sees the shifted clip and the photo; the unshifted clip is the truth that it is judged by.

    ours        afterframe.grade, the whole clip
    histograms  skimage.exposure.match_histograms, each frame against the photo
    reinhard    mean and deviation of L*a*b*, each frame against the photo (Reinhard et al., 2001)

Removed: share of the mean dE00 that is gone. Flicker: how much the error of a frame's mean colour changes from
frame to frame, levels of 255. `main(argv)` gives the numbers.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.exposure import match_histograms

from afterframe.grade.match import match_grade
from afterframe.imaging.colour import ciede2000, small_rgb, to_cielab, to_linear, to_srgb
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto
from bench_quality import composed, i420, prepared, to_rgb
from environment import SHARED

SHIFTS: Mapping[str, Mapping[str, Any]] = {
    "darker": {"stops": -0.6},
    "brighter": {"stops": 0.35},
    "warmer": {"gains": (1.2, 1.0, 0.78)},
    "greener": {"gains": (0.9, 1.08, 0.92)},
    "paler": {"saturation": 0.5},
    "richer": {"saturation": 1.5},
    "all at once": {"stops": -0.3, "gains": (1.12, 1.0, 0.88), "saturation": 0.75},
    "slow drift": {"stops": -0.5, "gains": (1.15, 1.0, 0.85), "saturation": 0.7, "drift": True},
    "after frame 1": {"stops": 0.2, "gains": (0.9, 1.0, 1.12), "saturation": 0.75, "spare_first": True},
}
DARK = 15.0
"""A photo whose mean L* is below this has no colours to speak of and is passed over."""
FPS = 12
FULL = (1280, 704)
"""What speed is measured at: Wan 5B's own size, 24 frames a second."""
SIDE = 192

Clip = list[Pixels]
Way = Callable[[Clip, PreparedPhoto, Sequence[int], int], dict[int, Pixels]]


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure; see the module."""
    parser = argparse.ArgumentParser(prog="bench.py grade", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=SHARED / "photos", help="photos (default: ../shared/photos)"
    )
    parser.add_argument("--photos", type=int, default=10, help="how many, spread over the folder (default 10)")
    parser.add_argument("--long-side", type=int, default=640)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each clip (default 3)")
    options = parser.parse_args(argv)
    clips = chosen(options)
    if not clips:
        parser.error(f"no photos in {options.folder}")
    rows = [row for name, photo, true in clips for row in judged(name, photo, true)]
    return {
        "photos": [name for name, _, _ in clips],
        "removed": {way: removed(rows, way) for way in WAYS},
        "made_worse": {way: [f"{r['photo']}, {r['shift']}" for r in rows if r[way] > r["before"]] for way in WAYS},
        "added_to_clips_that_were_right": {way: added(clips, way) for way in WAYS},
        "flicker": {way: float(np.mean([r[f"{way} flicker"] for r in rows])) for way in WAYS},
        "ms_per_frame_at_1280x704": {way: speed(clips[0][1], way) for way in WAYS},
        "rows": {f"{r['photo']}, {r['shift']}": [r["before"], *(r[way] for way in WAYS)] for r in rows},
    }


def chosen(options: argparse.Namespace) -> list[tuple[str, PreparedPhoto, Clip]]:
    """Photos spread over the folder, and the clip of each as a model without faults of colour would make it."""
    files = sorted(options.folder.glob("*.jp*g"))
    rng = np.random.default_rng(7)
    clips: list[tuple[str, PreparedPhoto, Clip]] = []
    order = [index for start in range(3) for index in range(start, len(files), 3)]
    for path in (files[index] for index in order):
        pixels, scene, recipe = composed(path, options.long_side, duration_s=options.seconds, fps=FPS)
        photo = prepared(pixels, scene, recipe)
        if len(clips) == options.photos:
            break
        if to_cielab(small_rgb(np.ascontiguousarray(photo.pixels), "rgb24", SIDE))[..., 0].mean() < DARK:
            continue
        clips.append((path.name, photo, [decoded(to_rgb(frame), rng) for frame in i420(photo, recipe)]))
    return clips


def decoded(frame: Pixels, rng: np.random.Generator) -> Pixels:
    """Slightly soft and noisy."""
    soft = cv2.GaussianBlur(frame, (0, 0), 0.6).astype(np.float32)
    return np.asarray(np.clip(soft + rng.normal(0, 1.5, frame.shape), 0, 255), np.uint8)


def shifted(
    clip: Clip,
    *,
    stops: float = 0.0,
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
    saturation: float = 1.0,
    drift: bool = False,
    spare_first: bool = False,
) -> Clip:
    """Another exposure and white balance (in linear light) and saturation (around BT.709 luma)."""
    shares = np.linspace(0, 1, len(clip)) if drift else np.ones(len(clip))
    if spare_first:
        shares[0] = 0
    return [
        _shifted(frame, stops * t, 1 + (np.array(gains) - 1) * t, 1 + (saturation - 1) * t)
        for frame, t in zip(clip, shares, strict=True)
    ]


def _shifted(frame: Pixels, stops: float, gains: Any, saturation: float) -> Pixels:
    rgb = np.asarray(frame, np.float32) / np.float32(255)
    light = to_linear(rgb) * (gains * 2.0**stops).astype(np.float32)
    rgb = to_srgb(light)
    grey = (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None]
    return np.asarray(np.clip((grey + (rgb - grey) * np.float32(saturation)) * 255 + 0.5, 0, 255), np.uint8)


def ours(clip: Clip, photo: PreparedPhoto, wanted: Sequence[int], fps: int) -> dict[int, Pixels]:
    """The whole clip is graded, since what is done to a frame depends on its neighbours."""
    height, width = clip[0].shape[:2]
    out = match_grade(Frames("rgb24", (width, height), fps, len(clip), iter(clip)), photo).frames
    return {index: frame for index, frame in enumerate(out) if index in wanted}


def histograms(clip: Clip, photo: PreparedPhoto, wanted: Sequence[int], _fps: int) -> dict[int, Pixels]:
    """Every frame gets the photo's histograms, channel by channel."""
    return {i: np.asarray(match_histograms(clip[i], photo.pixels, channel_axis=-1), np.uint8) for i in wanted}


def reinhard(clip: Clip, photo: PreparedPhoto, wanted: Sequence[int], _fps: int) -> dict[int, Pixels]:
    """Every frame gets the photo's mean and deviation in L*a*b*."""

    def lab(picture: Pixels) -> Any:
        return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)

    target = lab(photo.pixels)
    out = {}
    for index in wanted:
        source = lab(clip[index])
        moved = (source - source.mean(0)) * (target.std(0) / np.maximum(source.std(0), 1e-3)) + target.mean(0)
        rgb = cv2.cvtColor(moved.reshape(clip[index].shape).astype(np.float32), cv2.COLOR_LAB2RGB)
        out[index] = np.asarray(np.clip(rgb * 255 + 0.5, 0, 255), np.uint8)
    return out


WAYS: Mapping[str, Way] = {"ours": ours, "histograms": histograms, "reinhard": reinhard}


def judged(name: str, photo: PreparedPhoto, true: Clip) -> list[dict[str, Any]]:
    """Every shift of one photo's clip, graded every way."""
    wanted = looked_at(len(true))
    rows = []
    for shift, how in SHIFTS.items():
        clip = shifted(true, **how)
        row: dict[str, Any] = {"photo": name, "shift": shift}
        row["before"] = off({index: clip[index] for index in wanted}, true)
        for way, grade in WAYS.items():
            graded = grade(clip, photo, wanted, FPS)
            row[way], row[f"{way} flicker"] = off(graded, true), flicker(graded, true)
        rows.append(row)
        told = ", ".join(f"{way} {row[way]:.2f}" for way in WAYS)
        print(f"{name}, {shift}: dE00 {row['before']:.2f} -> {told}", file=sys.stderr, flush=True)
    return rows


def looked_at(count: int) -> list[int]:
    """Three pairs of neighbours: the first two frames, two in the middle, the last two."""
    return sorted({0, 1, count // 2, count // 2 + 1, count - 2, count - 1})


def off(graded: Mapping[int, Pixels], true: Clip) -> float:
    """Mean dE00 to the truth."""
    labs = ((_lab(frame), _lab(true[index])) for index, frame in graded.items())
    return float(np.mean([ciede2000(one, other).mean() for one, other in labs]))


def _lab(frame: Pixels) -> Any:
    return to_cielab(small_rgb(frame, "rgb24", SIDE))


def flicker(graded: Mapping[int, Pixels], true: Clip) -> float:
    """Mean change of the mean colour's error between neighbours, levels of 255."""
    errors = {index: frame.mean((0, 1)) - true[index].mean((0, 1)) for index, frame in graded.items()}
    steps = [np.abs(errors[index + 1] - errors[index]).mean() for index in errors if index + 1 in errors]
    return float(np.mean(steps))


def removed(rows: Sequence[Mapping[str, Any]], way: str) -> dict[str, float]:
    """Share of the dE00 that is gone: in all, by shift, and of the photo that came off worst."""

    def share(some: Sequence[Mapping[str, Any]]) -> float:
        return 1 - float(sum(row[way] for row in some)) / float(sum(row["before"] for row in some))

    by_shift = {shift: share([row for row in rows if row["shift"] == shift]) for shift in SHIFTS}
    photos = dict.fromkeys(row["photo"] for row in rows)
    worst = min(share([row for row in rows if row["photo"] == photo]) for photo in photos)
    return {"in all": share(rows), "worst photo": worst, **by_shift}


def added(clips: Sequence[tuple[str, PreparedPhoto, Clip]], way: str) -> float:
    """Mean dE00 that grading brings into clips that need none."""
    return float(np.mean([off(WAYS[way](true, photo, looked_at(len(true)), FPS), true) for _, photo, true in clips]))


def speed(photo: PreparedPhoto, way: str) -> dict[str, float]:
    """Milliseconds a frame at full size: of all processors, and by the clock."""
    large = np.asarray(cv2.resize(np.ascontiguousarray(photo.pixels), FULL, interpolation=cv2.INTER_AREA), np.uint8)
    clip = shifted([large] * 49, **SHIFTS["slow drift"])
    wanted = range(len(clip)) if way == "ours" else looked_at(len(clip))
    full = replace(photo, surround=large, margin=(0, 0))
    cpu, wall = time.process_time(), time.perf_counter()
    WAYS[way](clip, full, wanted, 24)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"processors": 1e3 * cpu / len(wanted), "clock": 1e3 * wall / len(wanted)}
