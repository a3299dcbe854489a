"""Lesson 2: degradation, seen in three trained networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from skiprun.claims.comparison import Comparison
from skiprun.claims.quantity import Quantity, below, near, quotients
from skiprun.lessons.exercises import by_seed, exact, exactly, exercise
from skiprun.lessons.residual_block import max_abs
from skiprun.models import build_model
from skiprun.models.layers.block import ResidualBlock
from skiprun.results.groups import Group
from skiprun.results.summary_keys import LOSS


@exercise("2.1")
def loss_of_chance(answer: float) -> list[Quantity]:
    """Say the loss of a network that knows nothing.

    The cross entropy is -log p of the right class, and p is 1/10: log 10. A network whose loss stays near
    it has learned nothing.
    """
    return [exact("loss of saying 1/10 for each of ten classes", answer, near(math.log(10), 0.005))]


@exercise("2.2")
def loss_ratios(answer: Mapping[int, float], comparison: Comparison) -> list[Quantity]:
    """Divide the training losses of plain56 by those of plain20, by seed.

    It is the *training* loss that tells degradation from overfitting: a deeper network that overfits
    would have the lower one (He et al. 2015, section 1 and figure 1).
    """
    deep, shallow = (group_named(comparison, name).by_seed(LOSS) for name in ("plain56", "plain20"))
    truth = quotients(deep, shallow)
    return [by_seed("your ratios over those of the runs", over_truth(answer, truth), near(1, 0.01))]


@exercise("2.3")
def train_error(answer: float, comparison: Comparison) -> list[Quantity]:
    """Subtract the training error of plain20 from that of plain56.

    Overfitting would show a lower error on train and a higher one on test. The error on train that rises
    with the depth is a failure to optimize (He et al. 2015, section 4.1).
    """
    deep, shallow = (group_named(comparison, name) for name in ("plain56", "plain20"))
    truth = deep.mean(deep.train_score) - shallow.mean(shallow.train_score)
    return [exact("points of train error that 36 more layers cost", answer, near(truth, 0.1))]


@exercise("2.4")
def shallow_within_deep(answer: Callable[[nn.Module, nn.Module], Any]) -> list[Quantity]:
    """Let resnet56 compute what resnet20 computes.

    A solution by construction: the added blocks are the identity, the others are copied, so the deeper
    network needs to be no worse (He et al. 2015, section 1). Residual blocks make it easy: f = 0.
    """
    deep, shallow = build_model("resnet56"), build_model("resnet20")
    answer(deep, shallow)
    images = torch.rand(4, 3, 32, 32)
    difference = deep.eval()(images) - shallow.eval()(images)
    blocks = sum(isinstance(each, ResidualBlock) for each in deep.modules())
    return [
        exact("largest difference of the logits", max_abs(difference), below(1e-4)),
        exactly("blocks of the deep network", blocks, 27),
    ]


def group_named(comparison: Comparison, name: str) -> Group:
    """Return the runs of a network, by the end of its label."""
    return next(group for group in comparison.groups if group.label.endswith(name))


def over_truth(answer: Mapping[int, float], truth: Mapping[int, float]) -> dict[int, float]:
    """Return answers over true values by seed; NaN where a seed is missing."""
    return {seed: answer.get(seed, math.nan) / value for seed, value in truth.items()}
