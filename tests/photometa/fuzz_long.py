"""Damaged photos, clips, packets and sidecars by the hundred thousand; run by hand.

    python tests/photometa/fuzz_long.py [COUNT [SEED]]

Reports every exception but MetadataError, every input that takes more than 0.3 s of processor time,
and every file that a refusal changed; exits with 1 if there was one. The short form of this is in the
test suite.
"""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import photometa
from photometa import MetadataError, reading
from photometa.containers.mp4 import append_xmp, read_xmp
from photometa.xmp.packets import packet

LIMIT_S = 0.3
SHARED = Path(__file__).parents[2].parent / "shared"
HEAD = 96 << 10
"""Of a real photo only so much is used: the metadata stands there, and damage should hit it."""
_TELLING = [
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\x01",
    b"\x80\0\0\0",
    b"\xff\xff",
    b"\0\0",
]


def mutate(data: bytes, rng: random.Random) -> bytes:
    """One damaged copy: bytes changed, telling numbers put in, pieces cut, doubled or moved."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        if not out:
            break
        at = rng.randrange(len(out)) if rng.random() < 0.5 else rng.randrange(min(len(out), 1500))
        kind = rng.random()
        if kind < 0.5:
            out[at] = rng.randrange(256)
        elif kind < 0.75:
            piece = rng.choice(_TELLING)
            out[at : at + len(piece)] = piece
        elif kind < 0.85:
            out[at : at + 4] = struct.pack(rng.choice("<>") + "I", rng.randrange(len(out) + 64))
        elif kind < 0.9:
            del out[at : at + rng.randrange(1, 64)]
        elif kind < 0.95:
            out[at:at] = out[at : at + rng.randrange(1, 256)]
        else:
            del out[at:]
    return bytes(out)


def photo_seeds() -> list[bytes]:
    """Small made photos, and the heads of the shared real ones."""
    from photometa_raws import raws
    from photometa_seeds import seeds

    real = sorted((SHARED / "photos").glob("*.jpg")) if SHARED.is_dir() else []
    return [*seeds().values(), *raws().values(), *(path.read_bytes()[:HEAD] for path in real)]


def packet_seeds() -> list[bytes]:
    """A packet of ours, and the shared real ones."""
    from photometa_seeds import xmp_packet

    real = sorted((SHARED / "sidecars").glob("*.xmp")) if SHARED.is_dir() else []
    return [xmp_packet(), xmp_packet().decode().encode("utf-16"), *(path.read_bytes() for path in real)]


def clip_seeds() -> list[bytes]:
    """A clip with XMP and one without."""
    from photometa_seeds import box, xmp_packet

    plain = box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", b"m" * 60) + box(b"mdat", b"d" * 60)
    return [plain, plain + box(b"uuid", bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC") + xmp_packet())]


def read_photo(path: Path) -> None:
    """Read a damaged photo, without the net that spares users a surprise in one block."""
    spared, reading._spared = reading._spared, lambda reader, block: reader(block)
    try:
        photometa.read(path).to_dict()
    finally:
        reading._spared = spared


def merge_sidecar(path: Path) -> None:
    """Merge into a damaged packet, and read it back."""
    before = path.read_bytes()
    try:
        photometa.write_sidecar(path, {"afterframe:clip": "a.mp4"})
    except MetadataError:
        assert path.read_bytes() == before, "a refusal changed the file"
        photometa.read_sidecar(path)
        return
    assert photometa.read_sidecar(path)["afterframe:clip"] == "a.mp4"


def append_clip(path: Path) -> None:
    """Append to a damaged clip, and read it back."""
    before = path.read_bytes()
    try:
        append_xmp(path, packet({"xmp:Rating": "1"}))
    except MetadataError:
        assert path.read_bytes() == before, "a refusal changed the file"
        read_xmp(path)
        return
    assert path.read_bytes().startswith(before)


Target = tuple[Callable[[Path], None], list[bytes]]


def attack(targets: list[Target], count: int, seed: int, folder: Path) -> Iterator[str]:
    """Try so many damaged inputs; yield a line for each that fails, and keep its bytes in the folder."""
    rng = random.Random(seed)
    path = folder / "fuzz.bin"
    for number in range(count):
        target, inputs = targets[number % len(targets)]
        data = mutate(rng.choice(inputs), rng)
        path.write_bytes(data)
        started = time.process_time()
        problem = _problem(target, path)
        took = time.process_time() - started  # of this process: a busy machine is not our failure
        if took > LIMIT_S:
            problem = problem or f"took {took:.2f} s"
        if problem is not None:
            kept = folder / f"{target.__name__}-{seed}-{number}.bin"
            kept.write_bytes(data)
            yield f"{kept}: {problem}"


def _problem(target: Callable[[Path], None], path: Path) -> str | None:
    try:
        target(path)
    except MetadataError:
        return None
    except Exception as error:
        return repr(error)
    return None


def main() -> int:
    """Attack everything; the number of failures decides the exit status."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else os.getpid()
    folder = Path(tempfile.mkdtemp(prefix="photometa-fuzz-"))
    targets: list[Target] = [
        (read_photo, photo_seeds()),
        (read_photo, photo_seeds()),
        (merge_sidecar, packet_seeds()),
        (append_clip, clip_seeds()),
    ]
    started = time.perf_counter()
    failures = 0
    for line in attack(targets, count, seed, folder):
        failures += 1
        sys.stdout.write(f"{line}\n")
    took = time.perf_counter() - started
    sys.stdout.write(f"{count} inputs, seed {seed}, {took:.0f} s, {failures} failures\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
