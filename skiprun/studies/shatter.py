"""Shattered gradients: how correlated are the gradients of neighbouring inputs?

Along a line of inputs x_1 ... x_n, g_i = d(v f(x_i)) / dx_i for a random v, and its autocorrelation by lag,
sum_i <g_i - g, g_(i+lag) - g> / sum_i |g_i - g|^2. In deep plain networks it is that of white noise, in
residual ones nearer to that of a random walk, brown noise (Balduzzi et al. 2017, section 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from skiprun.errors import OptionError
from skiprun.registry import STUDIES
from skiprun.studies.base import Batch, Figure, Row, StudyResult, isolated_copy
from skiprun.studies.signature import Count

LAGS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15)
FIGURES = (
    Figure(
        "Autocorrelation of the gradient",
        "lines",
        "lag",
        "autocorrelation",
        "lag (points along the line)",
        "autocorrelation",
        band=("low", "high"),
        guides=("brown", "white"),
    ),
)


@STUDIES.register(
    "shatter",
    paper="Balduzzi et al. 2017, section 2",
    figures=FIGURES,
    example="plain56 resnet56",
    look={"split": "train", "batches": 1},
    without_names=("shatter_depth", "shatter_theorem"),
)
def shatter(
    models: Iterable[nn.Module],
    batch: Batch,
    *,
    points: Annotated[int, Field(ge=31, le=4096)] = 128,
    lines: Count = 3,
    inference: bool = False,
) -> StudyResult:
    """Compare gradients along lines with white and brown noise.

    Without a name, the paper's fully connected networks are drawn: autocorrelation by depth, and the
    theorems.

    Args:
        models: networks of one architecture, one a seed; or the one of a run.
        batch: lines are drawn between its images.
        points: inputs on a line.
        lines: lines between images, for each network.
        inference: use batch norm's running statistics, not those of the line's points as while a network
            trains.
    """
    if points <= 2 * LAGS[-1]:
        raise OptionError(
            "points", f"found {points}; lags go up to {LAGS[-1]}, so that more than {2 * LAGS[-1]} are needed"
        )
    images, _ = batch
    found = []
    for seed, model in enumerate(models):
        with isolated_copy(model, seed) as copy:
            copy.train(not inference)
            for _ in range(lines):
                start, end = images[torch.randperm(len(images))[:2].to(images.device)]
                steps = torch.linspace(0, 1, points, device=images.device).view(-1, *[1] * start.ndim)
                found.append(autocorrelation(gradients(copy, torch.lerp(start, end, steps))))
    rows = lag_rows(torch.stack(found), points)
    facts = likeness(rows)
    return StudyResult(rows, verdict(facts), facts)


def gradients(model: nn.Module, line: Tensor) -> Tensor:
    """Return d(v f(x)) / dx at each point of a line, [points, size of x], for a random v."""
    line = line.detach().requires_grad_()
    outputs = model(line).flatten(1)
    direction = torch.randn(outputs.shape[1]).to(outputs)
    (found,) = torch.autograd.grad((outputs @ direction).sum(), line)
    return found.flatten(1)


def autocorrelation(values: Tensor) -> Tensor:
    """Return the autocorrelation at LAGS of a sequence of vectors [points, size]."""
    values = values.double() - values.double().mean(dim=0)
    power = values.square().sum(dim=1).mean()
    products = [(values[: len(values) - lag] * values[lag:]).sum(dim=1).mean() for lag in LAGS]
    return torch.stack(products).cpu() / power.clamp(min=1e-300).cpu()


def brown(lag: int, points: int) -> float:
    """Return the expected autocorrelation of a random walk around its own mean."""
    time, step = torch.arange(points - lag).double() / points, lag / points
    # Covariance of W(s) - mean W and W(t) - mean W for s < t in 0..1; its mean over s = t is 1/6.
    covariance = time.square() / 2 - time - step + (time + step).square() / 2 + 1 / 3
    return (6 * covariance.mean()).item()


def lag_rows(found: Tensor, points: int) -> list[Row]:
    """Return one row a lag from autocorrelations [lines, lags]."""
    low, high = found.quantile(found.new_tensor([0.1, 0.9]), dim=0)
    rows: list[Row] = []
    for index, lag in enumerate(LAGS):
        row: Row = {"lag": lag, "autocorrelation": found[:, index].mean().item()}
        row |= {"low": low[index].item(), "high": high[index].item()}
        rows.append(row | {"brown": brown(lag, points), "white": float(lag == 0)})
    return rows


def likeness(rows: list[Row]) -> dict[str, float]:
    """Return how far the autocorrelation is from white noise, 0, toward brown noise, 1."""
    behind = [row for row in rows if row["lag"]]
    brown_share = sum(row["autocorrelation"] for row in behind) / sum(row["brown"] for row in behind)
    return {"brown_share": brown_share, "at_lag_1": behind[0]["autocorrelation"]}


def verdict(facts: dict[str, float]) -> str:
    """Say what noise the gradients look like."""
    share = facts["brown_share"]
    word = (
        "Shattered, like white noise"
        if share < 0.2
        else "Like brown noise"
        if share > 0.8
        else "Between the noises"
    )
    return (
        f"{word}: {share:.2f} on the way from white (0) to brown noise (1); "
        f"{facts['at_lag_1']:.2f} between neighbours."
    )
