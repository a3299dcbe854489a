"""Lesion study: the error of a trained network with blocks removed or reordered.

A residual network behaves like an ensemble of its paths: without a block it keeps half of them and nearly all
of its accuracy; a plain network has one path. Blocks are deleted (F(x) := 0; a plain block passes x through),
k at random, and swapped with others of the same shape; Kendall's tau tells how far the order is from the
trained one (Veit et al. 2016, section 4).
"""

from __future__ import annotations

import math
import random
import statistics
from typing import Any, Literal

from torch import nn

from skiprun.registry import STUDIES
from skiprun.studies.base import (
    Evaluate,
    Facts,
    Figure,
    Report,
    Row,
    StudyResult,
    ignore,
    isolated_copy,
    primary_metric,
)
from skiprun.studies.cuts import Shapes
from skiprun.studies.lesion_run import LesionRun
from skiprun.studies.resolution import of_images, smallest_gap
from skiprun.studies.signature import Count, Seed

ROBUST = 5.0  # points
COLLAPSED = 0.5  # share of what the worst lesion costs: a network that errs much when intact has less to lose
BAND = ("damage_low", "damage_high")
DAMAGE = "error added, or score lost (points)"


def damage_figure(title: str, kind: str, what: str, x: str, xlabel: str, **more: Any) -> Figure:
    """Return a figure of the damage that one kind of lesion does."""
    return Figure(title, kind, x, "damage", xlabel, DAMAGE, where={"what": what}, **more)


FIGURES = (
    damage_figure("One block deleted", "bars", "delete", "number", "number of the block from the input"),
    damage_figure("Blocks deleted at random", "lines", "random", "blocks", "deleted blocks", band=BAND),
    damage_figure(
        "Blocks swapped at random", "lines", "swap", "tau", "Kendall's tau with the trained order", band=BAND
    ),
)


@STUDIES.register(
    "lesion", paper="Veit et al. 2016, section 4", figures=FIGURES, example="digits-plain56 digits-resnet56"
)
def lesion(
    model: nn.Module,
    evaluate: Evaluate,
    images: int,
    *,
    side: Literal["branch", "skip"] = "branch",
    draws: Count = 3,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Delete each block, some by chance, and swap some. Shows what a network loses.

    Args:
        model: a trained network with connection sites.
        evaluate: model -> scores.
        images: how many images these are of.
        side: what is cut at a site.
        draws: random choices for each row.
        seed: seed of the random choices.
        report: told of each row.
    """
    with isolated_copy(model, seed) as copy:
        shapes = Shapes(copy)
        intact = evaluate(copy)
        bench = LesionRun(copy, evaluate, intact, shapes.cuttable(), side, draws, random.Random(seed))
        rows: list[Row] = [{"what": "intact", "damage": 0.0, **intact}]
        for row in bench.rows():
            report(row, bench.total)
            rows.append(row)
    facts = summarize(rows, primary_metric(intact), len(shapes.met), images)
    return StudyResult(rows, verdict(facts), facts)


def summarize(rows: list[Row], score: str, sites: int, images: int) -> Facts:
    """Return the damage of single deletions in short, and from where on so many images tell it."""
    single = [row for row in rows if row["what"] == "delete"]
    facts: Facts = {"score": score, "intact": rows[0][score], "sites": sites, "deletable": len(single)}
    facts["images"] = images
    facts["smallest_gap"] = smallest_gap(rows[0][score], images) if score == "error" else None
    if single:
        worst = max(single, key=lambda row: float(row["damage"]))
        facts |= {"median_damage": statistics.median(row["damage"] for row in single)}
        facts["largest_damage"] = max(
            row["damage_high"] if "damage_high" in row else row["damage"] for row in rows
        )
        facts |= {"worst_damage": worst["damage"], "worst_site": worst["site"]}
    return facts


def verdict(facts: Facts) -> str:
    """Say whether the network needs each of its blocks, as far as the images tell."""
    if not facts["deletable"]:
        return "No block can be deleted: nowhere does x fit in the place of the block's output."
    score, middle, largest = facts["score"], facts["median_damage"], facts["largest_damage"]
    intact = f"{facts['intact']:.2f}"
    of = of_images(facts["images"], facts["smallest_gap"], facts["intact"], score)
    found = (
        f"without one block the {score} is worse by {middle:.2f} points in the median, "
        f"by {facts['worst_damage']:.2f} at most ({facts['worst_site']}); intact it is {intact}. {of}"
    )
    gap = ROBUST if score != "error" else facts["smallest_gap"] or math.inf
    if gap > max(ROBUST, middle):  # a loss that matters could pass unseen
        return f"Too few images to tell a loss of {ROBUST:g} points: {found}"
    if largest < ROBUST:
        return (
            f"Nothing to lose: with an intact {score} of {intact}, "
            f"the worst lesion costs {largest:.2f} points. {of}"
        )
    collapsed = middle > COLLAPSED * largest
    word = "Robust" if middle < ROBUST else "Collapse" if collapsed else "Between robust and collapse"
    return f"{word}: {found}"
