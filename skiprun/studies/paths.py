"""Path lengths: through how many branches does the gradient of the first layers flow?

n blocks make 2^n paths, C(n, k) of them through k branches. In the backward pass alone, k random sites send
the gradient through their branch and the others through their skip; its norm at the input of the first block,
times C(n, k), is what paths of length k give together (Veit et al. 2016, section 5). The gradient falls with
k exponentially, so that the effective paths are much shorter than n / 2.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from itertools import accumulate

from torch import nn

from skiprun.errors import percent
from skiprun.registry import STUDIES
from skiprun.studies.base import (
    Batches,
    Facts,
    Figure,
    Loss,
    Report,
    Row,
    StudyResult,
    ignore,
    isolated_copy,
)
from skiprun.studies.path_tracer import Tracer
from skiprun.studies.signature import Count, Seed

LENGTH = "path length (branches on the way)"
AT_FIRST_BLOCK = "norm at the first block's input"
BAND = ("gradient_low", "gradient_high")
FIGURES = (
    Figure("Paths of each length", "bars", "length", "paths", LENGTH, "share of all paths"),
    Figure(
        "Gradient of one path", "lines", "length", "gradient", LENGTH, AT_FIRST_BLOCK, band=BAND, log=True
    ),
    Figure("Gradient of all paths of a length", "bars", "length", "share", LENGTH, "share of the gradient"),
)
# The effective lengths are the shortest range that holds this share of the gradient.
EFFECTIVE = 0.9


@STUDIES.register(
    "paths",
    paper="Veit et al. 2016, section 5",
    figures=FIGURES,
    example="digits-resnet56",
    look={"split": "train", "batches": 4, "batch_size": 32},
)
def paths(
    model: nn.Module,
    batches: Batches,
    loss: Loss,
    *,
    draws: Count = 12,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure through how many branches the gradient comes.

    Args:
        model: a trained network with connection sites.
        batches: each draw looks at one of them, in turn; some 32 images are enough.
        loss: what is differentiated.
        draws: random choices for each row.
        seed: seed of the random choices.
        report: told of each row.
    """
    rng = random.Random(seed)
    rows: list[Row] = []
    with isolated_copy(model, seed) as copy:
        tracer = Tracer(copy.eval(), loss)
        total = len(tracer.sites)
        for length in range(total + 1):
            chosen = [rng.sample(tracer.sites, length) for _ in range(draws)]
            norms = [tracer.norm(each, batches[draw % len(batches)]) for draw, each in enumerate(chosen)]
            low, high = min(norms), max(norms)
            row = {"length": length, "paths": math.comb(total, length) / 2**total}
            rows.append(
                row | {"gradient": statistics.fmean(norms), "gradient_low": low, "gradient_high": high}
            )
            report(rows[-1], total + 1)
    facts = shared(rows)
    return StudyResult(rows, verdict(facts), facts)


def shared(rows: list[Row]) -> Facts:
    """Add each length's share of the gradient to its row, and return the effective lengths."""
    product = [row["gradient"] * row["paths"] for row in rows]
    whole = sum(product)
    shares = [each / (whole or 1.0) for each in product]
    for row, share, up_to in zip(rows, shares, accumulate(shares), strict=True):
        row["share"], row["share_up_to"] = share, up_to
    first, last = shortest_range(shares)
    middle = (len(rows) - 1) / 2
    return {
        "gradient": whole,
        "sites": len(rows) - 1,
        "mean_length": middle,
        "effective_length": sum(length * share for length, share in enumerate(shares)),
        "effective_from": first,
        "effective_to": last,
        "effective_paths": sum(row["paths"] for row in rows[first : last + 1]),
        "share_shorter_than_mean": sum(share for length, share in enumerate(shares) if length < middle),
    }


def shortest_range(shares: Sequence[float]) -> tuple[int, int]:
    """Return the first and the last length of the shortest range that holds the EFFECTIVE share."""
    sums = [0.0, *accumulate(shares)]
    # Sums of floats may stay a hair below 1.
    ranges = [
        (a, b)
        for a in range(len(shares))
        for b in range(a, len(shares))
        if sums[b + 1] - sums[a] >= EFFECTIVE - 1e-9
    ]
    return min(ranges, key=lambda ends: ends[1] - ends[0], default=(0, len(shares) - 1))


def verdict(facts: Facts) -> str:
    """Say how long the paths are that carry the gradient."""
    if not facts["gradient"]:
        return "No gradient reaches the first block."
    if facts["effective_length"] == facts["sites"]:
        return f"There is one path, through all {facts['sites']} branches, as in a plain network."
    return (
        f"{percent(EFFECTIVE)} of the gradient comes through {facts['effective_from']} to "
        f"{facts['effective_to']} of {facts['sites']} branches, {facts['effective_length']:.1f} in the mean. "
        f"Those are {100 * facts['effective_paths']:.2g} % of all paths, "
        f"which have {facts['mean_length']:g} in the mean."
    )
