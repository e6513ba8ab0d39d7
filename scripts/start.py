#!/usr/bin/env python3
"""Set Afterframe up and start it: `python3 scripts/start.py [FOLDER ...]`.

Makes `.venv`, installs the project there, watches the folders and opens the review page.
Pure standard library, so that it runs on a bare machine.
"""

from __future__ import annotations

import argparse
import contextlib
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from environment import PYTHON, ROOT, install, module_runs, require_python, say

DETECTORS_S = 90.0
"""Longest time for the two detectors, seconds; a server that does not answer is given up long before."""
POLL_INTERVAL_S = 0.2
"""How often the demo looks for its clips, seconds."""


def main(argv: list[str]) -> int:
    """Install, start the daemon, stay until it ends; its exit status."""
    options = parse(argv)
    require_python()
    began = time.monotonic()
    install(extras(demo=options.demo, gpu=has_gpu()))
    say(f"Installed ({time.monotonic() - began:.0f} s).")
    if not options.no_detectors:
        fetch_detectors()
    folders = [Path(folder).expanduser().resolve() for folder in options.folders]
    if options.demo:
        folders.append(make_demo())
    for folder in folders or [ask_python("import afterframe.config as c; print(c.default_folder())")]:
        if not folder.is_dir():
            say(f"Making the folder {folder}")
            folder.mkdir(parents=True)
        options.folder.append(str(folder))
    return run(options, folders[-1] if options.demo else None)


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Set Afterframe up and start it.")
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="watch this folder (default: Pictures/Afterframe)")
    parser.add_argument("--demo", action="store_true", help="animate sample photos in a new folder")
    parser.add_argument("--no-open", action="store_true", help="do not open the review page")
    parser.add_argument(
        "--no-detectors", action="store_true", help="do not fetch the two nets that see faces and things"
    )
    parser.add_argument("--port", type=int, help="the page's port (default 8723; 0: any free one)")
    parser.set_defaults(folder=[])
    return parser.parse_args(argv)


def has_gpu() -> bool:
    """Whether a GPU is here that torch can use: Apple silicon, or NVIDIA with a working driver."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    smi = shutil.which("nvidia-smi")
    return smi is not None and subprocess.run([smi, "-L"], capture_output=True, check=False).stdout.startswith(b"GPU")


def extras(*, demo: bool, gpu: bool) -> list[str]:
    """Which optional dependencies to install."""
    if gpu:
        say("A GPU is here: installing torch and diffusers too (some gigabytes).")
    else:
        say("No GPU found: clips are made by the built-in parallax generator, which needs none.")
        say(f"  With a GPU later: {PYTHON.relative_to(ROOT)} -m pip install -e '.[gpu]'")
    return ["demo"] * demo + ["gpu"] * gpu


def fetch_detectors() -> None:
    """Fetch what sees faces, people and things (4 MB, MIT and Apache-2.0); without it, all goes on."""
    command = [str(PYTHON), "-m", "afterframe", "models", "pull", "detectors", "--yes"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        if subprocess.run(command, cwd=ROOT, check=False, timeout=DETECTORS_S).returncode == 0:
            return
    say("Going on without the detectors: people and things are seen less well.")


def ask_python(code: str) -> Path:
    """A path that the installed project knows."""
    done = subprocess.run([str(PYTHON), "-c", code], stdout=subprocess.PIPE, check=True)
    return Path(done.stdout.decode("utf-8", "surrogateescape").strip())


def make_demo() -> Path:
    """Put the sample photos into a new folder."""
    done = subprocess.run([str(PYTHON), str(ROOT / "scripts" / "demo_photos.py")], stdout=subprocess.PIPE, check=True)
    *lines, folder = done.stdout.decode("utf-8", "replace").splitlines()
    for line in lines:
        say(line)
    return Path(folder)


def run(options: argparse.Namespace, demo: Path | None) -> int:
    """Run the daemon until it ends; Ctrl-C and a polite kill reach it and end it in order."""
    command = ["-m", "afterframe", "serve"]
    for folder in options.folder:
        command += ["--folder", folder]
    command += ["--no-open"] * options.no_open + ([] if options.port is None else ["--port", str(options.port)])
    began = time.monotonic()
    daemon = module_runs(*command)

    def pass_on(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ValueError, OSError):  # Windows tells the daemon itself; or it has ended
            daemon.send_signal(number)

    signal.signal(signal.SIGINT, pass_on)
    signal.signal(signal.SIGTERM, pass_on)
    if demo:
        threading.Thread(target=show_clips, args=(demo, daemon, began), daemon=True).start()
    return daemon.wait()


def show_clips(folder: Path, daemon: subprocess.Popen[bytes], began: float) -> None:
    """Say of each demo clip where it is and how long it took."""
    photos = sorted(folder.glob("*.jpg"))
    say(f"Animating {len(photos)} photos in {folder}")
    told: set[Path] = set()
    while len(told) < len(photos) and daemon.poll() is None:
        ready = (sidecar.with_suffix("") for sidecar in folder.glob("*_motion.mp4.xmp"))
        for clip in sorted(set(ready) - told):
            say(f"Clip {len(told) + 1} of {len(photos)} after {time.monotonic() - began:.0f} s: {clip}")
            told.add(clip)
        time.sleep(POLL_INTERVAL_S)
    if len(told) == len(photos):
        say(f"All done. Put photos of your own into {folder}, or start with another folder.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
