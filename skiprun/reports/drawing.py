"""What all figures share: their size, axes, legends and ticks; no global matplotlib state."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skiprun.palette import STYLE
from skiprun.system.files import write_bytes, write_text

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 5.6  # inches: two figures beside each other on a page, one on a phone
FEW = 12  # names along an axis that can be read
ROW = 0.055  # of an axis' height, for a name at the end of a line


@dataclass(frozen=True)
class Drawing:
    """A figure, the name of its files, and the words below it."""

    name: str
    caption: str
    figure: Figure

    def write(self, folder: Path) -> Path:
        """Write the figure as PNG, and as SVG and PDF for papers and slides; return the PNG file.

        Raises:
            StorageError: the folder cannot be written.
        """
        file = folder / f"{self.name}.png"
        write_bytes(file, self.png())
        write_text(file.with_suffix(".svg"), self._svg_file)
        write_bytes(file.with_suffix(".pdf"), self._saved("pdf", CreationDate=None))
        return file

    def png(self) -> bytes:
        """Return the figure as a PNG file."""
        return self._saved("png", Software=None)

    def svg(self) -> str:
        """Return the figure as an element of a page: its ink is the page's."""
        return for_page(self._svg_file)

    @cached_property
    def _svg_file(self) -> str:
        return self._saved("svg", Date=None).decode()

    def _saved(self, kind: str, **metadata: None) -> bytes:
        """Return a file of one kind, whose text stays text; a figure drawn again gives the same bytes."""
        from matplotlib import rc_context

        buffer = io.BytesIO()
        fonts = {"svg.fonttype": "none", "svg.hashsalt": self.name}
        with rc_context({**STYLE, **fonts}):  # ticks are made while drawing
            self.figure.savefig(buffer, format=kind, transparent=kind == "svg", metadata=metadata)
        return buffer.getvalue()


def for_page(svg: str) -> str:
    """Return the SVG file of a figure without what a page says itself: fonts, names of parts, black.

    It takes the width that there is.
    """
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", element, flags=re.DOTALL)
    element = re.sub(r' (?:xmlns(?::xlink)?|version)="[^"]*"|(?<=<g) id="[^"]*"', "", element)
    element = re.sub(r'^<svg width="[^"]*" height="[^"]*"', '<svg fill="currentColor"', element)
    element = re.sub(r"font-family: [^;\"]*;? ?", "", element)
    element = re.sub(r"#(?:000000|262626)\b", "currentColor", element)
    element = re.sub(r"(\d\.\d\d)\d+", r"\1", element)
    element = re.sub(r' transform="rotate\(-0 [^"]*"|<path d="[^"]*" style="fill: none"/>', "", element)
    element = re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=>)\s+(?=<)|\s+(?=\")", "", element))
    element = re.sub(r'style="[^"]*"', lambda style: style[0].replace(": ", ":").replace("; ", ";"), element)
    return re.sub(r"<(g|defs)></\1>", "", element)


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
    for height, (place, value, name, colour) in zip(spread_out(heights, ROW), rising, strict=True):
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
