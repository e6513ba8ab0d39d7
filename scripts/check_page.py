"""The checks of the page's scripts: form (Prettier), types (TypeScript), unit tests (node --test).

Their programs are those of package.json, installed by npm into `.venv`. The types of what the API gives are made from
its contract, so that nobody writes them a second time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from afterframe.web.all_routes import ROUTES
from afterframe.web.http.openapi import contract
from environment import ROOT, VENV, say

TOOLS = VENV / "page-tools"
PACKAGES = ("package.json", "package-lock.json")
BUILD = ROOT / "build" / "page"
STATIC = ROOT / "server" / "afterframe" / "web" / "static"
TESTS = ROOT / "tests" / "page"
PRETTIER = ("prettier", "bin/prettier.cjs")
TYPESCRIPT = ("typescript", "bin/tsc")
OPENAPI = ("openapi-typescript", "bin/cli.js")
QUIET = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def check() -> list[str]:
    """Run every check; the names of those that failed.

    Without node or npm they are skipped, with a word about it; in CI (`CI=true`) that is a failure.
    """
    if problem := unready():
        say(f"The page's scripts are not checked: {problem}")
        return ["page"] if os.environ.get("CI") == "true" else []
    write_types()
    formed = [*sorted(STATIC.glob("*.js")), *sorted(STATIC.glob("*.css")), *sorted(TESTS.glob("*.js"))]
    commands = {
        "form of the page": tool(*PRETTIER, "--check", "--log-level=warn", *map(str, formed)),
        "types of the page": tool(*TYPESCRIPT, "--project", str(ROOT)),
        "tests of the page": ["node", "--test", "--test-reporter=dot", *map(str, sorted(TESTS.glob("*.test.js")))],
    }
    return [name for name, command in commands.items() if subprocess.run(command, cwd=ROOT, check=False).returncode]


def unready() -> str:
    """Install the tools where they are not there yet; what is in the way, empty when nothing is."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    if absent:
        return f"{' and '.join(absent)} not found. On Debian and Ubuntu: apt install nodejs npm"
    stamp, wanted = TOOLS / "installed", hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in PACKAGES))
    if stamp.exists() and stamp.read_text("utf-8") == wanted.hexdigest():
        return ""
    TOOLS.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        shutil.copyfile(ROOT / name, TOOLS / name)
    npm = shutil.which("npm") or "npm"  # its whole name: on Windows it is a script
    if subprocess.run([npm, "ci", *QUIET], cwd=TOOLS, check=False).returncode != 0:
        return "npm could not install what package.json names. Is there a network?"
    stamp.write_text(wanted.hexdigest(), "utf-8")
    return ""


def write_types() -> None:
    """Write the contract and, made from it, the types that the scripts use."""
    BUILD.mkdir(parents=True, exist_ok=True)
    document, types = BUILD / "openapi.json", BUILD / "api-types.d.ts"
    text = json.dumps(contract(ROUTES, "afterframe_session"), indent=1)
    if types.exists() and document.exists() and document.read_text("utf-8") == text:
        return
    types.unlink(missing_ok=True)
    document.write_text(text, "utf-8")
    command = tool(*OPENAPI, str(document), "--output", str(types), "--empty-objects-unknown")
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def tool(package: str, program: str, *arguments: str) -> list[str]:
    """The command that runs an installed program."""
    return ["node", str(Path(TOOLS, "node_modules", package, program)), *arguments]
