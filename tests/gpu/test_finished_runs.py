"""What a GPU trained is scored, studied and replayed, and the numbers are those of the run on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.config import RunConfig
from skiprun.data.datasets.cells import draw_image
from skiprun.experiment import evaluate, predict, predict_masks, train
from skiprun.experiment.doctor import examine
from skiprun.experiment.finished import rebuild
from skiprun.experiment.machine_checks import Check
from skiprun.experiment.predictors import network_on
from skiprun.experiment.replay import replay
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_inputs import StudyInputs
from skiprun.experiment.study_runner.study_target import StudyTarget
from skiprun.experiment.study_runner.study_targets import find_trained
from skiprun.inference.output_files import MaskFolder
from skiprun.results.study_documents import Row
from skiprun.run import Run
from tests.gpu.cases import CASES, config_of
from tests.gpu.reference import weights_as_on_a_gpu
from tests.support.simulated_gpu.machine import SimulatedMachine

pytestmark = pytest.mark.slow

NETWORKS = {"labels": CASES["clip norm"], "masks": CASES["unet"], "dense": CASES["densenet"]}
FEW = SampleSelection(images=64, batches=1, batch_size=16)
STUDIES = {
    "gradflow": {},
    "lesion": {},
    "paths": {},
    "landscape": {"steps": 3},
    "truncate": {},
    "shatter": {},
    "similarity": {},
    "trajectory": {"steps": 3},
    "reuse": {},
}


@pytest.fixture(scope="module")
def trained(machine: SimulatedMachine, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Train a network where first asked for, on the CPU or on the GPU."""

    @lru_cache
    def on(device: str, network: str) -> Run:
        config, runs = config_of(NETWORKS[network], device), tmp_path_factory.mktemp(device)
        done: Run = train(config, runs=runs) if device == "cpu" else machine(train, config, runs=runs).result
        return done

    return on


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("images") / "image.png"
    Image.fromarray(draw_image(np.random.default_rng(0), 64)[0]).save(file)
    return file


@pytest.mark.parametrize("network", NETWORKS)
def test_scores_are_those_of_the_cpu(
    machine: SimulatedMachine, trained: Callable[..., Run], network: str
) -> None:
    assert machine(evaluate, trained("cuda", network)).result == evaluate(trained("cpu", network))


def test_scores_need_no_gpu(trained: Callable[..., Run]) -> None:
    assert evaluate(trained("cuda", "labels")) == evaluate(trained("cpu", "labels"))


def layouts(run: Run) -> set[bool]:
    """Return whether the weights of 3x3 convolutions keep channels together, wherever a run is rebuilt."""
    inputs = StudyInputs(StudyTarget(run.config.name, (run.config,), (run,)), FEW)
    networks = [rebuild(run).model, network_on(run, "auto"), inputs.model]
    weights = [each for network in networks for each in network.parameters() if each.shape[2:] == (3, 3)]
    return {each.is_contiguous(memory_format=torch.channels_last) for each in weights if each.shape[1] > 1}


def test_weights_have_the_layout_of_the_images_on_a_gpu(
    machine: SimulatedMachine, trained: Callable[..., Run]
) -> None:
    assert machine(layouts, trained("cuda", "labels")).result == {True}
    assert layouts(trained("cpu", "labels")) == {False}


def labels_of(run: Run, file: Path) -> list[Any]:
    return list(predict(run, [file]))


def masks_of(run: Run, file: Path, out: Path) -> bytes:
    assert len(list(predict_masks(run, [file], MaskFolder(out)))) == 1
    return (out / file.name).read_bytes()


def test_labels_are_those_of_the_cpu(
    machine: SimulatedMachine, trained: Callable[..., Run], image: Path
) -> None:
    found = machine(labels_of, trained("cuda", "labels"), image).result
    with weights_as_on_a_gpu():
        assert found == labels_of(trained("cpu", "labels"), image)


def test_masks_are_those_of_the_cpu(
    machine: SimulatedMachine, trained: Callable[..., Run], image: Path, tmp_path: Path
) -> None:
    found = machine(masks_of, trained("cuda", "masks"), image, tmp_path / "gpu").result
    assert found == masks_of(trained("cpu", "masks"), image, tmp_path / "cpu")


def rows_of(study: str, run: Run) -> list[Row]:
    names = [run.config.name] * (2 if study == "similarity" else 1)
    targets = find_trained(names, run.path.parent.parent)
    documents = run_study(StudyRequest(study, targets, FEW, STUDIES.get(study, {})), fresh=True)
    return [row for document in documents for row in document["rows"]]


@pytest.mark.parametrize("study", STUDIES)
def test_studies_find_what_they_find_on_the_cpu(
    machine: SimulatedMachine, trained: Callable[..., Run], study: str
) -> None:
    network = "dense" if study == "reuse" else "labels"
    found = machine(rows_of, study, trained("cuda", network)).result
    with weights_as_on_a_gpu():
        assert found and found == rows_of(study, trained("cpu", network))


def test_the_curvature_is_that_of_the_cpu_but_for_the_order_of_sums(
    machine: SimulatedMachine, trained: Callable[..., Run]
) -> None:
    """Autograd adds second derivatives in another order where a device has a thread of its own."""
    for found, expected in zip(
        machine(rows_of, "curvature", trained("cuda", "labels")).result,
        rows_of("curvature", trained("cpu", "labels")),
        strict=True,
    ):
        assert found["eigenvalue"] == pytest.approx(expected["eigenvalue"], rel=1e-6)


def test_a_study_of_masks_finds_what_it_finds_on_the_cpu(
    machine: SimulatedMachine, trained: Callable[..., Run]
) -> None:
    found = machine(rows_of, "lesion", trained("cuda", "masks")).result
    assert found and found == rows_of("lesion", trained("cpu", "masks"))


def test_a_replay_has_the_same_bits(machine: SimulatedMachine, trained: Callable[..., Run]) -> None:
    assert machine(replay, trained("cuda", "labels"), 6).result.differs is None


def checks(config: RunConfig, runs: Path) -> list[Check]:
    return list(examine(config, runs))


@pytest.mark.parametrize("graph", [False, True])
def test_the_doctor_finds_nothing_wrong(machine: SimulatedMachine, tmp_path: Path, graph: bool) -> None:
    found = machine(checks, config_of(NETWORKS["labels"], "cuda", graph), tmp_path).result
    assert [check for check in found if check.state != "ok"] == []
