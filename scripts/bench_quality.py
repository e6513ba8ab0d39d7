"""Measures the parallax generator on a folder of photos: ``python3 scripts/bench_quality.py [FOLDER]``.

Each clip is judged without any trained weights (DIS optical flow, fields, differences). Gates are in GATES;
the summary says what failed. Beside it ffmpeg's zoompan (at 4x) and a plain sub-pixel Ken Burns
are measured the same way.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

import photometa
from afterframe.config import Config, Home, Settings
from afterframe.domain import Recipe
from afterframe.generators.parallax.clip_renderer import ClipRenderer
from afterframe.generators.parallax.generator import Parallax
from afterframe.generators.parallax.warp import SPACING, Field
from afterframe.generators.parallax.yuv import planes
from afterframe.imaging.frames import Pixels, PreparedPhoto
from afterframe.imaging.framing import frame
from afterframe.recipe import compose
from afterframe.scene import Scene
from afterframe.vision import analyse, load_detectors
from displacement import bent, carried, similarity
from environment import SHARED

GATES = {
    "first_frame_psnr_db": 38.0,
    "motion_rises": 1.0,
    "flicker_below_pan": 0.002,
    "smoothness_against_pan": 1.15,
    "loop_seam": 1.5,
    "face_distortion": 0.02,
    "ghosting": 0.0,
    "stretch": 1.6,
    "depth_separation": 0.15,
}
"""PSNR, motion and depth separation at least; the others at most.

- flicker_below_pan: (255 - mean absolute difference of neighbouring frames) / 255, against a plain sub-pixel pan
  of the same speed; 0.002 is half a level of 255 (light that drifts on purpose counts here too).
