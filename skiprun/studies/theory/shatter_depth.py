"""Shattered gradients by depth: the autocorrelation of df/dx for scalar x, in fully connected networks.

256 points in [-2, 2], networks of 200 units, biases N(0, 1) in the first layer alone (Balduzzi et al. 2017,
figure 1).
"""

from __future__ import annotations

import torch

from skiprun.registry import STUDIES
from skiprun.studies.base import Figure, Report, Row, StudyResult, ignore
from skiprun.studies.shatter import LAGS, autocorrelation, brown, gradients, likeness
from skiprun.studies.signature import Count, Seed
from skiprun.studies.theory.kinds import KINDS, label
from skiprun.studies.theory.mlp import Mlp

FIGURES = (
    Figure(
        "Autocorrelation of df/dx by depth",
        "lines",
        "lag",
        "autocorrelation",
        "lag (points of 256 in [-2, 2])",
        "autocorrelation",
        group="layers",
        panel="kind",
        guides=("brown", "white"),
    ),
)


@STUDIES.register("shatter_depth", paper="Balduzzi et al. 2017, figure 1", figures=FIGURES)
def shatter_depth(
    *,
    depths: tuple[int, ...] = (2, 10, 24, 50),
    width: Count = 200,
    draws: Count = 30,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Measure the autocorrelation of df/dx by depth. Networks are fully connected, by connection and norm.

    Args:
        depths: numbers of layers.
        width: units of each layer.
        draws: networks of each kind.
        seed: seed of their weights.
        report: told of each row.
    """
    line = torch.linspace(-2, 2, 256)[:, None]
    rows: list[Row] = []
    facts: dict[str, float] = {}
    total = len(KINDS) * len(depths) * len(LAGS)
    for connection, normed in KINDS:
        for depth in depths:
            with torch.random.fork_rng([]):
                torch.manual_seed(seed)
                networks = (Mlp(connection, normed, depth, width, inputs=1) for _ in range(draws))
                found = torch.stack([autocorrelation(gradients(each, line)) for each in networks]).mean(dim=0)
            row: Row = {"kind": label(connection, normed), "layers": f"{depth} layers", "depth": depth}
            kind = [
                row
                | {
                    "lag": lag,
                    "autocorrelation": value,
                    "brown": brown(lag, len(line)),
                    "white": float(lag == 0),
                }
                for lag, value in zip(LAGS, found.tolist(), strict=True)
            ]
            facts[f"{row['kind']}, {row['layers']}"] = likeness(kind)["brown_share"]
            for each in kind:
                rows.append(each)
                report(each, total)
    return StudyResult(rows, verdict(facts), facts)


def verdict(facts: dict[str, float]) -> str:
    """Name the networks whose gradients are nearest to white and to brown noise."""
    white, brownish = (min(facts, key=lambda name: abs(facts[name] - noise)) for noise in (0, 1))
    return (
        f"Nearest to white noise: {white} ({facts[white]:.2f} on the way from white, 0, to brown, 1). "
        f"Nearest to brown noise: {brownish} ({facts[brownish]:.2f})."
    )
