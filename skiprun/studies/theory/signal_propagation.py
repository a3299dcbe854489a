"""Signal propagation: the variance of the signal by depth, in fully connected networks.

For inputs of variance 1 and He's initialization, E z_L^2 is 1 in plain networks. In residual ones a branch
without normalization is as large as its input, so that it is 2^L (Zhang et al. 2019, section 2). With batch
norm every branch has variance 1, so that it is L + 1 (De and Smith 2020).
"""

from __future__ import annotations

import torch
from torch import Tensor

from skiprun.registry import STUDIES
from skiprun.results.numbers import significant
from skiprun.studies.base import Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed
from skiprun.studies.theory.kinds import measure_kinds
from skiprun.studies.theory.mlp import Mlp

INPUTS = 128
FIGURES = (
    Figure(
        "Variance of the signal by depth",
        "lines",
        "depth",
        "variance",
        "depth (layers)",
        "E z^2",
        group="network",
        guides=("theory",),
        log=True,
    ),
)


def expected_variance(connection: str, normed: bool, depth: int) -> float:
    """Return the variance that wide networks have after so many layers."""
    if connection == "none":
        return 1.0
    return depth + 1.0 if normed else 2.0**depth


@STUDIES.register(
    "signal_propagation", paper="Zhang et al. 2019, section 2; De and Smith 2020", figures=FIGURES
)
def signal_propagation(
    *,
    depths: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64),
    width: Count = 256,
    draws: Count = 10,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure the variance of the signal by depth. Networks are fully connected, by connection and norm.

    Args:
        depths: numbers of layers.
        width: units of each layer.
        draws: networks of each kind.
        seed: seed of their weights and inputs.
        report: told of each row.
    """

    def measure(connection: str, normed: bool) -> list[float]:
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            found = torch.stack([variances(connection, normed, depths, width) for _ in range(draws)])
        return found.mean(dim=0).tolist()

    rows, facts = measure_kinds("variance", depths, measure, expected_variance, report)
    return StudyResult(rows, verdict(rows), facts)


@torch.no_grad()
def variances(connection: str, normed: bool, depths: tuple[int, ...], width: int) -> Tensor:
    """Return E z^2 of one network after each depth, [depths]."""
    states = Mlp(connection, normed, max(depths), width).states(torch.randn(INPUTS, width))
    return torch.stack([states[depth - 1].double().square().mean() for depth in depths])


def verdict(rows: list[Row]) -> str:
    """Say how large the signal is at the greatest depth."""
    depth = max(row["depth"] for row in rows)
    deepest = [row for row in rows if row["depth"] == depth]
    found = "; ".join(
        f"{row['network']} {significant(row['variance'])} (theory {significant(row['theory'])})"
        for row in deepest
    )
    return f"Variance of the signal after {depth} layers: {found}."
