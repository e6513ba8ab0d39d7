"""What a model's clip looks like while it is still noise: a linear projection of its latents to colours.

The projection is fitted once for each clip, to the photo itself: the model's VAE encodes it, and the ridge regression
from those latents to the photo's own colours is what turns later latents into a picture. So it needs neither weights
nor a table of factors, and fits any model whose VAE can encode, a user's own included.
"""

from __future__ import annotations

import logging
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.generators.diffusers.families import Family
from afterframe.imaging.frames import Pixels

RIDGE = 1e-2
"""Ridge of the regression, as a share of the latents' mean variance: a plain photo must not magnify noise."""

log = logging.getLogger(__name__)
Numbers = npt.NDArray[np.float32]


class LatentPreview:
    """Pictures of one clip that is being denoised. Nothing here may stop a render: what fails gives no picture.

    Args:
        photo: uint8 sRGB (height, width, 3), as the model gets it.
        count: frames that the model makes.
        device: where the model runs, as torch calls it.
    """

    def __init__(self, family: Family, photo: Pixels, count: int, device: str = "cpu") -> None:
        self._device = device
        self._family, self._photo, self._count = family, photo, count
        self._projection: Numbers | None = None
        self._shape = (0, 0, 0)
        self._latents: Numbers | None = None
        self._clean: Numbers | None = None

    def begin(self, pipeline: Any) -> None:
        """The steps begin now, also again: before them, so that a VAE that rests in main memory moves only once."""
        self._latents = self._clean = None
        try:
            self._fit(pipeline)
        except Exception as error:  # noqa: BLE001 - a preview is not worth a render
            self._give_up(error)

    def step(self, pipeline: Any, number: int, latents: Any) -> None:
        """A step has ended.

        Args:
            number: of the step, from 0.
            latents: as the pipeline's callback has them.
        """
        if self._projection is None:
            return
        try:
            video = self._family.video_latents(latents, self._shape)
            now = _on_cpu(video[0, :, self._shape[0] // 2])
            self._clean = _without_noise(pipeline.scheduler, number, self._latents, now)
            self._latents = now
        except Exception as error:  # noqa: BLE001 - a preview is not worth a render
            self._give_up(error)

    def picture(self) -> Pixels | None:
        """The middle of the clip as far as it has come, uint8 sRGB (height, width, 3); None before the first step."""
        clean, projection = self._clean, self._projection  # read once: steps go on in another thread
        if clean is None or projection is None:
            return None
        colours = np.moveaxis(_with_one(clean.reshape(len(clean), -1)).T @ projection, -1, 0)
        _, height, width = self._shape
        picture = np.moveaxis(np.clip(colours, 0, 255).reshape(3, height, width), 0, -1).astype(np.uint8)
        scale = max(self._photo.shape) / 4 / max(height, width)
        return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)

    def _give_up(self, error: Exception) -> None:
        log.warning("no preview: %s: %s", type(error).__name__, error)
        self._projection = self._clean = None

    def _fit(self, pipeline: Any) -> None:
        seen = _on_cpu(_encoded(pipeline.vae, self._photo, self._device))  # (channels, height, width)
        _, height, width = seen.shape
        every = getattr(pipeline, "vae_temporal_compression_ratio", 0) or pipeline.vae_scale_factor_temporal
        frames = 1 + (self._count - 1) // int(every)
        self._shape = (frames, height, width)
        wanted = cv2.resize(self._photo, (width, height), interpolation=cv2.INTER_AREA).reshape(-1, 3)
        features = _with_one(seen.reshape(len(seen), -1)).astype(np.float64)
        ridge = np.eye(len(features)) * RIDGE * float((features[:-1] ** 2).mean()) * features.shape[1]
        ridge[-1, -1] = 0  # the mean colour is not held back
        self._projection = np.linalg.solve(features @ features.T + ridge, features @ wanted).astype(np.float32)


def _encoded(vae: Any, photo: Pixels, device: str) -> Any:
    """The photo's latents (channels, height, width), normalised as pipelines do it (``_normalize_latents``)."""
    import torch

    picture = torch.from_numpy(np.moveaxis(photo, -1, 0).astype(np.float32) / 127.5 - 1)[None, :, None]
    with torch.no_grad():
        answer = vae.encode(picture.to(device, vae.dtype)).latent_dist.mode()[0, :, 0].float()
    mean, spread = (_per_channel(vae, name) for name in ("latents_mean", "latents_std"))
    if mean is not None and spread is not None:
        answer = (answer - mean.to(answer.device)) / spread.to(answer.device)
    return answer * float(vae.config.get("scaling_factor") or 1.0)


def _per_channel(vae: Any, name: str) -> Any:
    """Some VAEs hold it as a buffer, others in their settings."""
    import torch

    value = dict(vae.named_buffers(recurse=False)).get(name, vae.config.get(name))
    return None if value is None else torch.as_tensor(value).float().view(-1, 1, 1)


def _without_noise(scheduler: Any, number: int, before: Numbers | None, now: Numbers) -> Numbers:
    """The latents without what noise is left, by the last step's own direction.

    On the straight paths of flow matching x = (1 - sigma) * clean + sigma * noise, so that two points of it tell where
    it ends. A scheduler without such sigmas, and the first step, show the latents as they are.
    """
    sigmas = getattr(scheduler, "sigmas", None)
    if before is None or sigmas is None or number + 1 >= len(sigmas):
        return now
    earlier, later = float(sigmas[number]), float(sigmas[number + 1])
    if not 0 <= later < earlier <= 1:
        return now
    return now + (now - before) * (later / (earlier - later))


def _on_cpu(tensor: Any) -> Numbers:
    return np.asarray(tensor.detach().float().cpu().numpy(), np.float32)


def _with_one(features: Numbers) -> Numbers:
    """With a last row of ones, (channels + 1, places)."""
    return np.vstack([features, np.ones((1, features.shape[1]), np.float32)])
