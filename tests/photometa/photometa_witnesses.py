"""The other programs that read and rewrite what we wrote, as many of them as this machine has."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

NEWEST = Path(sys.prefix, "exiftool", "node_modules", "exiftool-vendored.pl", "bin", "exiftool")
"""The exiftool that scripts/test.py brings by npm."""
IPTC_2025 = """%Image::ExifTool::UserDefined = ('Image::ExifTool::XMP::iptcExt' => {
    AISystemUsed => {}, AISystemVersionUsed => {}, AIPromptInformation => {}, AIPromptWriterName => {},
}); 1;
"""
"""For exiftool before 13.40, which would write these properties only when told of them."""
READ_BY_EXIV2 = """
import json, sys, exiv2
image = exiv2.ImageFactory.open(sys.argv[1])
image.readMetadata()
print(json.dumps({datum.key(): str(datum.value()) for datum in image.xmpData()}))
"""
RATED_BY_EXIV2 = """
import sys, exiv2
image = exiv2.ImageFactory.open(sys.argv[1])
image.readMetadata()
image.xmpData()["Xmp.xmp.Rating"] = "4"
image.writeMetadata()
"""


def exiftools() -> dict[str, list[str]]:
    """Name -> command of each exiftool: the system's, and the newest."""
    found: dict[str, list[str]] = {}
    system, perl = shutil.which("exiftool"), shutil.which("perl")
    if system:
        found["system"] = [system]
    if perl and NEWEST.is_file():
        found["newest"] = [perl, str(NEWEST)]
    return found


def exiftool_json(exiftool: list[str], *arguments: str | Path) -> list[dict[str, Any]]:
    """What exiftool reads, file by file."""
    done = subprocess.run([*exiftool, "-j", "-n", *map(str, arguments)], capture_output=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def exiftool_writes(exiftool: list[str], path: Path, *arguments: str) -> None:
    """Let exiftool rewrite a file; it must have nothing to say against that."""
    command = [*exiftool, "-overwrite_original", *arguments, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stderr == ""


def exiv2_says(script: str, path: Path) -> str:
    """Run a script over libexiv2's wheel. It is GPL: never in our own process."""
    command = [sys.executable, "-W", "error", "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8")
    assert done.stderr == ""
    return done.stdout
