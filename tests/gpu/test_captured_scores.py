"""Batches that a graph scores have the scores of an eager run, whatever the weights have become."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import Tensor

from skiprun.config import RunConfig
from skiprun.experiment import train
from skiprun.inference import evaluate
from skiprun.run import Run
from skiprun.training.acceleration import captured_scores
from skiprun.training.acceleration.graph import WARM_UP
from tests.gpu.cases import CASES, Case, config_of
from tests.gpu.reference import train_on_cpu
from tests.support.compare import assert_same_bits
from tests.support.simulated_gpu.machine import SimulatedMachine

IMAGES, STEPS = 50, 24
# In three evaluations of 143 images; the test, which keeps what is said of each image, is no graph's.
WHOLE_BATCHES = 3 * 2
MEAN = CASES["ema"]._replace(sections=CASES["ema"].sections | {"schedule": {"steps": STEPS}})
BF16 = MEAN._replace(sections=MEAN.sections | {"compute": {"precision": "bf16"}})


def train_in_parts(config: RunConfig, runs: Path, most_values: int | None = None) -> Run:
    """Train, and evaluate few images at once."""
    most_values = most_values or captured_scores.MOST_VALUES
    with (
        mock.patch.object(evaluate, "MAX_EVAL_BATCH_SIZE", IMAGES),
        mock.patch.object(evaluate, "MAX_ON_GPU", IMAGES),
        mock.patch.object(captured_scores, "MOST_VALUES", most_values),
    ):
        return (train if config.compute.device == "cuda" else train_on_cpu)(config, runs=runs)


@pytest.mark.parametrize("case", [MEAN, pytest.param(BF16, marks=pytest.mark.slow)])
def test_the_scores_are_those_of_the_cpu(machine: SimulatedMachine, tmp_path: Path, case: Case) -> None:
    outcome = machine(train_in_parts, config_of(case, "cuda", graph=True), tmp_path / "gpu")
    assert_same_bits(train_in_parts(config_of(case, "cpu"), tmp_path / "cpu"), outcome.result)
    assert outcome.scored == WHOLE_BATCHES - WARM_UP
    assert not outcome.races
    waits = [each for each in outcome.findings if each.kind == "wait" and "captured_scores" in each.line]
    assert not waits


@pytest.mark.slow
def test_batches_of_many_values_are_scored_as_they_are(machine: SimulatedMachine, tmp_path: Path) -> None:
    config = config_of(MEAN, "cuda", graph=True)
    assert machine(train_in_parts, config, tmp_path, 100).scored == 0


@pytest.mark.slow
def test_where_no_step_is_a_graph_no_evaluation_is(machine: SimulatedMachine, tmp_path: Path) -> None:
    assert machine(train_in_parts, config_of(MEAN, "cuda"), tmp_path).scored == 0


def scored(batches: int) -> list[float]:
    """Score batches by a function that counts them in Python, which a graph does not."""
    counted = [0.0]

    def scores(images: Tensor, targets: Tensor) -> Tensor:
        counted[0] += 1
        return (images.sum() + targets.sum() + counted[0]).reshape(1)

    launch = captured_scores.CapturedScores(torch.device("cuda"))
    images, targets = torch.ones(2, 3, device="cuda"), torch.ones(2, device="cuda")
    return [launch(scores, images, targets).item() for _ in range(batches)]


def test_a_graph_that_finds_other_scores_is_given_up(machine: SimulatedMachine) -> None:
    outcome = machine(scored, WARM_UP + 3)
    # The call of the capture counts, and computes nothing.
    assert outcome.result == [8 + count for count in (1, 2, 3, 5, 6, 7)]
    assert outcome.messages == ["The evaluation goes on without a CUDA graph, which found other scores."]
    assert outcome.scored == 1
