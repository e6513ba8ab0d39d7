"""The shared photographs of 36 cameras, through the command: 36 clips, 36 sidecars, nothing else.

AFTERFRAME_FULL=1 renders them at the default size, length and preset instead of small and short.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from faults_processes import Afterframe, answer_of, clips_in, frames_of, hashes, hidden_in
from lxml import etree

import photometa

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

FULL = os.environ.get("AFTERFRAME_FULL") == "1"
LENGTHS_S = {"portrait": (2, 3), "action": (3, 5), "environmental": (4, 8), "still_life": (1, 2)}
NAMESPACES = {
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "afterframe": "urn:afterframe:xmp:1.0/",
}


def test_every_shared_photo_becomes_a_clip_with_its_sidecar(afterframe: Afterframe, folder: Path, shared: Path) -> None:
    if FULL:
        (afterframe.home / "config.toml").unlink()
    else:
        afterframe.settings(recipe={"size": [160, 120], "fps": 8})
        (afterframe.home / "config.toml").write_text(
            (afterframe.home / "config.toml").read_text().replace("duration_s = 0.5\n", "")
        )
    photos = sorted((shared / "photos").glob("*.jpg"))
    assert len(photos) == 36
    for photo in photos:
        (folder / photo.name).write_bytes(photo.read_bytes())
    originals = hashes(folder)

    results = answer_of(afterframe.command("animate", "--json", folder), seconds=3600)["results"]
    assert [(result["state"], result["error"]) for result in results] == [("done", None)] * 36
    assert clips_in(folder) == sorted(f"{photo.stem}_motion.mp4" for photo in photos)
    assert hashes(folder) == originals
    assert hidden_in(folder) == []
    assert len(list(folder.iterdir())) == 3 * 36

    for result in results:
        (clip,) = result["clips"]
        properties = photometa.read_sidecar(clip["sidecar"])
        recipe = json.loads(str(properties["afterframe:recipe"]))
        shortest, longest = LENGTHS_S[recipe["photo_type"]]
        assert shortest <= recipe["duration_s"] <= longest, (result["photo"], recipe["duration_s"])
        frames = frames_of(clip["path"], tuple(recipe["size"]))
        assert len(frames) == round(recipe["duration_s"] * recipe["fps"]), result["photo"]
        assert_read_by_lxml(Path(clip["sidecar"]), Path(result["photo"]).name)
    for entry in exiftool([result["clips"][0]["sidecar"] for result in results]):
        name = Path(entry["SourceFile"]).name.removesuffix("_motion.mp4.xmp")
        assert entry["XMP-xmpMM:DerivedFromFilePath"] == f"{name}.jpg"
        assert entry["XMP-iptcExt:DigitalSourceType"].endswith("/algorithmicallyEnhanced")
        assert entry["XMP-afterframe:Generator"] == "parallax"


def assert_read_by_lxml(sidecar: Path, photo: str) -> None:
    root = etree.parse(sidecar).getroot()
    (derived,) = root.iter(f"{{{NAMESPACES['xmpMM']}}}DerivedFrom")
    assert photo in etree.tostring(derived, encoding="unicode")
    text = etree.tostring(root, encoding="unicode")
    assert "algorithmicallyEnhanced" in text
    assert f'"{NAMESPACES["afterframe"]}"' in text
    assert f'"{NAMESPACES["Iptc4xmpExt"]}"' in text


def exiftool(files: list[str]) -> list[dict[str, Any]]:
    done = subprocess.run(["exiftool", "-json", "-G1", "-n", *files], capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
