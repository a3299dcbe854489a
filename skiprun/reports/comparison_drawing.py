"""Figures of a comparison: lines with bands, dots with intervals."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from skiprun.palette import look
from skiprun.reports.axes import (
    figure_and_axes,
    figure_with_legend,
    label_ends,
    legend_columns,
    legible,
    name_ticks,
    scale_by_decades,
)
from skiprun.reports.plot_kinds import Curves, Dots, Network

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_curves(plot: Curves) -> Figure:
    """Draw a line and a band for each network, named at its end and below, and a grey line at a level."""
    labels = [network.group.label for network in plot.networks]
    figure, axes = figure_with_legend(labels)
    ends = [_draw_curve(axes, plot, network) for network in plot.networks]
    if plot.level is not None:
        axes.axhline(plot.level, color="grey", linewidth=0.8, zorder=0)
    _scale(axes, plot.log)
    axes.set(xlabel=plot.x, ylabel=plot.y)
    axes.locator_params(axis="x", integer=plot.x in ("epoch", "step"))
    figure.legend(loc="outside lower center", ncols=legend_columns(labels))
    label_ends(axes, ends)
    return figure


def _draw_curve(axes: Axes, plot: Curves, network: Network) -> tuple[float, float, str, str]:
    """Draw one network; return its last place and value, its name and colour.

    Earlier lines are thicker, so that those below others stay visible.
    """
    style, band = look(network.index), plot.band(network)
    mark = "o" if len(band.places) < 4 else ""
    thick = max(1.2, 2.2 - 0.3 * network.index)
    label = legible(network.group.label)
    axes.plot(band.places, band.middle, label=label, lw=thick, marker=mark, markersize=4, **style)
    if band.low != band.high:
        axes.fill_between(band.places, band.low, band.high, color=style["color"], alpha=0.15, linewidth=0)
    return band.places[-1], band.middle[-1], label, style["color"]


def _scale(axes: Axes, log: bool) -> None:
    """Scale the values; a logarithmic axis shows a decade at least, or noise would look like a trend."""
    if log:
        scale_by_decades(axes)
    else:
        axes.set_ylim(bottom=0)


def draw_dots(plot: Dots) -> Figure:
    """Draw a row for each network: its seeds as dots, above them mean and 95 % interval."""
    figure, axes = figure_and_axes(1.1 + 0.36 * len(plot.networks))
    for place, network in enumerate(plot.networks):
        _draw_dots(axes, place, plot, network)
    names = [_in_two_lines(network.group.label) for network in plot.networks]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set(xlabel=plot.x, ylabel="network")
    axes.grid(visible=False, axis="y")
    values = [value for network in plot.networks for value in plot.values(network).values()]
    if min(values) > 0 and max(values) > 20 * min(values):  # networks that work beside one that does not
        axes.set_xscale("log")
        name_ticks(axes.xaxis)
    return figure


def _draw_dots(axes: Axes, place: int, plot: Dots, network: Network) -> None:
    colour, sample = look(network.index)["color"], plot.sample(network)
    values = [*plot.values(network).values()]
    axes.plot(values, [place + 0.17] * len(values), "o", color=colour, markersize=4.5, alpha=0.6, mew=0)
    axes.plot([sample.low, sample.high], [place - 0.1] * 2, color=colour, linewidth=1.2)
    axes.plot([sample.mean], [place - 0.1], "D", color=colour, markersize=5, mew=0)


def _in_two_lines(label: str) -> str:
    """Return a name that leaves room for the axes beside it."""
    return "\n".join(legible(line) for line in textwrap.wrap(label, 30, max_lines=2, placeholder="..."))
