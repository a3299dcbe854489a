"""Batch norm makes gradients explode in plain networks: by sqrt(pi / (pi - 1)) = 1.21 a layer.

That is the limit of wide layers and large batches (Yang et al. 2019). Behind batch norm and relu two examples
have nothing in common but a mean, so that He-normal weights return values of variance 2 (1/2 - 1/(2 pi)) =
1 - 1/pi over the batch. The next batch norm divides them, and on the way back the gradient, by its root.
Around a skip connection the variance grows by that much with each block, and what is divided by its root is
one branch of many: the gradient grows as a power of the depth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from skiprun.registry import STUDIES
from skiprun.studies.base import Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed
from skiprun.studies.theory.kinds import label
from skiprun.studies.theory.mlp import Mlp

BATCH = 256
FACTOR = math.sqrt(math.pi / (math.pi - 1))
FIGURES = (
    Figure(
        "Gradient of the first layer over the last",
        "lines",
        "depth",
        "first_over_last",
        "depth (layers)",
        "norm, first over last",
        group="network",
        guides=("theory",),
        log=True,
    ),
)


@STUDIES.register("batch_norm_explosion", paper="Yang et al. 2019", figures=FIGURES)
def batch_norm_explosion(
    *,
    depths: tuple[int, ...] = (10, 20, 40, 80),
    width: Count = 256,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure how the gradient grows toward the input with batch norm. Networks are fully connected.

    Args:
        depths: numbers of layers that the gradient passes.
        width: units of each layer.
        seed: seed of weights, inputs and gradients.
        report: told of each row.
    """
    rows: list[Row] = []
    for connection in ("none", "add"):
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            found = first_over_last(connection, depths, width)
        for depth, ratio in zip(depths, found, strict=True):
            row = {"network": label(connection, True), "depth": depth, "first_over_last": ratio}
            row["factor"] = ratio ** (1 / depth)
            rows.append(row | ({"theory": FACTOR**depth} if connection == "none" else {}))
            report(rows[-1], 2 * len(depths))
    facts = {f"{row['network']}, depth {row['depth']}": row["factor"] for row in rows}
    return StudyResult(rows, verdict(rows), facts | {"theory": FACTOR})


def first_over_last(connection: str, depths: Sequence[int], width: int) -> list[float]:
    """Return the norm of the gradient in front of so many layers, by that behind them, which is drawn."""
    states = Mlp(connection, True, max(depths) + 1, width).states(torch.randn(BATCH, width))
    ratios = []
    for depth in depths:
        last = torch.randn(BATCH, width)
        (first,) = torch.autograd.grad(states[depth], states[0], last, retain_graph=True)
        ratios.append((first.norm() / last.norm()).item())
    return ratios


def verdict(rows: list[Row]) -> str:
    """Say by how much the gradient grows at the greatest depth."""
    depth = max(row["depth"] for row in rows)
    found = "; ".join(
        f"{row['network']} {row['factor']:.3f} a layer, {row['first_over_last']:.3g} in all"
        for row in rows
        if row["depth"] == depth
    )
    return (
        f"Growth of the gradient over {depth} layers: {found}. Theory, without a skip: {FACTOR:.3f} a layer."
    )
