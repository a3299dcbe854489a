"""Networks and probes of a person's own, which do what none of ours does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skiprun.config import RunConfig
from skiprun.experiment import train
from skiprun.experiment.side_by_side import train_side_by_side
from skiprun.inference import evaluate
from skiprun.registry import MODELS, PROBES
from skiprun.run import Run
from skiprun.system.progress import NullProgress
from skiprun.training.acceleration.branches import DREW_LATE
from tests.gpu.cases import Case, Sections, config_of
from tests.gpu.reference import train_on_cpu
from tests.support.compare import assert_same_bits
from tests.support.simulated_gpu.machine import SimulatedMachine


class Own(nn.Module):
    """Convolutions that share their weight, a norm that they share, and a layer of scores."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 8, 3, padding=1)
        self.first, self.second = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.second.weight = self.first.weight
        self.norm, self.head = nn.BatchNorm2d(8), nn.Linear(8, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return scores."""
        x = torch.relu(self.norm(self.first(torch.relu(self.norm(self.stem(images))))))
        return self.scores(torch.relu(self.norm(self.second(x))).mean((2, 3)))

    def scores(self, features: Tensor) -> Tensor:
        """Return the scores of features."""
        found: Tensor = self.head(features)
        return found


class Exact(Own):
    """Its last layer computes in float32."""

    def scores(self, features: Tensor) -> Tensor:
        with torch.autocast("cuda", enabled=False), torch.autocast("cpu", enabled=False):
            return super().scores(features.float())


class Cosine(Own):
    """Its scores are cosines: nobody calls the layer whose weight that takes."""

    def scores(self, features: Tensor) -> Tensor:
        return 5 * F.linear(F.normalize(features.float()), F.normalize(self.head.weight))


class Uncertain(Own):
    """Its scores are drawn, also where it is evaluated."""

    def scores(self, features: Tensor) -> Tensor:
        return super().scores(F.dropout(features, 0.2, training=True))


class Late(Own):
    """It draws from its second pass on the GPU on."""

    passes = 0

    def scores(self, features: Tensor) -> Tensor:
        self.passes += self.training and features.is_cuda
        return super().scores(F.dropout(features, 0.2, training=self.training and self.passes > 1))


class Counting:
    """A probe that counts the steps, which a step may not do: a graph keeps the count."""

    hooks = False

    def __init__(self) -> None:
        self.steps = 0

    def tags(self, _: nn.Module) -> list[str]:
        """Return the name of the count."""
        return ["own/steps"]

    @contextlib.contextmanager
    def watch(self, model: nn.Module) -> Iterator[None]:
        """Remember where the network is."""
        self.device = next(model.parameters()).device
        yield

    def read(self) -> Tensor:
        """Return the count, in memory of its own."""
        self.steps += 1
        return torch.full((1,), float(self.steps), device=self.device)


NETWORKS = {"shared": Own, "exact": Exact, "cosine": Cosine, "uncertain": Uncertain}
LATE = {"late": Late}


@contextlib.contextmanager
def registered() -> Iterator[None]:
    """Let configs name what is here."""
    like, probe = MODELS["resnet_cifar"], PROBES["grad_norm"]
    own: dict[str, Any] = {
        name: replace(like, name=name, target=target, info=replace(like.info, connection=None))
        for name, target in (NETWORKS | LATE).items()
    }
    counting: Any = {"counting": replace(probe, name="counting", target=Counting)}
    with (
        mock.patch.object(MODELS, "entries", MODELS.entries | own),
        mock.patch.object(PROBES, "entries", PROBES.entries | counting),
    ):
        yield


def train_own(config: RunConfig, runs: Path) -> Run:
    """Train with what is here, and evaluate few images at once, so that a graph does it on the GPU."""
    with (
        registered(),
        mock.patch.object(evaluate, "MAX_EVAL_BATCH_SIZE", 20),
        mock.patch.object(evaluate, "MAX_ON_GPU", 20),
    ):
        return (train if config.compute.device == "cuda" else train_on_cpu)(config, runs=runs)


def configs(sections: Sections) -> tuple[RunConfig, RunConfig]:
    """Return the configs of a run on the CPU and of one that is captured."""
    with registered():
        return config_of(Case(sections), "cpu"), config_of(Case(sections), "cuda", graph=True)


@pytest.mark.slow
@pytest.mark.parametrize("optim", [{}, {"accumulate": 2, "ema": 0.9}], ids=["plain", "accumulate"])
@pytest.mark.parametrize("name", NETWORKS)
def test_in_bf16_the_bits_are_those_of_the_cpu(
    machine: SimulatedMachine, tmp_path: Path, name: str, optim: Sections
) -> None:
    on_cpu, on_gpu = configs({"model": {"name": name}, "optim": optim, "compute": {"precision": "bf16"}})
    gpu = machine(train_own, on_gpu, tmp_path / "gpu")
    assert_same_bits(train_own(on_cpu, tmp_path / "cpu"), gpu.result)
    assert gpu.launches and gpu.scored and not gpu.races


@pytest.mark.slow
def test_a_probe_that_remembers_costs_the_graph(machine: SimulatedMachine, tmp_path: Path) -> None:
    _, on_gpu = configs({"probes": ["counting"]})
    gpu = machine(train_own, on_gpu, tmp_path / "gpu")
    (line,) = [line for line in gpu.messages if "graph" in line]
    assert "two steps from one state differ in their metrics by 1" in line
    counts = [row["own/steps"] for row in gpu.result.rows() if "own/steps" in row]
    assert counts[-1] > counts[-2] > counts[-3]


def errors_of_two(config: RunConfig, runs: Path) -> list[str]:
    """Train two seeds side by side, and return how they ended."""
    configs = {str(seed): config.replace(seed=seed) for seed in range(2)}
    with registered():
        found = train_side_by_side(configs, runs, {label: NullProgress() for label in configs})
    return [str(each) for each in found]


@pytest.mark.slow
def test_side_by_side_a_network_that_begins_to_draw_late_is_refused(
    machine: SimulatedMachine, tmp_path: Path
) -> None:
    _, on_gpu = configs({"model": {"name": "late"}})
    assert machine(errors_of_two, on_gpu, tmp_path).result == [DREW_LATE] * 2
