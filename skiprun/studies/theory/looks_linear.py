"""Mirrored weights keep the gradients of a plain network from shattering (Balduzzi et al. 2017, section 4).

Concatenated rectifiers pass on relu(z) and relu(-z), and a layer has a matrix for each, A and B. With B = -A
it is A relu(z) - A relu(-z) = A z: the network looks linear at initialization, and all inputs have the same
gradient. With A and B independent, gradients lose what they have in common, as in any plain network. The
matrices are orthogonal.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed
from skiprun.studies.theory.shatter_theorem import correlations

KINDS = ("mirrored", "independent")
FIGURES = (
    Figure(
        "Correlation of the gradients of two inputs",
        "lines",
        "depth",
        "correlation",
        "depth (layers)",
        "correlation",
        group="weights",
    ),
)


class CReluMlp(nn.Module):
    """z <- A relu(z) + B relu(-z), depth times, with orthogonal matrices A and B.

    Args:
        depth: number of layers.
        width: units of each.
        mirrored: whether B = -A.
    """

    def __init__(self, depth: int, width: int, mirrored: bool) -> None:
        super().__init__()
        drawn = [nn.init.orthogonal_(torch.empty(width, width)) for _ in range(2 * depth)]
        self.positive = drawn[:depth]
        self.negative = [-each for each in self.positive] if mirrored else drawn[depth:]

    def states(self, x: Tensor) -> list[Tensor]:
        """Return z [batch, width] behind each layer."""
        states, z = [], x
        for positive, negative in zip(self.positive, self.negative, strict=True):
            z = z.relu() @ positive.T + (-z).relu() @ negative.T
            states.append(z)
        return states


@STUDIES.register("looks_linear", paper="Balduzzi et al. 2017, section 4", figures=FIGURES)
def looks_linear(
    *,
    depths: tuple[Count, ...] = (1, 2, 4, 8, 16, 32),
    width: Count = 64,
    draws: Count = 10,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure the correlation of gradients by depth. In plain networks whose weights are mirrored, or not.

    Args:
        depths: numbers of layers.
        width: units of each layer.
        draws: networks of each kind.
        seed: seed of their weights and inputs.
        report: told of each row.
    """
    rows: list[Row] = []
    for weights in KINDS:
        network = partial(CReluMlp, max(depths), width, weights == "mirrored")
        for depth, correlation in zip(depths, correlations(network, depths, width, draws, seed), strict=True):
            rows.append({"weights": weights, "depth": depth, "correlation": correlation})
            report(rows[-1], len(KINDS) * len(depths))
    facts = {row["weights"]: row["correlation"] for row in rows if row["depth"] == max(depths)}
    return StudyResult(rows, verdict(facts, max(depths)), facts)


def verdict(facts: Facts, depth: int) -> str:
    """Say how correlated gradients are at the greatest depth."""
    found = ", ".join(f"{weights} weights {correlation:.3f}" for weights, correlation in facts.items())
    return f"Correlation of gradients after {depth} plain layers: {found}."
