"""Depthwise separable convolutions save multiply-adds: a 3x3 one takes 1/N + 1/9 of a standard convolution.

A depthwise k x k convolution filters each channel, a pointwise 1x1 convolution mixes them to N channels;
together they take 1/N + 1/k^2 of the multiply-adds of a standard k x k convolution (Howard et al. 2017,
section 3.1). Those of a whole network are counted, as it is and with standard convolutions in their place.
"""

from __future__ import annotations

import math

from skiprun.models.complexity.architecture import build_without_content
from skiprun.models.complexity.saving import standard_saving
from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore

FIGURES = (
    Figure(
        "Multiply-adds of separable convolutions",
        "lines",
        "pair",
        "share",
        "pair of convolutions, from the input",
        "share of a standard convolution's",
        guides=("theory",),
    ),
)


@STUDIES.register("separable_convolutions", paper="Howard et al. 2017, section 3.1", figures=FIGURES)
def separable_convolutions(*, network: str = "mobilenet_v1", report: Report = ignore) -> StudyResult:
    """Count what depthwise separable convolutions save.

    Args:
        network: an architecture, perhaps with options as `mobilenet_v1:alpha=0.5`.
        report: told of each row.
    """
    pairs, total = standard_saving(*build_without_content(network))
    rows: list[Row] = []
    for number, pair in enumerate(pairs, start=1):
        theory = 1 / pair["channels"][1] + 1 / math.prod(pair["kernel"])
        row = {"pair": number, "layer": pair["layer"], "channels": pair["channels"][1]}
        rows.append(row | {"share": pair["macs"] / pair["standard_macs"], "theory": theory})
        report(rows[-1], len(pairs))
    facts = {name: total[name] for name in ("macs", "standard_macs", "factor")}
    return StudyResult(rows, verdict(facts, network, len(rows)), facts)


def verdict(facts: Facts, network: str, pairs: int) -> str:
    """Say what is saved in all."""
    return (
        f"{network} has {pairs} depthwise separable convolutions and takes {facts['macs'] / 1e6:,.0f} "
        f"million multiply-adds an image, {facts['factor']:.2f} times fewer than with standard ones."
    )
