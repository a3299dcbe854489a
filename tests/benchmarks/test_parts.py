"""Every part that is measured on a GPU works: on the simulated one, or in a small setting on this CPU."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch.autograd.profiler_util import FunctionEvent

from benchmarks import degradation, feeds, kernels, marked_tests, material, seeds, steps, waits
from benchmarks.catalog import DEFAULT, parts_of
from benchmarks.measure import Setting, Skipped, Unfinished
from benchmarks.worker import ARMS
from tests.support.simulated_gpu.machine import SimulatedMachine

SMALL = Setting("cuda", quick=True, batch=8)
Rows = list[dict[str, Any]]


def measured(name: str, part: str) -> Rows:
    """Measure a part where nothing but its own process can be seen: no driver and no profiler."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(kernels, "nodes", lambda graph: len(graph.tape)))
        stack.enter_context(mock.patch.object(kernels, "profile", Unprofiled))
        return parts_of(name, SMALL)[part]()


class Unprofiled(contextlib.nullcontext):
    """In the place of torch's profiler, which a simulated GPU cannot enter."""

    def __init__(self, **_: object) -> None:
        super().__init__(self)

    def events(self) -> list[FunctionEvent]:
        """Return nothing."""
        return []


@pytest.mark.slow
@pytest.mark.parametrize("way", ["default", "eager"])
def test_epochs(machine: SimulatedMachine, way: str) -> None:
    [row] = machine(measured, "epochs", f"resnet20-{way}").result
    assert row["way"] == way
    assert row["epoch_s"] > 0 < row["with_its_end_s"]
    assert row["gpu_mb"] > 0 <= row["used_mb"]
    assert any("Simulated GPU" in note for note in row["notes"])


@pytest.mark.slow
def test_watching(machine: SimulatedMachine) -> None:
    norms, checkpoints, waited = machine(measured, "watching", "resnet20").result
    assert norms["percent"] > -100 < checkpoints["percent"]
    assert (waited["orders"], waited["other_waits"], waited["places"]) == (1, 0, [])


def test_waits_are_counted_by_function_whether_warned_of_or_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looks() -> None:
        warnings.warn(f"{waits.WORDS} (Triggered internally)", stacklevel=1)
        warnings.warn("another matter", stacklevel=1)

    def asks() -> None:
        torch.cuda.synchronize()
        looks()

    monkeypatch.setattr(waits, "PACKAGE", str(Path(__file__).parent))
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", lambda mode: None)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    found = {place.rpartition(".")[2]: count for place, count in waits.count_waits(asks).items()}
    assert found == {"asks": 1, "looks": 1}


@pytest.mark.slow
def test_kernels(machine: SimulatedMachine) -> None:
    default, eager = machine(measured, "kernels", "resnet20").result
    assert (default["way"], eager["way"]) == ("default", "eager")
    assert default["graph_nodes"] > 100
    assert eager["graph_nodes"] == 0


@pytest.mark.slow
def test_nodes_are_those_of_the_graph_that_is_launched(machine: SimulatedMachine) -> None:
    outcome = machine(nodes_of_resnet20)
    assert outcome.result == outcome.nodes > 100


def nodes_of_resnet20() -> int:
    with mock.patch.object(kernels, "nodes", lambda graph: len(graph.tape)):
        return kernels.graph_nodes("resnet20", SMALL)


def test_kernels_are_told_from_calls_and_from_what_only_names_them() -> None:
    kernel, call, words = (mock.Mock(is_user_annotation=False) for _ in range(3))
    kernel.name, kernel.device_type.name = "implicit_gemm", "CUDA"
    call.name, call.device_type.name = "cudaGraphLaunch", "CPU"
    words.name, words.device_type.name, words.is_user_annotation = "Optimizer.step", "CUDA", True
    events = [*5 * [kernel, kernel, call], words]
    assert kernels.counted(events) == {"kernels_a_step": 2.0, "calls_a_step": 1.0}


ARMS_IN_ONE_PROCESS = [
    "skiprun",
    pytest.param("skiprun, a row each step", marks=pytest.mark.slow),
    pytest.param("skiprun eager", marks=pytest.mark.slow),
    "expert: + images on the device",
]


