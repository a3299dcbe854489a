"""What all figures share: their size, axes, legends and ticks; no global matplotlib state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skiprun.reports.short_names import short_names

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 5.6  # inches: two figures beside each other on a page, one on a phone
FEW = 12  # names along an axis that can be read
ROW = 0.055  # of an axis' height, for a name at the end of a line


def figure_and_axes(height: float) -> tuple[Figure, Axes]:
    """Return a figure of some inches and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def legend_columns(labels: Sequence[str]) -> int:
    """Return how many names of a legend fit beside each other; in letters, a line's sample takes nine."""
    return max(1, min(len(labels), 80 // (max(map(len, labels), default=1) + 9)))


def figure_with_legend(labels: Sequence[str]) -> tuple[Figure, Axes]:
    """Return a figure with room for a legend below it, and its axes."""
    return figure_and_axes(3.4 + 0.2 * -(-len(labels) // legend_columns(labels)))


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write names beside the axes, apart from each other, where they are few enough to be read.

    Args:
        axes: whose scale is final.
        ends: of each line the last place and value, its name and its colour.
    """
    if not 1 < len(ends) <= FEW:
        return
    to_axes = axes.transData + axes.transAxes.inverted()
    rising = sorted(ends, key=lambda end: end[1])
    heights = [float(to_axes.transform(end[:2])[1]) for end in rising]
    names = short_names([name for _, _, name, _ in rising])
    for height, name, (place, value, _, colour) in zip(spread_out(heights, ROW), names, rising, strict=True):
        axes.annotate(
            name if len(name) <= 18 else f"{name[:8]}...{name[-8:]}",
            (place, value),
            (1.03, height),
            textcoords="axes fraction",
            va="center",
            fontsize="small",
            arrowprops={"arrowstyle": "-", "color": colour, "shrinkA": 1, "shrinkB": 0, "relpos": (0, 0.5)},
        )


def spread_out(heights: Sequence[float], gap: float) -> list[float]:
    """Return rising heights moved apart to a gap or more, from 0 to 1 if they fit."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else max(0.0, height))
    highest = max(1.0, gap * (len(placed) - 1))
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], highest)
        highest = placed[place] - gap
    return placed


def scale_by_decades(axes: Axes) -> None:
    """Scale the values logarithmically, over a decade at least."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 10 * low:
        middle = (low * high) ** 0.5
        low, high = axes.set_ylim(middle / 10**0.5, middle * 10**0.5)
    if high < 300 * low:
        name_ticks(axes.yaxis)


def name_ticks(axis: Axis) -> None:
    """Write 1, 2, 5 and their tenfolds at a logarithmic axis of few decades."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def legible(label: str) -> str:
    """Return a name that matplotlib neither hides (leading '_') nor reads as mathematics ('$')."""
    text = label if len(label) <= 60 else f"{label[:28]}...{label[-28:]}"
    return (" " + text if text.startswith("_") else text).replace("$", r"\$")


def set_tick_names(axis: Axis, names: Sequence[object], rotation: float = 0) -> None:
    """Write names along an axis, every n-th if there are many."""
    step = -(-len(names) // FEW)
    shown = range(0, len(names), step)
    axis.set_ticks(shown, [legible(_tick_text(names[place])) for place in shown], rotation=rotation)


def _tick_text(name: object) -> str:
    return f"{name:g}" if isinstance(name, int | float) else str(name)
