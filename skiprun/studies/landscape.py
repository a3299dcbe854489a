"""Loss landscape: the loss around the trained weights, on a line or plane of filter-normalized directions.

L(theta + x d1 + y d2), where each filter of a random direction has the norm of the filter that it moves,
d_ij <- d_ij / |d_ij| |theta_ij|; biases and the numbers of norms stay (Li et al. 2018, section 4). Without
this a network of large weights looks flat. Two numbers sum a surface up:

    nonconvexity    |l_min| / max(|l_min|, |l_max|) where the smaller eigenvalue l_min of the surface's own
                    Hessian is negative, and 0 elsewhere; mean over the points inside (Li et al. 2018, section
                    6). 0 is convex.
    sharpness       mean rise of the loss within half a filter norm, relative to 1 + L(0): Keskar et al. 2017,
                    equation 4, with the mean for the maximum, as the maximum over a few points is chance

Nonconvexity is what skips change. Sharpness does not tell a network that trained from one that did not: it is
large where there is a low loss to lose, so that a plain network that learned little looks flatter than a
residual one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from skiprun.errors import OptionError
from skiprun.registry import STUDIES
from skiprun.studies.base import Evaluate, Facts, Figure, Report, Row, StudyResult, ignore, isolated_copy
from skiprun.studies.plane import ENDLESS, Plane, evaluate_grid, grid, random_direction
from skiprun.studies.signature import Seed

NEAR = 0.5
X, Y = "first direction (filter norms)", "second direction (filter norms)"
FIGURES = (
    Figure("Loss along a direction", "lines", "x", "loss", X, "loss", where={"y": 0.0}, log=True),
    Figure("Loss surface", "surface", "x", "y", X, Y, value="loss", valuelabel="loss", log=True),
)


@STUDIES.register(
    "landscape",
    paper="Li et al. 2018",
    figures=FIGURES,
    example="digits-plain56 digits-resnet56",
    look={"split": "train", "images": 256},
    also={"trajectory": "train again to see the way to there"},
)
def landscape(
    model: nn.Module,
    evaluate: Evaluate,
    *,
    dims: Annotated[int, Field(ge=1, le=2)] = 2,
    steps: Annotated[int, Field(ge=3, le=501)] = 15,
    span: Annotated[float, Field(ge=0.001, le=100)] = 1.0,
    seed: Seed = 0,
    workers: int = 1,
    known: Sequence[Row] = (),
    report: Report = ignore,
) -> StudyResult:
    """Measure the loss around the weights of a network. The same command continues where it was stopped.

    Args:
        model: a trained network.
        evaluate: model -> scores over a fixed subset of the data; with workers it must be picklable.
        dims: 1: along a line; 2: over a plane.
        steps: points along a direction, an odd number, so that the trained weights are one of them.
        span: distance to the edge, in filter norms.
        seed: seed of the random choices: the same one gives two networks directions of the same draw.
        workers: processes that share the points.
        known: rows of an earlier try with the same options, which are taken over.
        report: told of each new row.
    """
    if steps < 3 or steps % 2 == 0:
        raise OptionError(
            "steps", f"found {steps}; an odd number from 3 on has the trained weights in the middle"
        )
    half = torch.linspace(0, span, steps // 2 + 1, dtype=torch.float64)
    axis = torch.cat([-half.flip(0)[:-1], half]).tolist()  # the middle is 0 to the last bit
    generator = torch.Generator().manual_seed(seed)
    with isolated_copy(model, seed) as copy:
        plane = Plane(copy, random_direction(copy, generator), random_direction(copy, generator))
        points = grid(axis, axis if dims == 2 else [0.0])
        rows = evaluate_grid(plane, evaluate, points, known, workers, report)
    loss = torch.tensor([row["loss"] for row in rows], dtype=torch.float64).view(-1, steps)
    facts = summarize(loss, torch.tensor(axis, dtype=torch.float64))
    return StudyResult(rows, verdict(facts), facts)


def summarize(loss: Tensor, axis: Tensor) -> Facts:
    """Return sharpness and nonconvexity of losses [y, x] (or [1, x]) over an axis."""
    middle = loss[len(loss) // 2, len(axis) // 2]
    ys = axis if len(loss) > 1 else axis.new_zeros(1)
    near = (axis.square() + ys[:, None].square()).sqrt() <= NEAR * axis.max()
    rise = (loss[near].mean() - middle) / (1 + middle)
    return {
        "nonconvexity": nonconvexity(loss).item(),
        "sharpness": rise.item(),
        "loss": middle.item(),
        "highest": loss.max().item(),
    }


def nonconvexity(loss: Tensor) -> Tensor:
    """Return the mean weight of negative curvature of a surface [y, x] or a line [1, x]."""
    if len(loss) == 1:
        bend = loss[0, 2:] - 2 * loss[0, 1:-1] + loss[0, :-2]
        return (bend < 0).double().mean()
    inside = loss[1:-1, 1:-1]
    xx = loss[1:-1, 2:] - 2 * inside + loss[1:-1, :-2]
    yy = loss[2:, 1:-1] - 2 * inside + loss[:-2, 1:-1]
    xy = (loss[2:, 2:] - loss[2:, :-2] - loss[:-2, 2:] + loss[:-2, :-2]) / 4
    hessians = torch.stack([torch.stack([xx, xy], dim=-1), torch.stack([xy, yy], dim=-1)], dim=-1)
    low, high = torch.linalg.eigvalsh(hessians).unbind(dim=-1)
    return (low.neg().clamp(min=0) / torch.maximum(low.abs(), high.abs()).clamp(min=1e-300)).mean()


def verdict(facts: dict[str, float]) -> str:
    """Say how the surface bends."""
    share = facts["nonconvexity"]
    word = "Nearly convex" if share < 0.1 else "Chaotic" if share > 0.5 else "Partly convex"
    highest = f"{facts['highest']:.3g} at most" if facts["highest"] < ENDLESS else "beyond all numbers"
    return (
        f"{word}: nonconvexity {share:.2f} (0 is convex, 1 bends down everywhere). The loss rises from "
        f"{facts['loss']:.3g} to {highest}; sharpness {facts['sharpness']:.3g}, which compares "
        "networks of about the same loss only."
    )
