#!/usr/bin/env python3
"""Measure one thing: `python3 scripts/bench.py NAME [--json FILE] [ARGUMENTS OF ITS OWN]`.

Each measurement is a module `bench_NAME.py` beside this file, with `main(argv) -> dict`.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from environment import use_venv

HERE = Path(__file__).resolve().parent


def known() -> dict[str, str]:
    """Every measurement's name, and the first line of what it says about itself."""
    found = {}
    for file in sorted(HERE.glob("bench_*.py")):
        text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        found[file.stem.removeprefix("bench_")] = text.partition("\n")[0]
    return found


def parse(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The command line; what is not ours goes to the measurement."""
    names = known()
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"{name:10} {about}" for name, about in names.items()),
    )
    parser.add_argument("name", choices=names, metavar="NAME", help="what to measure, see below")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers to FILE")
    return parser.parse_known_args(argv)


def main(argv: list[str]) -> int:
    """Measure, print the numbers as a table, write them where asked."""
    options, rest = parse(argv)
    use_venv()
    numbers = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        **importlib.import_module(f"bench_{options.name}").main(rest),
    }
    for name, value in table(numbers):
        print(f"{name:44} {value}")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n", "utf-8")
    return 0


def table(numbers: dict[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested numbers as flat rows: ("pipeline: fps", "19.1")."""
    rows: list[tuple[str, str]] = []
    for name, value in numbers.items():
        title = before + name.replace("_", " ")
        if isinstance(value, dict):
            rows += table(value, title + ": ")
        elif isinstance(value, list):
            rows.append((title, ", ".join(plain(item) for item in value)))
        else:
            rows.append((title, plain(value)))
    return rows


def plain(value: object) -> str:
    """A value as a person reads it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
