"""What all figures share: their size, axes, legends and ticks; no global matplotlib state."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skiprun.palette import STYLE

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 5.6  # inches: two figures beside each other on a page, one on a phone
FEW = 12  # names along an axis that can be read


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
