"""Gradient descent takes time exponential in depth on a deep linear network of one unit (Shamir 2019).

The product w_1 w_2 ... w_L of scalar weights is to become 2; the loss is half the square of what is missing.
Weights come from U(-1, 1), as torch draws a linear layer of one unit. Each has the product of the others for
its gradient, which falls as exp(-L) (Shamir 2019). Factors 1 + w, with w from U(-0.1, 0.1), are the same
network around skip connections: its gradients are near 1, and all layers move together.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed

TARGET, LOSS = 2.0, 0.01
LR = 0.02  # gradient descent on 20 factors near 1 is still stable
BRANCH = 0.1
FIGURES = (
    Figure(
        "Steps until half of the networks have learned",
        "lines",
        "depth",
        "steps",
        "depth (weights)",
        "steps of gradient descent",
        group="connection",
        log=True,
    ),
)


@STUDIES.register("deep_linear", paper="Shamir 2019", figures=FIGURES)
def deep_linear(
    *,
    depths: tuple[Count, ...] = (2, 4, 6, 8, 10),
    draws: Count = 400,
    most: Count = 20_000,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Count steps of gradient descent by depth. For products of scalars, with skip connections and without.

    Args:
        depths: numbers of weights.
        draws: networks of each kind and depth.
        most: steps after which one gives up.
        seed: seed of the weights.
        report: told of each row.
    """
    rows: list[Row] = []
    for connection in ("none", "add"):
        for depth in depths:
            generator = torch.Generator().manual_seed(seed)
            weights = 2 * torch.rand(draws, depth, generator=generator, dtype=torch.float64) - 1
            factors = 1 + BRANCH * weights if connection == "add" else weights
            rows.append({"connection": connection, "depth": depth, "steps": steps(factors, most)})
            report(rows[-1], 2 * len(depths))
    facts = {f"{row['connection']}, depth {row['depth']}": row["steps"] for row in rows}
    return StudyResult(rows, verdict(facts, min(depths), max(depths), most), facts)


def steps(factors: Tensor, most: int) -> float:
    """Return after how many steps half of some products [draws, depth] are learned; infinity if too many."""
    for step in range(most + 1):
        product = factors.prod(dim=1)
        missing = product - TARGET
        if (missing.square() < 2 * LOSS).sum() * 2 >= len(factors):
            return step
        factors = factors - LR * (missing * product)[:, None] / factors
    return math.inf


def verdict(facts: Facts, shallow: int, deep: int, most: int) -> str:
    """Say how many steps the shallowest and the deepest networks take."""
    words = {name: f"{taken}" if math.isfinite(taken) else f"over {most}" for name, taken in facts.items()}
    found = (
        f"{words[f'none, depth {depth}']} and {words[f'add, depth {depth}']} at depth {depth}"
        for depth in (shallow, deep)
    )
    return f"Steps of gradient descent without and with skip connections: {'; '.join(found)}."
