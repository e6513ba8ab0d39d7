from __future__ import annotations

import os
from pathlib import Path

import pytest

from afterframe.system.gpus import Gpu, find_gpus, free_mb

GPUS = """\
GPU-aaaa, 0, 24564, 20000
GPU-bbbb, 1, 81559, 80000
"""
APPS = """\
GPU-aaaa, 4711, 3000
GPU-bbbb, 4712, 900
GPU-bbbb, 99, [N/A]
"""


def told(*query: str) -> str:
    return GPUS if "--query-gpu" in query[0] else APPS


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_gpus_are_known_by_what_cuda_takes() -> None:
    assert find_gpus(told) == [Gpu("GPU-aaaa", 0, 24564, 20000), Gpu("GPU-bbbb", 1, 81559, 80000)]


@pytest.mark.parametrize(("named", "found"), [("1", "GPU-bbbb"), ("GPU-aa", "GPU-aaaa"), ("", None), ("-1", None)])
def test_only_those_that_the_user_gives_away_are_used(
    named: str, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert [device.uuid for device in find_gpus(told)] == ([found] if found else [])


def test_a_gpu_is_known_by_its_name_where_it_is_told() -> None:
    (found,) = find_gpus(lambda *query: "GPU-aaaa, 0, 24564, 20000, NVIDIA GeForce RTX 4090\n")
    assert found.name == "NVIDIA GeForce RTX 4090"


def test_what_our_own_workers_hold_counts_as_free() -> None:
    assert free_mb({4711}, told) == {"GPU-aaaa": 23000, "GPU-bbbb": 80000}


@pytest.mark.parametrize("answer", ["", "No devices were found\n", "GPU-aaaa, 0, [N/A], [N/A]\n"])
def test_an_answer_that_makes_no_sense_is_no_gpu(answer: str) -> None:
    assert find_gpus(lambda *query: answer) == []


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test_the_tool_itself_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\n[ "$2" = "--format=csv,noheader,nounits" ] && echo "GPU-cccc, 0, 8192, 7000"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [device.uuid for device in find_gpus()] == ["GPU-cccc"]
    tool.write_text("#!/bin/sh\necho driver is broken; exit 9\n")
    assert find_gpus() == []
    tool.unlink()
    assert find_gpus() == []
