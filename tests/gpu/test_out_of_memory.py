"""A GPU that other processes have filled: one message that says where and how much, or a run that goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from skiprun.config import RunConfig
from skiprun.errors import OutOfMemory
from skiprun.experiment import evaluate, train
from skiprun.experiment.doctor import examine
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_targets import find_trained
from skiprun.run import Run
from tests.gpu.cases import CASES, Case, config_of
from tests.gpu.test_finished_runs import image, masks_of
from tests.support.compare import assert_same_bits
from tests.support.simulated_gpu.machine import SimulatedMachine

__all__ = ["image"]
SMALL = Case({"data": {"name": "digits", "batch_size": 16}, "schedule": {"steps": 4}})
# Bytes: less than a number, a large layer, a step of 16 images, an evaluation, and the digits.
NOTHING, WEIGHTS, STEP, EVALUATION, IMAGES = 3, 600, 10_000, 20_000, 60_000


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    cases = {"labels": SMALL, "masks": CASES["unet"]}
    return lru_cache(lambda name: train(config_of(cases[name], "cpu"), runs=tmp_path_factory.mktemp(name)))


def refused(function: Callable[..., Any], *given: Any) -> str:
    with pytest.raises(OutOfMemory) as caught:
        function(*given)
    return str(caught.value)


def train_in(runs: Path, config: RunConfig) -> None:
    train(config, runs=runs)


def study(run: Run) -> None:
    targets = find_trained([run.config.name], run.path.parent.parent)
    run_study(StudyRequest("gradflow", targets, SampleSelection(device="cuda")), fresh=True)


@pytest.mark.parametrize(
    ("room", "where", "way_out"),
    [
        (NOTHING, "before anything was put on the GPU", "Free some of it, or use device: cpu."),
        (WEIGHTS, "while the network is moved to cuda", "Try a smaller model.width"),
        (STEP, "in a training step of 16 images", "--set data.batch_size=8"),
    ],
)
def test_training_says_where_and_how_much(
    machine: SimulatedMachine, tmp_path: Path, room: int, where: str, way_out: str
) -> None:
    said = machine(refused, train_in, tmp_path, config_of(SMALL, "cuda"), gpu={"room": room}).result
    numbers = "0 MB of the GPU's 85.9 GB are free, this process holds 2.1 GB, others 83.8 GB"
    assert said.startswith(f"Out of memory {where} (0 MB more needed; {numbers}") and way_out in said


def test_images_whose_room_another_process_took_stay_in_memory(
    machine: SimulatedMachine, on_cpu: Callable[[str], Run], tmp_path: Path
) -> None:
    outcome = machine(train, config_of(SMALL, "cuda"), runs=tmp_path, gpu={"room": IMAGES})
    assert_same_bits(on_cpu("labels"), outcome.result)
    assert [line for line in outcome.messages if "room" in line] == [
        "Another process took the room for the images on the GPU; they stay in this machine's memory."
    ]


@pytest.mark.slow
def test_scoring_and_studying_say_where(machine: SimulatedMachine, on_cpu: Callable[[str], Run]) -> None:
    for function, where in ((evaluate, "in the evaluation"), (study, "in the study gradflow")):
        said = machine(refused, function, on_cpu("labels"), gpu={"room": EVALUATION}).result
        assert said.startswith(f"Out of memory {where} (0 MB more needed; 0 MB of the GPU's 85.9 GB")


@pytest.mark.slow
def test_masks_say_of_which_image_and_that_a_cpu_would_do(
    machine: SimulatedMachine, on_cpu: Callable[[str], Run], image: Path, tmp_path: Path
) -> None:
    said = machine(refused, masks_of, on_cpu("masks"), image, tmp_path, gpu={"room": EVALUATION}).result
    assert said.startswith(f"Out of memory while the mask of {image} was made (0 MB more needed")
    assert said.endswith("Free some, or use --device cpu.")


def findings(config: RunConfig, runs: Path) -> dict[str, str]:
    return {check.name: check.finding for check in examine(config, runs) if check.state == "fail"}


@pytest.mark.slow
def test_the_doctor_finds_it_too(machine: SimulatedMachine, tmp_path: Path) -> None:
    found = machine(findings, config_of(SMALL, "cuda"), tmp_path, gpu={"room": STEP}).result
    assert list(found) == ["training"]
    assert found["training"].startswith("Out of memory in a training step of 16 images (0 MB more needed")