- smoothness_against_pan: what is left when each frame is replaced by the mean of its neighbours, over the pan's.
- loop_seam: |last - first| / median step, before encoding.
- face_distortion: largest residual inside a face after the best similarity transform, share of the face's size.
- ghosting: share of nodes where the map folds (its Jacobian's determinant is not positive): only there could
  anything be seen twice; both copies of flowing water count. stretch: 99.5th percentile of the map's local growth.
- depth_separation: movement of the near third that is left once the similarity that carries the far third is
  taken away, as a share of the clip's whole motion.
"""
FLOW_WIDTH = 384
MOMENTS = (0.25, 0.5, 0.75, 1.0)
"""At which the map is looked at."""
CRF = "18"
SETTINGS = Settings(Home.find(), Config())


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure; the summary: worst, middle and best of each measure, the photos that fail each gate, the comparison."""
    parser = argparse.ArgumentParser(prog="bench.py quality", description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=SHARED / "photos", help="photos (default: ../shared/photos)"
    )
    parser.add_argument("--long-side", type=int, default=960)
    parser.add_argument("--only", default="", help="a part of the file names")
    parser.add_argument("--rows", type=Path, default=None, help="where to write each photo's numbers, JSON")
    parser.add_argument("--against", type=int, default=3, help="photos to compare with zoompan and Ken Burns")
    options = parser.parse_args(argv)
    photos = [p for p in sorted(options.folder.glob("*.jp*g")) if options.only in p.name]
    if not photos:
        parser.error(f"no photos in {options.folder}")
    rows = [_told(measure(photo, options.long_side)) for photo in photos]
    against = [_told(row) for photo in photos[: options.against] for row in compare(photo, options.long_side)]
    if options.rows:
        options.rows.write_text(json.dumps({"photos": rows, "against": against, "gates": GATES}, indent=1), "utf-8")
    return summary(rows, against)


def summary(rows: Sequence[dict[str, Any]], against: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Low, middle and high of each measure that has a gate, who fails it, and the middle of the comparison."""
    failed = {gate: [row["photo"] for row in rows if not _passes(gate, row)] for gate in GATES}
    spread = {gate: [float(np.quantile([row[gate] for row in rows], q)) for q in (0.0, 0.5, 1.0)] for gate in GATES}
    methods = dict.fromkeys(row["method"] for row in against)
    middle = {
        method: {
            name: float(np.median([row[name] for row in against if row["method"] == method]))
            for name in ("jitter_px", "parallax", "cpu_ms_per_frame")
        }
        for method in methods
    }
    return {
        "photos": len(rows),
        "lowest, middle, highest": spread,
        "failed": {gate: bad for gate, bad in failed.items() if bad},
        "against, middle": middle,
    }


def _told(row: dict[str, Any]) -> dict[str, Any]:
    print(_line(row), file=sys.stderr, flush=True)
    return row


def measure(path: Path, long_side: int) -> dict[str, Any]:
    """Every measure of one photo's clip."""
    pixels, scene, recipe = composed(path, long_side)
    photo = prepared(pixels, scene, recipe)
    clip = Clip(photo, recipe)
    pan = list(_pan(photo, clip.speed, len(clip.luma), recipe))
    looped = replace(recipe, loop=True, fps=12)
    motion = [_motion(pixels, scene, recipe, level) for level in (0.2, 0.5, 0.8)]
    luma_db, rgb_db = _encoded_psnr(photo, recipe)
    return {
        "photo": path.name,
        "type": str(recipe.photo_type),
        "movement": str(recipe.camera_movement),
        "first_frame_psnr_db": luma_db,
        "first_frame_psnr_rgb_db": rgb_db,
        "motion_px": motion,
        "motion_rises": float(motion[0] < motion[1] < motion[2]),
        "flicker": flicker(clip.luma),
        "flicker_below_pan": max(0.0, flicker(pan) - flicker(clip.luma)),
        "smoothness_against_pan": roughness(clip.luma) / max(roughness(pan), 0.05),
        "jitter_px": jitter(clip.luma),
        "loop_seam": seam(Clip(prepared(pixels, scene, looped), looped).luma),
        **_fields(photo, recipe),
    }


def composed(path: Path, long_side: int, **wishes: object) -> tuple[Pixels, Scene, Recipe]:
    """The upright photo (at most 1600 pixels), what is seen in it, and its recipe."""
    with Image.open(path) as image:
        image.draft("RGB", (2400, 2400))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((1600, 1600))
    pixels = np.asarray(upright)
    facts = photometa.read(path)
    scene = analyse(pixels, load_detectors(SETTINGS.detectors), facts)
    recipe = compose(
        facts,
        scene,
        upright.size,
        photo_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        overrides=[("the benchmark", {"long_side": long_side, **wishes})],
    )
    return pixels, scene, recipe


def prepared(pixels: Pixels, scene: Scene, recipe: Recipe) -> PreparedPhoto:
    return frame(pixels, scene, recipe.size, Parallax(SETTINGS).overscan(recipe))


def i420(photo: PreparedPhoto, recipe: Recipe) -> Iterator[Pixels]:
    return Parallax(SETTINGS).generate(photo, recipe, lambda _share, _eta=None: None, lambda: False).frames


class Clip:
    """A clip's luma frames at the width that flow is measured at, and the mean speed of what can be seen."""

    def __init__(self, photo: PreparedPhoto, recipe: Recipe) -> None:
        height = recipe.size[1]
        self.luma = [_small(f[:height]) for f in i420(photo, recipe)]
        stage = ClipRenderer(photo, recipe)
        moments = np.linspace(0, 1, 13)
        looks = [stage.source_positions(float(m)) for m in moments]
        seen = cv2.resize(_texture(self.luma[0]), looks[0].shape[1::-1], interpolation=cv2.INTER_AREA)
        way = sum(float(np.average(np.linalg.norm(b - a, axis=2), weights=seen)) for a, b in pairwise(looks))
        self.speed = way * FLOW_WIDTH / recipe.size[0] / max(1, len(self.luma) - 1)


def _small(luma: Pixels) -> Pixels:
    size = (FLOW_WIDTH, max(2, round(luma.shape[0] * FLOW_WIDTH / luma.shape[1])))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)


def _pan(photo: PreparedPhoto, speed: float, count: int, recipe: Recipe) -> Iterator[Pixels]:
    """A plain diagonal pan at ``speed`` pixels a frame, sub-pixel; the picture mirrored where it ends."""
    grey = cv2.cvtColor(photo.surround, cv2.COLOR_RGB2GRAY)
    scale = FLOW_WIDTH / recipe.size[0]
    size = (FLOW_WIDTH, max(2, round(recipe.size[1] * scale)))
    grey = cv2.resize(grey, (round(grey.shape[1] * scale), round(grey.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    for number in range(count):
        way = speed * number / np.sqrt(2)
        shift = np.array([[1, 0, way], [0, 1, way]], np.float32)
        how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        yield np.asarray(cv2.warpAffine(grey, shift, size, flags=how, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def flicker(frames: Sequence[Pixels]) -> float:
    """VBench's temporal flickering: (255 - mean absolute difference of neighbouring frames) / 255.

    1 is calm.
    """
    return 1.0 - float(np.mean([cv2.absdiff(a, b).mean() for a, b in pairwise(frames)])) / 255.0


def roughness(frames: Sequence[Pixels]) -> float:
    """Mean absolute error of each frame against the mean of its neighbours, levels of 255.

    After a blur of one pixel: the rounding of slow changes of light to whole levels is no judder.
    """
    soft = [cv2.GaussianBlur(f.astype(np.float32), (0, 0), 1.0) for f in frames]
    error = [np.abs(b - (a + c) / 2).mean() for a, b, c in zip(soft, soft[1:], soft[2:], strict=False)]
    return float(np.mean(error))


def seam(frames: Sequence[Pixels]) -> float:
    """|last - first| over the median step."""
    steps = [float(cv2.absdiff(a, b).mean()) for a, b in pairwise(frames)]
    return float(cv2.absdiff(frames[-1], frames[0]).mean()) / max(float(np.median(steps)), 0.02)


def jitter(frames: Sequence[Pixels]) -> float:
    """Change of the picture's mean velocity from frame to frame, px/frame².

    In the middle half of the clip.
    """
    middle = frames[len(frames) // 4 : max(len(frames) * 3 // 4, len(frames) // 4 + 6)]
    velocity = np.array([np.median(_flow(a, b).reshape(-1, 2), axis=0) for a, b in pairwise(middle)])
    return float(np.abs(np.diff(velocity, axis=0)).mean())


def _flow(a: Pixels, b: Pixels) -> Field:
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(dis.calc(a, b, None), np.float32)  # type: ignore[call-overload]


def _motion(pixels: Pixels, scene: Scene, recipe: Recipe, level: float) -> float:
    """Mean optical flow from the first frame to the middle and the last, pixels at the flow's width."""
    wanted = replace(recipe, motion_intensity=level)
    photo = prepared(pixels, scene, wanted)
    count, height = wanted.frame_count, wanted.size[1]
    stage = ClipRenderer(photo, wanted)
    first, *later = (_small(stage.frame(m)[:height]) for m in (0.0, (count // 2) / (count - 1), 1.0))
    return float(np.mean([_moved(first, other) for other in later]))


def _moved(one: Pixels, other: Pixels) -> float:
    """Mean flow where there is something to follow: weighted by the picture's gradient."""
    return float(np.average(np.linalg.norm(_flow(one, other), axis=2), weights=_texture(one)))


def _texture(luma: Pixels) -> npt.NDArray[np.float32]:
    """Gradient, levels per pixel: where movement can be seen at all."""
    smooth = cv2.GaussianBlur(luma, (0, 0), 1.0)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down) + 1e-3, np.float32)


def _encoded_psnr(photo: PreparedPhoto, recipe: Recipe) -> tuple[float, float]:
    """The first frame after x264 (medium, CRF 18) and back, against the prepared photo: (luma, sRGB) dB.

    Saturated fine detail loses to 4:2:0 in sRGB before any generator or encoder touches it: luma is judged.
    """
    width, height = recipe.size
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    raw = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuv420p",
        "-s",
        f"{width}x{height}",
        "-r",
        str(recipe.fps),
        "-i",
        "-",
    ]
    x264 = ["-c:v", "libx264", "-preset", "medium", "-crf", CRF, "-f", "matroska", "-"]
    frames = b"".join(f.tobytes() for f, _ in zip(i420(photo, recipe), range(8), strict=False))
    coded = subprocess.run([ffmpeg, "-v", "error", *raw, *x264], input=frames, capture_output=True, check=True).stdout
    back = ["-i", "-", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    plane = subprocess.run([ffmpeg, "-v", "error", *back], input=coded, capture_output=True, check=True).stdout
    shown = np.frombuffer(plane, np.uint8)[: width * height * 3 // 2].reshape(height * 3 // 2, width)
    original = planes(np.ascontiguousarray(photo.pixels)).luma2x[::2, ::2]
    return _psnr(shown[:height], original), _psnr(to_rgb(shown), photo.pixels)


def _psnr(one: Pixels, other: Pixels) -> float:
    error = float(((one.astype(np.float64) - other) ** 2).mean())
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def to_rgb(i420: Pixels) -> Pixels:
    """BT.709 limited range back to sRGB (height, width, 3); chroma interpolated."""
    height, width = i420.shape[0] * 2 // 3, i420.shape[1]
    y = (i420[:height].astype(np.float32) - 16) * 255 / 219
    half = i420[height:].reshape(2, height // 2, width // 2).astype(np.float32)
    cb, cr = ((cv2.resize(plane, (width, height)) - 128) * 255 / 224 for plane in half)
    rgb = np.dstack([y + 1.5748 * cr, y - 0.18732 * cb - 0.46812 * cr, y + 1.8556 * cb])
    return np.asarray(np.clip(np.round(rgb), 0, 255), np.uint8)


def _fields(photo: PreparedPhoto, recipe: Recipe) -> dict[str, Any]:
    """What the map itself tells: faces, folds, stretch, depth."""
    stage = ClipRenderer(photo, recipe)
    start = stage.source_positions(0.0)
    looks = [stage.source_positions(m, copy) for m in MOMENTS for copy in (0, 1)]
    folds, stretch = zip(*(_folds(look) for look in looks), strict=True)
    return {
        "face_distortion": max((bent(stage, photo, face, MOMENTS) or 0.0 for face in photo.scene.faces), default=0.0),
        "ghosting": max(folds),
        "stretch": max(stretch),
        "depth_separation": max(_separation(stage, start, at) for at in looks),
    }


def _folds(looks: Field) -> tuple[float, float]:
    across, down = np.diff(looks, axis=1)[:-1] / SPACING, np.diff(looks, axis=0)[:, :-1] / SPACING
    jacobian = np.stack([across, down], axis=-1)
    singular = np.linalg.svd(jacobian, compute_uv=False)
    growth = np.maximum(singular[..., 0], 1 / np.maximum(singular[..., 1], 1e-6))
    return float((np.linalg.det(jacobian) <= 0).mean()), float(np.percentile(growth, 99.5))


def _separation(stage: ClipRenderer, start: Field, end: Field) -> float:
    near = stage.depth_at(start)
    far_third, near_third = near <= np.quantile(near, 0.33), near >= np.quantile(near, 0.67)
    along = carried(start[near_third], similarity(start[far_third], end[far_third]))
    apart = float(np.linalg.norm(end[near_third] - along, axis=1).mean())
    return apart / max(float(np.linalg.norm(end - start, axis=2).mean()), 1e-6)


def compare(path: Path, long_side: int) -> list[dict[str, Any]]:
    """Our clip, a plain Ken Burns and ffmpeg zoompan at 4x of the same push-in.

    Jitter, parallax, time a frame.
    """
    pixels, scene, recipe = composed(path, long_side, camera_movement="push_in", duration_s=3)
    photo = prepared(pixels, scene, recipe)
    rows = []
    for name, frames in (("parallax", _ours), ("ken burns", ken_burns), ("zoompan x4", zoompan)):
        began = time.process_time() + _children()
        luma = [_small(f) for f in frames(photo, recipe)]
        spent = time.process_time() + _children() - began
        ours = name == "parallax"
        rows.append(
            {
                "photo": path.name,
                "method": name,
                "jitter_px": jitter(luma),
                "parallax": _fields(photo, recipe)["depth_separation"] if ours else 0.0,
                "cpu_ms_per_frame": 1000 * spent / len(luma),
            }
        )
    return rows


def _children() -> float:
    try:
        import resource
    except ImportError:
        return 0.0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ours(photo: PreparedPhoto, recipe: Recipe) -> Iterator[Pixels]:
    return (f[: recipe.size[1]] for f in i420(photo, recipe))


def ken_burns(photo: PreparedPhoto, recipe: Recipe) -> Iterator[Pixels]:
    """One similarity a frame, cubic."""
    width, height = recipe.size
    for number in range(recipe.frame_count):
        zoom = 1 + 0.06 * number / recipe.frame_count
        shift = np.array([[1 / zoom, 0, width / 2 * (1 - 1 / zoom)], [0, 1 / zoom, height / 2 * (1 - 1 / zoom)]])
        how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        rgb = cv2.warpAffine(photo.pixels, shift, (width, height), flags=how, borderMode=cv2.BORDER_REFLECT_101)
        yield np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def zoompan(photo: PreparedPhoto, recipe: Recipe) -> Iterator[Pixels]:
    width, height = recipe.size
    count = recipe.frame_count
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", "-"]
    zoom = f"zoompan=z='1+0.06*on/{count}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d={count}:s={width}x{height}"
    filters = f"scale={4 * width}:-1:flags=bicubic,{zoom}:fps={recipe.fps}"
    out = ["-vf", filters, "-frames:v", str(count), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    still = np.ascontiguousarray(photo.pixels).tobytes()
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, *out]
    made = subprocess.run(command, input=still, capture_output=True, check=True).stdout
    return iter(np.frombuffer(made, np.uint8).reshape(-1, height, width))


def _passes(gate: str, row: dict[str, Any]) -> bool:
    at_least = gate in ("first_frame_psnr_db", "motion_rises", "depth_separation")
    return bool(row[gate] >= GATES[gate] if at_least else row[gate] <= GATES[gate] + 1e-9)


def _line(row: dict[str, Any]) -> str:
    cells = []
    for cell in row.values():
        value = cell
        if isinstance(value, list):
            value = "/".join(f"{v:.2f}" for v in value)
        cells.append(f"{value:.3f}" if isinstance(value, float) else str(value)[:26].ljust(12))
    return "  ".join(cells)


if __name__ == "__main__":
    found = main()
    print(json.dumps(found, indent=1))
    sys.exit(1 if found["failed"] else 0)
