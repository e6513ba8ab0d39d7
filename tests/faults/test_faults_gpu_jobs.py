"""The GPU generator in real processes: memory that runs out, a step that hangs, a process that dies.

A tiny pipeline with random weights goes through the real loading and denoising code; a plugin lets its
denoising misbehave as the photo's prompt says. All happens in one batch: every process loads torch.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from faults_processes import Afterframe, answer_of, clips_in, hidden_in, python_path

import photometa
from factories import make_photo_file

sys.path.insert(0, str(Path(__file__).parents[1] / "afterframe"))  # diffusers_tiny

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]

PLUGIN = '''
"""The GPU generator, but what the photo's prompt asks for happens in the middle of denoising."""
import inspect
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

from afterframe.generators.diffusers.generator import Diffusers

NOTES = Path(__file__).parent / "notes"


def note(what):
    with NOTES.open("a") as file:
        file.write(f"{what} {os.getpid()}\\n")
    return sum(line.startswith(f"{what} ") for line in NOTES.read_text().splitlines())


def die():
    note("crash")
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when the machine's memory is full


class Faulty(Diffusers):
    name = "faulty"

    def adapt(self, recipe):
        if "crash" in recipe.prompt and "crash " in NOTES.read_text():
            die()  # the second and third time at once: nothing to wait for
        return super().adapt(recipe)

    def generate(self, photo, recipe, progress, cancelled):
        engine = self._ready_engine()
        note(f"{recipe.prompt.split()[0]}-plan-{self._number}")
        denoise = engine._denoise

        def misbehaving(call, seed, tracker):
            step = tracker.step

            def stepped():
                step()
                self._misbehave(recipe.prompt, inspect.getclosurevars(progress).nonlocals["told"].__self__)

            tracker.step = stepped
            return denoise(call, seed, tracker)

        engine._denoise = misbehaving
        return super().generate(photo, recipe, progress, cancelled)

    def _misbehave(self, prompt, beat):
        import torch

        if "memory" in prompt and self._number == 0:
            torch.empty(1 << 50)  # more than any machine has: torch's own error
        if "crash" in prompt:
            die()
        if "hang" in prompt and note("hang") == 1:
            beat._worker = replace(beat._worker, stall_s=1.0)  # not the five minutes that a step may take
            threading.Event().wait()
