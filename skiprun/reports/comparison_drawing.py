"""Figures of a comparison: lines with bands, dots with intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skiprun.palette import look
from skiprun.reports.drawing import (
    figure_and_axes,
    figure_with_legend,
    legend_columns,
    legible,
    name_ticks,
    scale_by_decades,
)
from skiprun.results.history import Band
from skiprun.results.statistics import Sample

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Curve:
    """What is drawn for a network; the index decides its look, the same in every figure."""

    label: str
    index: int
    band: Band


@dataclass(frozen=True)
class Dots:
    """The values of a network's seeds, with their mean and its interval."""

    label: str
    index: int
    values: list[float]
    sample: Sample


def draw_curves(
    curves: Sequence[Curve], x: str, y: str, log: bool = True, level: float | None = None
) -> Figure:
    """Draw a line and a band for each network, and a grey line at a level, with the names below."""
    labels = [curve.label for curve in curves]
    figure, axes = figure_with_legend(labels)
    for curve in curves:
        _draw_curve(axes, curve)
    if level is not None:
        axes.axhline(level, color="grey", linewidth=0.8, zorder=0)
    _scale(axes, log)
    axes.set(xlabel=x, ylabel=y)
    axes.locator_params(axis="x", integer=x in ("epoch", "step"))
    figure.legend(loc="outside lower center", ncols=legend_columns(labels))
    return figure


def _draw_curve(axes: Axes, curve: Curve) -> None:
    """Draw one network; earlier lines are thicker, so that those below others stay visible."""
    style, band = look(curve.index), curve.band
    mark = "o" if len(band.places) < 4 else ""
    thick = max(1.2, 2.2 - 0.3 * curve.index)
    axes.plot(
        band.places, band.middle, label=legible(curve.label), lw=thick, marker=mark, markersize=4, **style
    )
    if band.low != band.high:
        axes.fill_between(band.places, band.low, band.high, color=style["color"], alpha=0.15, linewidth=0)


def _scale(axes: Axes, log: bool) -> None:
    """Scale the values; a logarithmic axis shows a decade at least, or noise would look like a trend."""
    if log:
        scale_by_decades(axes)
    else:
        axes.set_ylim(bottom=0)


def draw_dots(networks: Sequence[Dots], x: str) -> Figure:
    """Draw a row for each network: its seeds as dots, above them mean and 95 % interval."""
    figure, axes = figure_and_axes(1.1 + 0.36 * len(networks))
    for place, network in enumerate(networks):
        _draw_dots(axes, place, network)
    axes.set_yticks(range(len(networks)), [_in_two_lines(network.label) for network in networks])
    axes.set_ylim(len(networks) - 0.4, -0.6)
    axes.set(xlabel=x, ylabel="network")
    axes.grid(visible=False, axis="y")
    values = [value for network in networks for value in network.values]
    if min(values) > 0 and max(values) > 20 * min(values):  # networks that work beside one that does not
        axes.set_xscale("log")
        name_ticks(axes.xaxis)
    return figure


def _draw_dots(axes: Axes, place: int, network: Dots) -> None:
    colour, sample = look(network.index)["color"], network.sample
    axes.plot(network.values, [place + 0.17] * sample.n, "o", color=colour, markersize=4.5, alpha=0.6, mew=0)
    axes.plot([sample.low, sample.high], [place - 0.1] * 2, color=colour, linewidth=1.2)
    axes.plot([sample.mean], [place - 0.1], "D", color=colour, markersize=5, mew=0)


def _in_two_lines(label: str) -> str:
    """Return a name that leaves room for the axes beside it."""
    return "\n".join(legible(line) for line in textwrap.wrap(label, 30, max_lines=2, placeholder="..."))
