#!/usr/bin/env python3
"""Set everything up and run the whole suite: `python3 scripts/test.py [PYTEST ARGUMENTS]`.

On Debian as root, missing system programs are installed. In CI (`CI=true`) a program that is still
missing is a failure; elsewhere the tests that need it skip.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from environment import PYTHON, ROOT, VENV, install, require_python, say

TORCH = "torch==2.13.0"
"""Pinned for the tests; never with torchvision, which breaks diffusers beside a CPU torch."""
PACKAGE_OF = {
    "exiftool": "libimage-exiftool-perl",
    "exiv2": "exiv2",
    "lua5.1": "lua5.1",
    "luacheck": "lua-check",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "darktable": "darktable",
    "xvfb-run": "xvfb",
    "xauth": "xauth",
    "xdotool": "xdotool",
    "fc-list": "fontconfig",
    "curl": "curl",
    "node": "nodejs",
    "npm": "npm",
}
"""Program that tests run -> Debian package that brings it."""
EXIFTOOL = "exiftool-vendored.pl@13.59.3"
"""exiftool as npm carries it: a second witness, many years newer than Debian's."""
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
FONT_PACKAGE = "fonts-dejavu-core"
APT_OPTIONS = ["-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]

COVERAGE = VENV / "coverage.json"
LEAST_COVERED = 5
"""Modules named in the report."""
WORKERS = str((os.cpu_count() or 1) + 1)
"""One more than processors: many tests wait for other programs."""


def main(argv: list[str]) -> int:
    """Set up, check the source, run pytest; the exit status of the first that failed."""
    require_python()
    install_programs()
    install(["test", "demo"], [TORCH])
    install_newest_exiftool()
    run("-m", "compileall", "-q", "server", "metadata")
    checked = run("scripts/check.py")
    coverage = [] if argv else ["--cov", "--cov-report="]  # of a part it would say nothing
    tested = run("-m", "pytest", "-n", WORKERS, "--dist", "worksteal", *coverage, *argv)
    if coverage:
        report_coverage()
    return tested or checked


def report_coverage() -> None:
    """Print the branch coverage of both packages and the modules with the least. It is reported, never a gate."""
    if run("-m", "coverage", "json", "-q", "-o", str(COVERAGE)) != 0:
        return
    found = json.loads(COVERAGE.read_text("utf-8"))
    files = {name: file["summary"]["percent_covered"] for name, file in found["files"].items()}
    least = sorted(files, key=lambda name: files[name])[:LEAST_COVERED]
    say(f"Branch coverage: {found['totals']['percent_covered']:.1f} %, without what runs in processes of its own.")
    say("Least: " + ", ".join(f"{name} {files[name]:.0f} %" for name in least))


def install_programs() -> None:
    """Bring the system's programs, where that is ours to do."""
    packages = missing()
    if packages and is_debian_root():
        say(f"Installing {', '.join(packages)} ...")
        apt("update")
        apt("install", *APT_OPTIONS[1:], *packages)
        packages = missing()
    if packages and os.environ.get("CI") == "true":
        sys.exit(f"These packages are missing: {', '.join(packages)}")
    if packages:
        say(f"Tests that need these packages will skip: {', '.join(packages)}")


def install_newest_exiftool() -> None:
    """Bring today's exiftool where npm is; the system's is asked in any case."""
    folder, npm = VENV / "exiftool", shutil.which("npm")
    stamp = folder / EXIFTOOL
    if stamp.exists():
        return
    if npm is None:
        say("The tests ask the system's exiftool only: npm would bring today's too.")
        return
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run([npm, "install", "--prefix", str(folder), *quiet, EXIFTOOL], check=False)
    if done.returncode == 0:
        stamp.touch()


def missing() -> list[str]:
    """The Debian packages whose programs are not here."""
    packages = [package for program, package in PACKAGE_OF.items() if shutil.which(program) is None]
    if sys.platform == "linux" and not FONT.exists():
        packages.append(FONT_PACKAGE)
    return packages


def is_debian_root() -> bool:
    """Whether packages can be installed here."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt(command: str, *arguments: str) -> None:
    """Run apt-get without questions; it speaks only when it fails."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", command, "-qq", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        say(done.stdout.decode("utf-8", "replace")[-3000:])


def run(*arguments: str) -> int:
    """Run the venv's Python in the project's folder; its exit status."""
    # The tests start hundreds of processes: none should compile what another has compiled.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([str(PYTHON), *arguments], cwd=ROOT, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
