"""The packet of a new clip, byte for byte, beside one that version 0.1.0 wrote: other programs' caches, diffs and
backups see a sidecar that changed as a new one. ``{version}`` stands for the version in the kept files."""

from __future__ import annotations

from pathlib import Path

import pytest

from afterframe import __version__
from afterframe.domain import Direction, Photo, PhotoType, Verdict
from afterframe.imaging.frames import Model
from afterframe.publish.sidecar import MadeBy, sidecar_properties
from factories import make_clip, make_recipe
from photometa.xmp.packets import packet

KEPT = Path(__file__).parent / "packets"
FACTS = {
    "title": "Morning",
    "caption": "Ünser “Kaffee” <am> Morgen",
    "copyright": "© A. Photographer",
    "keywords": ["Kaffee", "朝"],
    "creator": "A. Photographer",
}
PHOTO = Photo(7, "/photos/Käthe ☀.jpg", "a" * 64, 1, 1, FACTS)
RECIPE = make_recipe(
    photo_type=PhotoType.PORTRAIT,
    prompt="steam & light\nrising",
    negative_prompt="flicker, “morphing”",
    motion_intensity=0.125,
    loop=True,
    direction=Direction.BEFORE,
    seed=2**40,
    because={"fps": ("cinema’s rate", "a second reason"), "loop": ("water",)},
)
MODEL = Model("Wan2.2-TI2V-5B", "abc", "a cup of coffee; the camera holds still", {"steps": 50, "cfg": 3.5})
CLIPS = {
    "parallax": (make_clip(PHOTO), MadeBy("parallax", "1", trained=False), {}),
    "judged": (
        make_clip(
            PHOTO,
            recipe=RECIPE,
            variant=2,
            parent_clip="22222222-2222-3333-4444-555555555555",
            rating=3,
            verdict=Verdict.APPROVED,
            created_at=1_700_000_000.75,
            measures={"photo_psnr_db": 41.25, "photo_de00": 0.5, "drift_de00": 1.0, "loop_seam": 0.0625},
        ),
        MadeBy("parallax", "2", trained=False),
        FACTS,
    ),
    "model": (
        make_clip(PHOTO, recipe=RECIPE, generator="diffusers:wan", measures={"photo_psnr_db": 30.0}),
        MadeBy("diffusers", "1", trained=True, model=MODEL, prompt_writer="A. Photographer"),
        FACTS,
    ),
    "server": (make_clip(PHOTO, generator="remote"), MadeBy("remote", "", trained=True), FACTS),
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_new_clips_packet_is_the_one_that_the_first_version_wrote(name: str) -> None:
    clip, made_by, facts = CLIPS[name]
    kept = (KEPT / f"{name}.xmp").read_text("utf-8").replace("{version}", __version__)
    assert packet(sidecar_properties(clip, made_by, facts, 4)).decode() == kept
