"""Expected depth of a network with stochastic depth: with p_L = 1/2, three quarters of its blocks.

Block l of L is kept with the probability p_l = 1 - l/L (1 - p_L), and the others are passed around. Their
expected number is the sum of p_l, (3 L - 1) / 4 with p_L = 1/2: 40 of the 54 blocks of 110 layers (Huang et
al. 2016, section 3). Here each connection of the network is drawn, and a block counts if its branch comes
through.
"""

from __future__ import annotations

import math

import torch

from skiprun.connections import Connection, sites
from skiprun.models.complexity.architecture import build_without_content
from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed

FIGURES = (
    Figure(
        "Blocks kept in training",
        "lines",
        "block",
        "kept",
        "block, from the input",
        "share of the draws",
        guides=("theory",),
    ),
)


@STUDIES.register("expected_depth", paper="Huang et al. 2016, section 3", figures=FIGURES)
def expected_depth(
    *,
    network: str = "resnet110",
    survival: float = 0.5,
    draws: Count = 100,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure how many blocks stochastic depth keeps.

    Args:
        network: an architecture with connection sites.
        survival: probability that the last block is kept.
        draws: steps of training that are drawn.
        seed: seed of the draws.
        report: told of each row.
    """
    chosen = f"connection=stochastic_depth,connection_options.survival={survival}"
    model, _ = build_without_content(f"{network}:{chosen}")
    joins = list(sites(model.train()).values())
    rows: list[Row] = []
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        for number, join in enumerate(joins, start=1):
            theory = 1 - number / len(joins) * (1 - survival)
            rows.append({"block": number, "kept": share_kept(join, draws), "theory": theory})
            report(rows[-1], len(joins))
    facts = {
        "blocks": len(joins),
        "kept": math.fsum(row["kept"] for row in rows),
        "theory": math.fsum(row["theory"] for row in rows),
    }
    return StudyResult(rows, verdict(facts), facts)


def share_kept(join: Connection, draws: int) -> float:
    """Return in which share of the draws a branch comes through."""
    shortcut, branch = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    return sum(join(shortcut, branch).item() != 0 for _ in range(draws)) / draws


def verdict(facts: Facts) -> str:
    """Say how many blocks are left in the mean."""
    return (
        f"{facts['kept']:.1f} of {facts['blocks']} blocks are kept in the mean "
        f"(theory {facts['theory']:.2f})."
    )
