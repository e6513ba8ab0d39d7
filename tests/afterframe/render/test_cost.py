from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from afterframe.cli.renders import cost_text
from afterframe.field_mapping import numbers_of, numbers_text
from afterframe.render.cost import CostMeter, MemoryPeak, Peak
from afterframe.system.gpus import energy_j
from factories import Clock


class Memory(MemoryPeak):
    def __init__(self, peak: Peak | None) -> None:
        self.peak, self.restarted = peak, 0

    def restart(self) -> None:
        self.restarted += 1

    def read(self) -> Peak | None:
        return self.peak


def test_time_counts_to_the_end_and_energy_until_the_frames_are_made() -> None:
    clock, taken = Clock(), iter([1000.0, 8200.0, 99_000.0])
    memory = Memory(Peak(on_gpu=True, gib=21.256))
    meter = CostMeter(clock, memory, lambda: next(taken))
    clock.forward(100)
    meter.frames_made()
    memory.peak = Peak(on_gpu=True, gib=70)  # the next clip's
    clock.forward(20.5)
    assert meter.read(here=True) == {"seconds": 120.5, "gpu_memory_gb": 21.26, "energy_wh": 2.0}
    assert memory.restarted == 1


def test_without_a_gpu_there_is_no_energy_and_the_memory_is_the_processs() -> None:
    meter = CostMeter(Clock(), Memory(Peak(on_gpu=False, gib=1.5)), lambda: 5.0)
    assert meter.read(here=True) == {"seconds": 0.0, "memory_gb": 1.5}


@pytest.mark.parametrize(("peak", "here"), [(None, True), (Peak(on_gpu=True, gib=3), False)])
def test_what_is_not_known_or_happened_elsewhere_is_left_out(peak: Peak | None, here: bool) -> None:
    assert set(CostMeter(Clock(), Memory(peak), lambda: None).read(here=here)) == {"seconds"}


def test_a_driver_that_stops_telling_gives_no_energy() -> None:
    taken = iter([1.0, None])
    meter = CostMeter(Clock(), Memory(Peak(on_gpu=True, gib=3)), lambda: next(taken))
    assert "energy_wh" not in meter.read(here=True)


def test_the_peak_of_a_process_begins_anew_and_grows() -> None:
    peak = MemoryPeak()
    peak.restart()
    before = peak.read()
    kept = bytearray(64 << 20)
    kept[::4096] = b"x" * len(kept[::4096])
    after = peak.read()
    assert before is not None
    assert after is not None
    assert after.gib - before.gib > 0.05
    del kept
    if sys.platform == "linux":
        peak.restart()
        again = peak.read()
        assert again is not None
        assert again.gib < after.gib


def test_a_gpu_that_was_used_tells_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        reset_peak_memory_stats=lambda: asked.append("reset"),
        max_memory_allocated=lambda: 3 << 30,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    peak = MemoryPeak()
    peak.restart()
    assert asked == ["reset"]
    assert peak.read() == Peak(on_gpu=True, gib=3.0)


# -- energy --------------------------------------------------------------------------------------


class Nvml:
    """As much of pynvml as is asked."""

    class NVMLError(Exception):
        pass

    def __init__(self, count: int = 1, broken: str = "") -> None:
        self.count, self.broken, self.open = count, broken, 0

    def nvmlInit(self) -> None:  # noqa: N802
        self._fail("init")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        return f"gpu {index}"

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: str) -> int:  # noqa: N802
        self._fail("energy")
        return {"gpu 0": 5000, "gpu 1": 7000, "GPU-aa": 9000}[gpu]

    def _fail(self, where: str) -> None:
        if where == self.broken:
            raise self.NVMLError(where)


@pytest.mark.parametrize(
    ("visible", "count", "joules"),
    [
        (None, 1, 5.0),
        (None, 2, None),
        ("1", 2, 7.0),
        ("GPU-aa", 2, 9.0),
        ("0,1", 2, None),
    ],
)
def test_energy_is_that_of_the_one_gpu_in_use(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, count: int, joules: float | None
) -> None:
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    library = Nvml(count)
    assert energy_j(library) == joules
    assert library.open == 0


@pytest.mark.parametrize("broken", ["init", "energy"])
def test_a_driver_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    library = Nvml(broken=broken)
    assert energy_j(library) is None
    assert library.open == 0


# -- told ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({}, ""),
        (
            {"seconds": 125.2, "gpu_memory_gb": 21.26, "energy_wh": 12.345},
            "2 min, 21.3 GB of the GPU's memory, 12.3 Wh",
        ),
        ({"seconds": 3.0, "memory_gb": 0.5}, "3 s, 0.5 GB of memory"),
    ],
)
def test_a_cost_in_words(cost: dict[str, float], said: str) -> None:
    assert cost_text(cost) == said


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"seconds": 2.5}', {"seconds": 2.5}),
        ("{}", {}),
        ("[1]", {}),
        ("no JSON", {}),
        ('{"seconds": "long", "energy_wh": 1}', {"energy_wh": 1.0}),
        ('{"seconds": 1e999}', {}),
        ("[" * 5000, {}),
    ],
)
def test_what_a_sidecar_says_of_a_cost_is_taken_as_far_as_it_makes_sense(text: str, read: dict[str, Any]) -> None:
    assert numbers_of(text) == read


def test_a_cost_survives_its_text() -> None:
    assert numbers_text({}) is None
    assert numbers_of(str(numbers_text({"seconds": 2.5, "memory_gb": 0.25}))) == {"seconds": 2.5, "memory_gb": 0.25}