@pytest.mark.parametrize("label", ARMS_IN_ONE_PROCESS)
def test_steps_of_an_arm(machine: SimulatedMachine, label: str) -> None:
    """Without torch.compile, which has no code for a simulated GPU; the other loops need processes."""
    [arm] = [each for each in steps.arms("resnet20", SMALL) if each.label == label]
    work = arm.work | ({"compiled": False} if "expert" in label else {})
    assert machine(ticks, work).result == 5


def ticks(work: dict[str, Any]) -> int:
    """Let an arm make five steps, and return how many it made."""
    made: list[None] = []

    def tick() -> None:
        made.append(None)
        if len(made) == 5:
            raise InterruptedError

    few = material.images(48)
    loop = ARMS[work["loop"]]
    arguments = {key: value for key, value in work.items() if key != "loop"}
    with mock.patch.object(material, "images", lambda _: few), contextlib.suppress(InterruptedError):
        loop(tick, device="cuda", **arguments)
    return len(made)


def test_images_on_the_device_are_the_images_shifted_mirrored_and_normalized() -> None:
    values = np.full((4, 32, 32, 3), 255, np.uint8)
    with mock.patch.object(material, "images", lambda _: (values, np.arange(4))):
        batch, labels = next(feeds.resident(4, "cpu"))
    assert sorted(labels.tolist()) == [0, 1, 2, 3]
    assert batch.shape == (4, 3, 32, 32)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    white = (1 - material.MEAN[0]) / material.STD[0]
    assert batch.abs().flatten().tolist() == pytest.approx(batch.numel() * [white])
    assert batch[:, :, 4:28, 4:28].min() > 0  # what is beyond the border is black


@pytest.mark.slow
def test_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Setting(quick=True, batch=4)
    monkeypatch.setattr(seeds, "SEEDS", 2)
    one, two = seeds.run(small)
    assert (one["seeds"], one["times_one"], two["seeds"]) == (1, 1.0, 2)
    assert two["times_one"] > 0


@pytest.mark.slow
def test_degradation_goes_on_where_its_time_was_up(tmp_path: Path) -> None:
    small = Setting(quick=True, runs=str(tmp_path / "runs"))
    with pytest.raises(Unfinished, match="stopped as the time was up"):
        degradation.run(replace(small, limit=degradation.GRACE + 1))
    rows = {row["network"]: row for row in degradation.run(small)}
    assert list(rows) == [*degradation.BANDS, "all"]
    assert rows["plain20"]["band"] == "8 to 11"
    assert 0 <= rows["resnet56"]["test_error"] <= 100 >= rows["resnet56"]["train_error"]
    assert rows["all"]["calls"] == 2
    assert rows["all"]["seconds"] > sum(rows[name]["seconds"] for name in degradation.BANDS)


def test_cifar10_is_taken_from_class_folders_or_the_official_file(tmp_path: Path) -> None:
    assert degradation.source(None) == {}
    assert degradation.source(str(tmp_path)) == {"data.root": str(tmp_path)}
    (tmp_path / "train").mkdir()
    assert degradation.source(str(tmp_path)) == {"data.name": "image_folder", "data.root": str(tmp_path)}


def test_marked_tests_are_rows(tmp_path: Path) -> None:
    file = tmp_path / "test_two.py"
    file.write_text("def test_good(): pass\ndef test_bad(): assert not 1\n")
    good, bad = marked_tests.outcomes([str(file), "--rootdir", str(tmp_path), "-c", "/dev/null"])
    assert (good["test"], good["outcome"], bad["outcome"]) == ("test_good", "passed", "failure")
    with pytest.raises(Skipped):
        marked_tests.run(Setting())


def test_what_is_measured_on_a_gpu_has_parts() -> None:
    names = {name: list(parts_of(name, Setting("cuda"))) for name in DEFAULT["cuda"]}
    assert names["epochs"][:3] == ["resnet20-default", "resnet56-default", "resnet110-default"]
    assert names["steps"] == names["watching"] == names["kernels"] == ["resnet20", "resnet56", "resnet110"]
    assert (names["tests"], names["seeds"], names["degradation"]) == (["marked"], ["8-seeds"], ["64k"])
