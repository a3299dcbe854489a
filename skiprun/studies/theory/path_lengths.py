"""Lengths of the paths through a residual network: binomial, with a mean of half the number of blocks.

Each of n blocks is passed through its branch or around it, so that C(n, k) of the 2^n paths go through k
branches (Veit et al. 2016, section 5). They are counted by a network: unit k of its input is 1 if a path of k
branches comes in, every branch moves all units on by one, and the connections sum what meets at them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count
from skiprun.studies.theory.mlp import Mlp

FIGURES = (
    Figure(
        "Paths by length",
        "lines",
        "length",
        "share",
        "path length (branches on the way)",
        "share of all paths",
        guides=("binomial",),
    ),
)


@STUDIES.register("path_lengths", paper="Veit et al. 2016, section 5", figures=FIGURES)
def path_lengths(*, blocks: Count = 54, connection: str = "add", report: Report = ignore) -> StudyResult:
    """Count the paths of each length through a residual network.

    Args:
        blocks: how many follow each other.
        connection: what joins the two ways around and through a block.
        report: told of each row.
    """
    paths = count_paths(blocks, connection)
    total = math.fsum(paths)
    rows: list[Row] = []
    for length, count in enumerate(paths):
        share, binomial = count / total, math.comb(blocks, length) / 2**blocks
        rows.append({"length": length, "paths": count, "share": share, "binomial": binomial})
        report(rows[-1], blocks + 1)
    facts = {
        "paths": total,
        "mean_length": math.fsum(row["length"] * row["share"] for row in rows),
        "distance_from_binomial": math.fsum(abs(row["share"] - row["binomial"]) for row in rows) / 2,
    }
    return StudyResult(rows, verdict(facts, blocks), facts)


@torch.no_grad()
def count_paths(blocks: int, connection: str) -> list[float]:
    """Return the number of paths through 0, 1, ... branches; whole numbers are exact up to 2^53."""
    with torch.random.fork_rng([]):
        model = Mlp(connection, False, blocks, blocks + 1).double().eval()
    for layer in model.layers:
        assert isinstance(layer.weight, Tensor)
        layer.weight.copy_(torch.diag(torch.ones(blocks), -1))
    start = torch.zeros(1, blocks + 1, dtype=torch.float64)
    start[0, 0] = 1
    counts: list[float] = model(start)[0].tolist()
    return counts


def verdict(facts: Facts, blocks: int) -> str:
    """Say how many paths there are, and how long."""
    return (
        f"{facts['paths']:.4g} paths lead through {blocks} blocks, {facts['mean_length']:g} branches long in "
        f"the mean; their lengths differ from binomial ones by {100 * facts['distance_from_binomial']:.2g} %."
    )
