"""Drawing primitives of comparison figures: lines with bands, dots with intervals; no global matplotlib state."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skiprun.palette import STYLE, look
from skiprun.results.history import Band
from skiprun.results.statistics import Sample

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 5.6  # inches: two figures beside each other on a page, one on a phone


@dataclass(frozen=True)
class Drawing:
    """A figure, its file name without '.png', and the words below it."""

    name: str
    caption: str
    figure: Figure

    def png(self) -> bytes:
        """Return the figure as a PNG file."""
        from matplotlib import rc_context

        buffer = io.BytesIO()
        with rc_context(STYLE):  # ticks are made while drawing
            self.figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()


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


def figure_and_axes(height: float) -> tuple[Figure, Axes]:
    """Return a figure of some inches and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def draw_lines(curves: Sequence[Curve], x: str, y: str, log: bool = True, level: float | None = None) -> Figure:
    """Draw a line and a band for each network, and a grey line at a level, with the names below."""
    labels = [curve.label for curve in curves]
    beside = max(1, min(len(labels), 80 // (max(map(len, labels)) + 9)))  # in letters; a line's sample takes nine
    figure, axes = figure_and_axes(3.4 + 0.2 * -(-len(labels) // beside))
    for curve in curves:
        _draw_curve(axes, curve)
    if level is not None:
        axes.axhline(level, color="grey", linewidth=0.8, zorder=0)
    _scale(axes, log)
    axes.set(xlabel=x, ylabel=y)
    axes.locator_params(axis="x", integer=x in ("epoch", "step"))
    figure.legend(loc="outside lower center", ncols=beside)
    return figure


def _draw_curve(axes: Axes, curve: Curve) -> None:
    """Draw one network; earlier lines are thicker, so that those below others stay visible."""
    style, band = look(curve.index), curve.band
    mark = "o" if len(band.places) < 4 else ""
    thick = max(1.2, 2.2 - 0.3 * curve.index)
    axes.plot(band.places, band.middle, label=legible(curve.label), lw=thick, marker=mark, markersize=4, **style)
    if band.low != band.high:
        axes.fill_between(band.places, band.low, band.high, color=style["color"], alpha=0.15, linewidth=0)


def _scale(axes: Axes, log: bool) -> None:
    """Scale the values; a logarithmic axis shows a decade at least, so that noise does not look like a trend."""
    if log:
        scale_by_decades(axes)
    else:
        axes.set_ylim(bottom=0)


def scale_by_decades(axes: Axes) -> None:
    """Scale the values logarithmically, over a decade at least."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 10 * low:
        middle = (low * high) ** 0.5
        low, high = axes.set_ylim(middle / 10**0.5, middle * 10**0.5)
    if high < 300 * low:
        _name_ticks(axes.yaxis)


def _name_ticks(axis: Axis) -> None:
    """Write 1, 2, 5 and their tenfolds at a logarithmic axis of few decades."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


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
        _name_ticks(axes.xaxis)
    return figure


def _draw_dots(axes: Axes, place: int, network: Dots) -> None:
    colour, sample = look(network.index)["color"], network.sample
    axes.plot(network.values, [place + 0.17] * sample.n, "o", color=colour, markersize=4.5, alpha=0.6, mew=0)
    axes.plot([sample.low, sample.high], [place - 0.1] * 2, color=colour, linewidth=1.2)
    axes.plot([sample.mean], [place - 0.1], "D", color=colour, markersize=5, mew=0)


def legible(label: str) -> str:
    """Return a name that matplotlib neither hides (leading '_') nor reads as mathematics ('$')."""
    text = label if len(label) <= 60 else f"{label[:28]}...{label[-28:]}"
    return (" " + text if text.startswith("_") else text).replace("$", r"\$")


def _in_two_lines(label: str) -> str:
    """Return a name that leaves room for the axes beside it."""
    return "\n".join(legible(line) for line in textwrap.wrap(label, 30, max_lines=2, placeholder="..."))
