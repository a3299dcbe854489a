"""Branches scaled by L^-1/2 keep L residual blocks between explosion and identity (Marion et al. 2022).

A block is x + L^-b V relu(W x), entries of W with variance 1 / width, of V with 2 / width: in mean square the
branch is as long as x. Independent branches add up as the steps of a random walk, E|x_L - x_0|^2 / |x_0|^2 =
(1 + L^-2b)^L - 1: with L it explodes for b < 1/2, tends to e - 1 for b = 1/2, and to 0 beyond, where the
network is the identity. Blocks that share their weights, as the steps of a differential equation nearly do,
all go one way: there b = 1 takes the place of 1/2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed

KINDS = ("independent", "shared")
FIGURES = tuple(
    Figure(
        f"Change of the state by depth, {weights} weights",
        "lines",
        "depth",
        "change",
        "depth L (blocks)",
        "|x_L - x_0| / |x_0|",
        where={"weights": weights},
        group="scale",
        guides=("theory",) if weights == "independent" else (),
        log=True,
    )
    for weights in KINDS
)


@STUDIES.register("depth_scaling", paper="Marion et al. 2022", figures=FIGURES)
def depth_scaling(
    *,
    exponents: tuple[Annotated[float, Field(ge=0)], ...] = (0.25, 0.5, 1.0),
    depths: tuple[Count, ...] = (10, 30, 100, 300, 1000),
    width: Count = 32,
    draws: Count = 4,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure how far L blocks carry a state, by the scale L^-b of their branches.

    Args:
        exponents: values of b.
        depths: values of L.
        width: size of the state.
        draws: networks of each kind, whose logarithms are averaged.
        seed: seed of weights and states.
        report: told of each row.
    """
    rows: list[Row] = []
    for weights in KINDS:
        for depth in depths:
            generator = torch.Generator().manual_seed(seed)
            found = changes(exponents, depth, width, draws, weights == "shared", generator)
            for exponent, change in zip(exponents, found.log().mean(dim=0).exp().tolist(), strict=True):
                row: Row = {"weights": weights, "scale": f"L^-{exponent:g}", "exponent": exponent}
                row |= {"depth": depth, "change": change}
                if weights == "independent":
                    row["theory"] = expected_change(exponent, depth)
                rows.append(row)
                report(row, len(KINDS) * len(depths) * len(exponents))
    deepest = [row for row in rows if row["depth"] == max(depths)]
    facts = {f"{row['weights']} weights, {row['scale']}": row["change"] for row in deepest}
    return StudyResult(rows, verdict(facts, max(depths)), facts)


def changes(
    exponents: Sequence[float], depth: int, width: int, draws: int, shared: bool, generator: torch.Generator
) -> Tensor:
    """Return |x_L - x_0| / |x_0| [draws, exponents]; what is drawn is the same for all exponents."""
    normal = partial(torch.randn, generator=generator, dtype=torch.float64)
    scales = torch.tensor([depth**-exponent for exponent in exponents], dtype=torch.float64)
    start = normal(draws, width, 1).expand(-1, -1, len(exponents))
    x, weights = start, torch.empty(0)
    for block in range(depth):
        if block == 0 or not shared:
            weights = normal(2, draws, width, width) / math.sqrt(width)
        x = x + scales * (math.sqrt(2) * weights[1] @ (weights[0] @ x).relu())
    return (x - start).norm(dim=1) / start.norm(dim=1)


def expected_change(exponent: float, depth: int) -> float:
    """Return the root of the mean square of the change with independent weights."""
    growth = torch.tensor(depth * math.log1p(depth ** (-2 * exponent)), dtype=torch.float64)
    return growth.expm1().sqrt().item()


def verdict(facts: Facts, depth: int) -> str:
    """Say how far the deepest networks carry a state."""
    found = "; ".join(f"{name} {change:.2g}" for name, change in facts.items())
    return f"|x_L - x_0| / |x_0| after {depth} blocks: {found}."
