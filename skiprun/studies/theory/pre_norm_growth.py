"""The variance of a pre-norm network grows in proportion to its depth (Sun et al. 2025).

x_l = x_(l-1) + s_l W_l relu(LN(x_(l-1))), W_l He-normal: whatever the size of x, a branch adds s_l^2 to its
variance. With s = 1 that is 1 + l at initialization; Sun et al. 2025 bound it by orders of L and exp(L). With
layer norm scaling, s_l = 1 / sqrt(l), it is 1 + (1 + 1/2 + ... + 1/l), of the order of log l.
"""

from __future__ import annotations

import math

import torch
from torch.nn.functional import layer_norm

from skiprun.registry import STUDIES
from skiprun.studies.base import Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed

KINDS = ("pre-norm", "layer norm scaling")
EXAMPLES = 16
FIGURES = (
    Figure(
        "Variance by depth",
        "lines",
        "depth",
        "variance",
        "depth (blocks)",
        "variance of x",
        group="network",
        guides=("theory",),
        log=True,
    ),
)


@STUDIES.register("pre_norm_growth", paper="Sun et al. 2025", figures=FIGURES)
def pre_norm_growth(
    *,
    blocks: Count = 64,
    width: Count = 256,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure the variance of a pre-norm network by depth. With layer norm scaling, and without.

    Args:
        blocks: of the network.
        width: units of each.
        seed: seed of weights and examples.
        report: told of each row.
    """
    rows: list[Row] = []
    for network in KINDS:
        generator, expected = torch.Generator().manual_seed(seed), 1.0
        x = torch.randn(EXAMPLES, width, generator=generator)
        for block in range(1, blocks + 1):
            scale = 1.0 if network == "pre-norm" else 1 / math.sqrt(block)
            weights = torch.randn(width, width, generator=generator) * math.sqrt(2 / width)
            x = x + scale * layer_norm(x, [width]).relu() @ weights
            expected += scale**2
            row = {"network": network, "depth": block, "variance": x.var().item(), "theory": expected}
            rows.append(row)
            report(row, len(KINDS) * blocks)
    facts = {row["network"]: row["variance"] for row in rows if row["depth"] == blocks}
    return StudyResult(rows, verdict(rows, blocks), facts)


def verdict(rows: list[Row], blocks: int) -> str:
    """Say how large the variance is at the end, beside what theory expects."""
    found = "; ".join(
        f"{row['network']} {row['variance']:.3g} (theory {row['theory']:.3g})"
        for row in rows
        if row["depth"] == blocks
    )
    return f"Variance after {blocks} blocks: {found}."
