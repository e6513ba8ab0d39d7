"""Damage that goes where the code has not been yet: photometa under atheris (libFuzzer); run by hand.

    pip install atheris
    python tests/photometa/fuzz_atheris.py photo|packet|clip [RUNS [SEED]]

It begins with the seeds of fuzz_long.py and stops at the first input that raises anything but
MetadataError, takes more than 0.3 s of processor time, or was changed by a refusal; the input is kept in
the folder that it names. Beside the suite because atheris has wheels for few systems.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import tempfile
import time
from pathlib import Path

import atheris

import photometa

with atheris.instrument_imports(include=["photometa", "exifread"]):
    # Most modules are imported when they are first needed: too late to be instrumented.
    for module in pkgutil.walk_packages(photometa.__path__, "photometa."):
        importlib.import_module(module.name)

from fuzz_long import LIMIT_S, append_clip, clip_seeds, merge_sidecar, packet_seeds, photo_seeds, read_photo

from photometa import MetadataError

TARGETS = {
    "photo": (read_photo, photo_seeds),
    "packet": (merge_sidecar, packet_seeds),
    "clip": (append_clip, clip_seeds),
}
LONGEST = 32 << 10
"""Bytes of an input: what decides stands in the head, and short inputs run faster."""


def main() -> None:
    """Attack one target; libFuzzer ends the process."""
    target, seeds = TARGETS[sys.argv[1]]
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else os.getpid()
    folder = Path(tempfile.mkdtemp(prefix=f"photometa-atheris-{sys.argv[1]}-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(data[:LONGEST])
    path = folder / "attacked"

    def attack(data: bytes) -> None:
        path.write_bytes(data)
        started = time.process_time()
        try:
            target(path)
        except MetadataError:
            return
        finally:
            took = time.process_time() - started
            if took > LIMIT_S:
                raise TimeoutError(f"took {took:.2f} s")

    options = [f"-runs={runs}", f"-seed={seed}", f"-max_len={LONGEST}", f"-artifact_prefix={folder}{os.sep}"]
    sys.stdout.write(f"{sys.argv[1]}: {runs} runs, seed {seed}, in {folder}\n")
    atheris.Setup([sys.argv[0], *options, str(corpus)], attack)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
