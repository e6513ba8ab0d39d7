#!/usr/bin/env python3
"""Check the source: ruff (rules, form), mypy (strict), the page's scripts. The layers: tests/test_layers.py."""

from __future__ import annotations

import subprocess
import sys

from environment import ROOT, say, use_venv

use_venv()

import check_page

SOURCE = ["server", "metadata", "scripts", "tests"]
CHECKS = {
    "rules": ["ruff", "check", "--quiet", "--output-format=concise", *SOURCE],
    "form": ["ruff", "format", "--check", "--quiet", "--output-format=concise", *SOURCE],
    "types": ["mypy", "--no-error-summary"],
    "types of the scripts": ["mypy", "--no-error-summary", "scripts"],
}


def main() -> int:
    """Run every check, also after one failed; 0 when all passed."""
    failed = []
    for name, command in CHECKS.items():
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode != 0:
            failed.append(name)
    failed += check_page.check()
    say(f"check: {', '.join(failed)} failed" if failed else "check: everything is right")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