'''


@dataclass
class Batch:
    """What became of one batch."""

    afterframe: Afterframe
    folder: Path
    results: dict[str, Any]
    """Name -> what the command says of the photo."""
    notes: list[tuple[str, str]]
    """(what, process), in the order in which it happened."""

    def processes(self, what: str) -> list[str]:
        """In which processes something happened."""
        return [process for noted, process in self.notes if noted == what]

    def job(self, name: str) -> dict[str, Any]:
        query = "SELECT jobs.* FROM jobs JOIN photos ON photos.id = photo_id WHERE path LIKE ?"
        (row,) = self.afterframe.rows(query, f"%{name}.jpg")
        return row

    def sidecar(self, name: str) -> dict[str, Any]:
        return dict(photometa.read_sidecar(self.folder / name / f"{name}_motion.mp4.xmp"))


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Three photos, one after the other, by ``afterframe animate``."""
    import diffusers_tiny

    root = tmp_path_factory.mktemp("gpu jobs")
    model = diffusers_tiny.make("wan22-5b", root / "tiny wan", steps=2)
    install(root / "site")
    afterframe = Afterframe(root / "home", {"PYTHONPATH": python_path(root / "site")})
    afterframe.settings(render={"generator": f"faulty:{model}"})
    folder = root / "photos"
    folder.mkdir()
    wishes = {"greedy": "memory runs out", "hanging": "hang once", "deadly": "crash always"}
    photos = [make_photo(folder, *wish, seed) for seed, wish in enumerate(wishes.items())]
    answer = answer_of(afterframe.command("animate", "--json", *photos), seconds=400)
    results = dict(zip(wishes, answer["results"], strict=True))
    lines = (root / "site" / "notes").read_text().splitlines()
    return Batch(afterframe, folder, results, [(what, process) for what, process in map(str.split, lines)])


def install(site: Path) -> None:
    """The plugin, as a package manager would install it: a module and its dist-info with the entry point."""
    info = site / "faulty-1.dist-info"
    info.mkdir(parents=True)
    (site / "faulty.py").write_text(PLUGIN)
    (site / "notes").touch()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[afterframe.generators]\nfaulty = faulty:Faulty\n")


def make_photo(folder: Path, name: str, words: str, seed: int) -> Path:
    """A photo in a folder of its own, whose prompt the folder's settings give."""
    own = folder / name
    own.mkdir()
    (own / "afterframe.toml").write_text(f'prompt = "{words}"\n')
    return make_photo_file(own / f"{name}.jpg", seed=seed)


def test_memory_that_runs_out_a_hang_and_a_deadly_photo_cost_nobody_else_anything(batch: Batch) -> None:
    """One test, so that the suite's workers do not each make the batch."""
    out_of_memory_steps_the_plan_down_in_a_fresh_process_and_the_clip_is_made(batch)
    the_next_photo_does_not_try_again_what_was_too_much(batch)
    a_process_whose_memory_ran_out_makes_no_other_clip(batch)
    a_hung_step_is_noticed_its_process_ended_and_the_clip_made_by_another(batch)
    a_job_that_kills_three_processes_is_parked(batch)
    the_batch_goes_on_and_nothing_is_left_behind(batch)


def out_of_memory_steps_the_plan_down_in_a_fresh_process_and_the_clip_is_made(batch: Batch) -> None:
    assert batch.results["greedy"]["state"] == "done", batch.results
    (first,), (second,) = batch.processes("memory-plan-0"), batch.processes("memory-plan-1")
    assert first != second
    job = batch.job("greedy")
    assert (job["plan"], job["strikes"]) == (1, 0)
    assert "memory ran out with “everything on the GPU”" in job["note"]
    settings = json.loads(batch.sidecar("greedy")["afterframe:modelSettings"])
    assert settings["memory_plan"] == "the text encoder in main memory"


def the_next_photo_does_not_try_again_what_was_too_much(batch: Batch) -> None:
    assert batch.processes("hang-plan-0") == []
    assert batch.processes("crash-plan-0") == []


def a_process_whose_memory_ran_out_makes_no_other_clip(batch: Batch) -> None:
    (greedy,) = batch.processes("memory-plan-0")
    assert [what for what, process in batch.notes if process == greedy] == ["memory-plan-0"]


def a_hung_step_is_noticed_its_process_ended_and_the_clip_made_by_another(batch: Batch) -> None:
    assert batch.results["hanging"]["state"] == "done", batch.results
    hung, *later = batch.processes("hang")
    assert later
    assert hung not in later
    assert batch.job("hanging")["strikes"] == 1


def a_job_that_kills_three_processes_is_parked(batch: Batch) -> None:
    assert batch.results["deadly"]["state"] == "failed"
    assert batch.results["deadly"]["error"]["code"] == "worker_died"
    assert "deadly.jpg" in batch.results["deadly"]["error"]["message"]
    # Once more where it died beside another clip that was being finished: then nobody is blamed.
    assert len(set(batch.processes("crash"))) == len(batch.processes("crash")) in (3, 4)
    assert batch.job("deadly")["strikes"] == 3


def the_batch_goes_on_and_nothing_is_left_behind(batch: Batch) -> None:
    assert clips_in(batch.folder) == ["greedy/greedy_motion.mp4", "hanging/hanging_motion.mp4"]
    assert hidden_in(batch.folder) == []
    assert float(batch.sidecar("greedy")["afterframe:photoPSNR"]) > 0
