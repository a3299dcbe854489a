"""Products of free residual mixings grow with depth, those of doubly stochastic ones do not.

Hyper-connections carry n residual streams, and each layer mixes them by an n x n matrix H. Behind L layers x
has been multiplied by H_L ... H_1. Here H = 1 + noise is free, or made doubly stochastic from exp(H) by the
iterations of Sinkhorn and Knopp: then rows and columns sum to 1, and so do those of every product. The
composite gain is the largest absolute row or column sum of the product: how much a signal, or a gradient, may
grow on its way (Xie et al. 2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore, spread
from skiprun.studies.signature import Count, Seed

FIGURES = (
    Figure(
        "Composite gain by depth",
        "lines",
        "sites",
        "gain",
        "depth (sites)",
        "composite gain",
        group="mixing",
        band=("gain_low", "gain_high"),
        log=True,
    ),
)


@STUDIES.register("residual_mixing", paper="Xie et al. 2025", figures=FIGURES)
def residual_mixing(
    *,
    sites: Count = 60,
    streams: Count = 4,
    noise: float = 0.15,
    iterations: Annotated[int, Field(ge=0)] = 20,
    draws: Count = 20,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure the composite gain of residual mixings by depth. Free ones, and doubly stochastic ones.

    Args:
        sites: matrices in the product.
        streams: rows and columns of each.
        noise: standard deviation of what is added to the unit matrix.
        iterations: of Sinkhorn and Knopp; none leaves the matrices as they are, positive.
        draws: products of each kind.
        seed: seed of the noise.
        report: told of each row.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (sites, draws, streams, streams)
    free = torch.eye(streams) + noise * torch.randn(shape, generator=generator, dtype=torch.float64)
    kinds = {"free": free, "doubly stochastic": sinkhorn(free.exp(), iterations)}
    rows: list[Row] = []
    for mixing, matrices in kinds.items():
        for site, gains in enumerate(composite_gains(matrices), start=1):
            rows.append({"mixing": mixing, "sites": site, **spread(gains, "gain")})
            report(rows[-1], len(kinds) * sites)
    facts = {row["mixing"]: row["gain"] for row in rows if row["sites"] == sites}
    return StudyResult(rows, verdict(facts, sites), facts)


def sinkhorn(positive: Tensor, iterations: int) -> Tensor:
    """Return positive matrices with their rows and columns divided by their sums in turns."""
    for _ in range(iterations):
        positive = positive / positive.sum(dim=-1, keepdim=True)
        positive = positive / positive.sum(dim=-2, keepdim=True)
    return positive


def composite_gains(matrices: Tensor) -> Iterator[list[float]]:
    """Yield the gains of the products of the first 1, 2, ... of [sites, draws, n, n], one a draw."""
    product = torch.eye(matrices.shape[-1], dtype=matrices.dtype)
    for matrix in matrices:
        product = matrix @ product
        sums = torch.cat([product.abs().sum(dim=-1), product.abs().sum(dim=-2)], dim=-1)
        yield sums.amax(dim=-1).tolist()


def verdict(facts: Facts, sites: int) -> str:
    """Say how large both gains are at the end."""
    return (
        f"Composite gain of {sites} mixings, median: free {facts['free']:.3g}, "
        f"doubly stochastic {facts['doubly stochastic']:.4g}."
    )
