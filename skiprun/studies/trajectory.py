"""Training trajectory: the path of the weights, in its principal plane, over the loss there.

The differences theta_i - theta_n of weights along a run to the last ones span the ways it went. Their first
two principal components, with biases and the numbers of norms left out, are the axes (Li et al. 2018, section
7: 40 to 90 % of the variation lies in them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from skiprun.errors import InputError, percent
from skiprun.registry import STUDIES
from skiprun.studies.base import Evaluate, Facts, Figure, Report, Row, StudyResult, ignore, isolated_copy
from skiprun.studies.plane import Plane, evaluate_grid, grid, is_bias

X, Y = "first principal component (norm of weights)", "second principal component (norm of weights)"
FIGURES = (
    Figure(
        "Loss along the way",
        "surface",
        "x",
        "y",
        X,
        Y,
        value="loss",
        valuelabel="loss",
        where={"what": "surface"},
        log=True,
    ),
    Figure("The way of the weights", "lines", "x", "y", X, Y, where={"what": "way"}),
)
# The plane reaches this much further than the way, as a share of its extent.
MARGIN = 0.2


@STUDIES.register(
    "trajectory",
    paper="Li et al. 2018, section 7",
    figures=FIGURES,
    example="digits-plain20 digits-resnet20",
    look={"split": "train", "images": 256},
)
def trajectory(
    model: nn.Module,
    evaluate: Evaluate,
    states: Sequence[Mapping[str, Tensor]],
    *,
    steps: Annotated[int, Field(ge=3, le=501)] = 11,
    workers: int = 1,
    known: Sequence[Row] = (),
    report: Report = ignore,
) -> StudyResult:
    """Train again to see the way of the weights. In its two principal components, with the loss around it.

    Args:
        model: the network that the states belong to.
        evaluate: model -> scores over a fixed subset of the data; with workers it must be picklable.
        states: state dicts along a run, oldest first; the last is the origin and gives the statistics of
            batch norm.
        steps: points along each component.
        workers: processes that share the points.
        known: rows of an earlier try, which are taken over.
        report: told of each new row.
    """
    if len(states) < 3:
        raise InputError(f"A trajectory needs three states or more to span a plane; found {len(states)}.")
    with isolated_copy(model) as copy:
        copy.load_state_dict(states[-1])
        axes, way, explained = components(copy, states)
        points = grid(*(extent(way[:, axis], steps) for axis in (0, 1)))
        surface = evaluate_grid(Plane(copy, *axes), evaluate, points, known, workers, report)
    rows: list[Row] = [
        {"what": "way", "state": number, "x": x, "y": y} for number, (x, y) in enumerate(way.tolist())
    ]
    rows += [{"what": "surface", **row} for row in surface]
    facts: Facts = {"explained": sum(explained), "explained_1": explained[0], "explained_2": explained[1]}
    one, other = map(percent, explained[:2])
    words = f"Two directions hold {percent(sum(explained))} of the way ({one} and {other})."
    return StudyResult(rows, words, facts)


def components(
    model: nn.Module, states: Sequence[Mapping[str, Tensor]]
) -> tuple[list[list[Tensor]], Tensor, list[float]]:
    """Return the two axes as directions, the way on them [states, 2], and each one's share of variation."""
    named = dict(model.named_parameters())
    moving = [name for name, weight in named.items() if not is_bias(weight)]
    flat = torch.stack(
        [torch.cat([state[name].flatten().double().cpu() for name in moving]) for state in states]
    )
    differences = flat - flat[-1]
    _, lengths, spanning = torch.linalg.svd(differences, full_matrices=False)
    shares = (lengths.square() / lengths.square().sum().clamp(min=1e-300)).tolist()
    axes = []
    for axis in spanning[:2]:
        parts = dict(zip(moving, axis.split([named[name].numel() for name in moving]), strict=True))
        axes.append([unflatten(parts.get(name), weight) for name, weight in named.items()])
    return axes, differences @ spanning[:2].T, shares[:2]


def unflatten(part: Tensor | None, weight: Tensor) -> Tensor:
    """Return a piece of an axis in the shape of its parameter; zero for one that stays."""
    return torch.zeros_like(weight) if part is None else part.view_as(weight).to(weight)


def extent(way: Tensor, steps: int) -> list[float]:
    """Return steps from a little below the lowest to a little above the highest value."""
    low, high = way.min().item(), way.max().item()
    margin = MARGIN * max(high - low, 1e-6)
    return torch.linspace(low - margin, high + margin, steps, dtype=torch.float64).tolist()
