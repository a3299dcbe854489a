"""Where layer norm stands decides how the gradient of the last layer depends on depth (Xiong et al. 2020).

A block is x + W2 relu(W1 LN(x)) with the norm in front (pre-norm), LN(x + W2 relu(W1 x)) with the norm behind
(post-norm); weights are N(0, 1 / width), and one more norm stands behind the last pre-norm block. There x has
grown in variance by 1/2 a block, and the gradient is divided by its size: that of the last W2 falls as
1 / sqrt(L) with L blocks, while behind a post-norm block x has one size at every depth (theorem 1).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from skiprun.connections import Connection, Site
from skiprun.registry import CONNECTIONS, STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed
from skiprun.studies.theory.mlp import join_vectors

PLACEMENTS = ("pre-norm", "post-norm")
FIGURES = (
    Figure(
        "Gradient of the last layer",
        "lines",
        "depth",
        "gradient",
        "depth (blocks)",
        "norm of the gradient of W2",
        group="placement",
        log=True,
    ),
)


@STUDIES.register("norm_placement", paper="Xiong et al. 2020, theorem 1", figures=FIGURES)
def norm_placement(
    *,
    depths: tuple[int, ...] = (4, 8, 16, 32, 64, 128),
    width: Count = 64,
    draws: Count = 10,
    connection: str = "add",
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure the gradient of the last layer by depth. With layer norm in front of blocks, or behind them.

    Args:
        depths: numbers of blocks.
        width: units of each layer.
        draws: networks, each with one example, whose logarithms are averaged.
        connection: what joins x and the branch.
        seed: seed of weights, examples and readouts.
        report: told of each row.
    """
    rows: list[Row] = []
    for placement in PLACEMENTS:
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            found = [last_gradients(placement, connection, depths, width) for _ in range(draws)]
        for depth, norms in zip(sorted(depths), zip(*found, strict=True), strict=True):
            rows.append(
                {"placement": placement, "depth": depth, "gradient": statistics.geometric_mean(norms)}
            )
            report(rows[-1], len(PLACEMENTS) * len(depths))
    facts = {f"{placement} slope": slope(rows, placement) for placement in PLACEMENTS}
    return StudyResult(rows, verdict(facts), facts)


def last_gradients(placement: str, connection: str, depths: Collection[int], width: int) -> list[float]:
    """Return the norm of the gradient of the last W2 for each number of blocks, smallest first."""
    deepest, norms = max(depths), []
    x, readout = torch.randn(2, 1, width)
    for index in range(deepest):
        join = CONNECTIONS[connection].target(Site(width, width, index, deepest))
        first, last = torch.randn(2, width, width) / math.sqrt(width)
        x = block(x.detach(), first, last.requires_grad_(index + 1 in depths), join, placement)
        if index + 1 in depths:
            output = normed(x) if placement == "pre-norm" else x
            (gradient,) = torch.autograd.grad((output * readout).mean(), last)
            norms.append(gradient.norm().item())
    return norms


def block(x: Tensor, first: Tensor, last: Tensor, join: Connection, placement: str) -> Tensor:
    """Return what a block makes of x, [1, width] both."""
    if placement == "pre-norm":
        return join_vectors(join, x, (normed(x) @ first.T).relu() @ last.T)
    return normed(join_vectors(join, x, (x @ first.T).relu() @ last.T))


def normed(x: Tensor) -> Tensor:
    """Return the layer norm of x [1, width], which has no learned numbers."""
    return layer_norm(x, x.shape[-1:])


def slope(rows: list[Row], placement: str) -> float:
    """Return the exponent b of the gradient, L^b: the slope of its logarithm over that of the depth."""
    points = [
        (math.log(row["depth"]), math.log(row["gradient"])) for row in rows if row["placement"] == placement
    ]
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def verdict(facts: Facts) -> str:
    """Say how both depend on depth."""
    pre, post = (facts[f"{placement} slope"] for placement in PLACEMENTS)
    return (
        f"With L blocks the gradient of the last layer goes as L^{pre:.2f} with pre-norm "
        f"and L^{post:.2f} with post-norm (theory -1/2 and 0)."
    )
