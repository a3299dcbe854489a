"""Attention without skip connections loses rank doubly exponentially with depth (Dong et al. 2021).

A layer is softmax(X Q (X K)' / sqrt(d)) X V O for tokens X [tokens, d], its matrices with entries of variance
1 / d. The residual |X - 1 m'| / |X|, with the mean m of all tokens, is the share of X in which tokens differ.
Once they are nearly alike, so are the rows of the softmax, and each layer takes the residual to about its
cube: to the power 3^L in L layers (Dong et al. 2021, with another norm). Double precision ends at 2e-16.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed

FIGURES = (
    Figure(
        "What tokens do not share",
        "lines",
        "layers",
        "residual",
        "depth (layers)",
        "residual |X - 1 m'| / |X|",
        group="connection",
        log=True,
    ),
)


@STUDIES.register("attention_rank", paper="Dong et al. 2021", figures=FIGURES)
def attention_rank(
    *,
    layers: Count = 6,
    tokens: Count = 32,
    width: Count = 32,
    draws: Count = 8,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure by depth in how far the tokens of attention layers differ. With skip connections, and without.

    Args:
        layers: of attention, one head each.
        tokens: in a sequence.
        width: of a token.
        draws: networks of each kind, whose logarithms are averaged.
        seed: seed of weights and tokens.
        report: told of each row.
    """
    rows: list[Row] = []
    for connection in ("none", "add"):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(draws, tokens, width, generator=generator, dtype=torch.float64)
        for layer in range(1, layers + 1):
            branch = attention(x, generator)
            x = x + branch if connection == "add" else branch
            share = residual(x).log().mean().exp().item()
            rows.append({"connection": connection, "layers": layer, "residual": share})
            report(rows[-1], 2 * layers)
    facts = {f"{row['connection']}, layer {row['layers']}": row["residual"] for row in rows}
    return StudyResult(rows, verdict(facts, min(4, layers)), facts)


def attention(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return what a layer with weights of its own makes of x [draws, tokens, width]."""
    draws, _, width = x.shape
    drawn = torch.randn(4, draws, width, width, generator=generator, dtype=x.dtype) / math.sqrt(width)
    query, key, value, out = drawn
    scores = (x @ query) @ (x @ key).mT / math.sqrt(width)
    return scores.softmax(dim=-1) @ x @ value @ out


def residual(x: Tensor) -> Tensor:
    """Return |X - 1 m'| / |X| of each X in [draws, tokens, width]."""
    differing = x - x.mean(dim=1, keepdim=True)
    return differing.norm(dim=(1, 2)) / x.norm(dim=(1, 2))


def verdict(facts: Facts, layers: int) -> str:
    """Say how much tokens differ after some layers."""
    without, with_ = (facts[f"{connection}, layer {layers}"] for connection in ("none", "add"))
    return (
        f"Share in which tokens differ after {layers} layers of attention: "
        f"{without:.2g} without skip connections, {with_:.2g} with."
    )
