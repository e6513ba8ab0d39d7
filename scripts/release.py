#!/usr/bin/env python3
"""Make a release in `dist/`: the wheel, and one zip with the wheel and the plugins of both hosts.

The same source gives the same bytes: names are sorted, times and rights fixed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from environment import ROOT, say, use_venv

DIST = ROOT / "dist"
EPOCH = 1580601600
"""2020-02-02, as hatchling's default, unless SOURCE_DATE_EPOCH says otherwise (reproducible-builds.org)."""
READ_ME = """Afterframe {version}

1. Install:           pip install {wheel}
2. Lightroom Classic: afterframe plugin install lightroom
   darktable:         afterframe plugin install darktable

The plugins are in the wheel too. To install them by hand instead:

- Lightroom Classic: File > Plug-in Manager > Add, and choose lightroom/afterframe.lrplugin.
- darktable: copy darktable/afterframe into darktable's configuration folder (~/.config/darktable, on Windows
  %LOCALAPPDATA%\\darktable), and add this line to the file luarc there:

{luarc}
"""


def main(argv: list[str] | None = None) -> int:
    """Build everything; prints what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=Path, default=DIST, help="where to write it")
    options = parser.parse_args(argv)
    use_venv()
    dist = options.dist.resolve()
    dist.mkdir(parents=True, exist_ok=True)
    wheel = build_wheel(dist)
    say(f"{wheel}\n{build_zip(dist, wheel)}")
    return 0


def build_wheel(dist: Path) -> Path:
    """The wheel; it contains the plugins too."""
    with tempfile.TemporaryDirectory(dir=dist, prefix=".building-") as folder:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"The wheel cannot be built.\n{done.stdout}{done.stderr}")
        (made,) = Path(folder).glob("*.whl")
        return made.replace(dist / made.name)


def build_zip(dist: Path, wheel: Path) -> Path:
    """One zip for those who install without a package index."""
    from afterframe import __version__
    from afterframe.app.plugins import HOSTS, LUARC_LINE, plugin_files

    top = f"afterframe-{__version__}"
    luarc = LUARC_LINE.decode()
    read_me = READ_ME.format(version=__version__, wheel=wheel.name, luarc=luarc)
    entries = {f"{top}/{wheel.name}": wheel.read_bytes(), f"{top}/READ ME.txt": read_me.encode()}
    entries[f"{top}/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    for name, host in HOSTS.items():
        for file, path in plugin_files(name).items():
            entries[f"{top}/{name}/{host.folder}/{file}"] = path.read_bytes()
    target_zip = dist / f"{top}.zip"
    part = target_zip.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        for name, content in sorted(entries.items()):
            archive.writestr(entry(name), content, zipfile.ZIP_DEFLATED, 9)
    part.replace(target_zip)
    return target_zip


def entry(name: str) -> zipfile.ZipInfo:
    """An entry that does not depend on when and where it was made."""
    moment = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH)), UTC)
    made = zipfile.ZipInfo(name, moment.timetuple()[:6])
    made.create_system = 3  # Unix, also when made on Windows
    made.external_attr = 0o100644 << 16
    return made


if __name__ == "__main__":
    sys.exit(main())
