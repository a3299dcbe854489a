"""Shattered gradients in theory: correlation of gradients by depth in fully connected networks.

For whitened inputs x, x' ~ N(0, 1) and g(x) = d(v h_L(x)) / dx, the correlation E<g(x), g(x')> / E|g(x)|^2
falls as 1/2^L in plain networks and (3/4)^L in residual ones without batch norm (Balduzzi et al. 2017,
theorems 1 and 2). With batch norm in the branch, its statistics constant, it is prod_l (V_l + 1/2) / (V_l +
1), V_l = 1 + (1 - 1/pi)(l - 1). The theorems take two inputs to share half of the active units at every
depth, which only batch norm enforces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from skiprun.registry import STUDIES
from skiprun.studies.base import Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed
from skiprun.studies.theory.kinds import measure_kinds
from skiprun.studies.theory.mlp import Mlp

INPUTS = 128
FIGURES = (
    Figure(
        "Correlation of the gradients of two inputs",
        "lines",
        "depth",
        "correlation",
        "depth (layers)",
        "correlation",
        group="network",
        guides=("theory",),
    ),
)


def expected_correlation(connection: str, normed: bool, depth: int) -> float:
    """Return the correlation that the theorems expect."""
    if connection == "none":
        return 0.5**depth
    if not normed:
        return 0.75**depth
    variances = [1 + (1 - 1 / math.pi) * level for level in range(depth)]
    return math.prod((variance + 0.5) / (variance + 1) for variance in variances)


@STUDIES.register("shatter_theorem", paper="Balduzzi et al. 2017, theorems 1 to 3", figures=FIGURES)
def shatter_theorem(
    *,
    depths: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 16, 24),
    width: Count = 256,
    draws: Count = 60,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure the correlation of gradients by depth. Of independent inputs, beside what the theorems expect.

    Args:
        depths: numbers of layers.
        width: units of each layer.
        draws: networks of each kind.
        seed: seed of their weights and inputs.
        report: told of each row.
    """

    def measure(connection: str, normed: bool) -> list[float]:
        network = partial(Mlp, connection, normed, max(depths), width, constant=True)
        return correlations(network, depths, width, draws, seed)

    rows, facts = measure_kinds("correlation", depths, measure, expected_correlation, report)
    return StudyResult(rows, verdict(rows), facts)


class HasStates(Protocol):
    """A network that returns the state [batch, width] behind each of its layers."""

    def states(self, x: Tensor) -> list[Tensor]:
        """Return the states of x [batch, width]."""


def correlations(
    network: Callable[[], HasStates], depths: Sequence[int], width: int, draws: int, seed: int
) -> list[float]:
    """Return the correlation at each depth, over networks that are drawn from a seed."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        together, square = torch.stack([products(network(), depths, width) for _ in range(draws)]).sum(dim=0)
    return (together / square).tolist()


def products(model: HasStates, depths: Sequence[int], width: int) -> Tensor:
    """Return <g, g'> and |g|^2 of one network, in the mean over pairs of inputs: [2, depths]."""
    inputs = torch.randn(INPUTS, width, requires_grad=True)
    states = model.states(inputs)
    pairs = []
    for depth in depths:
        output = states[depth - 1] @ torch.randn(width)
        (gradient,) = torch.autograd.grad(output.sum(), inputs, retain_graph=True)
        square = gradient.square().sum(dim=1).mean()
        # The square of the sum holds every pair twice, and every input with itself.
        together = (gradient.sum(dim=0).square().sum() / INPUTS - square) / (INPUTS - 1)
        pairs.append(torch.stack([together, square]))
    return torch.stack(pairs, dim=1).detach().double()


def verdict(rows: list[Row]) -> str:
    """Say how correlated gradients are at the greatest depth."""
    depth = max(row["depth"] for row in rows)
    deepest = [row for row in rows if row["depth"] == depth]
    found = "; ".join(
        f"{row['network']} {row['correlation']:.3f} (theory {row['theory']:.3f})" for row in deepest
    )
    return f"Correlation of gradients after {depth} layers: {found}."
