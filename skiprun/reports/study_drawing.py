"""Drawing primitives of study figures: lines, bars, matrices and surfaces from rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from skiprun.palette import COLOURS, SEQUENTIAL, look
from skiprun.reports.drawing import WIDTH, figure_and_axes, legible, scale_by_decades
from skiprun.reports.study_rows import Description, Document, Grid, Line, grids_of, lines_of, panels_of, ways_over

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

LEVELS = 14  # steps of colour on a surface
DECADES = 4  # what a surface shows above its lowest point; beyond, all is hopeless
MOST_PANELS = 4
FEW_POINTS = 16  # points of a line that are marked
FEW = 12  # names along an axis that can be read
GUIDES = ("--", ":", "-.")


def draw_study_lines(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw a line and a band for each network and group, and guides thin beside them; panels share their scales."""
    panels = panels_of(documents, figure)
    if len(panels) == 1:
        drawing, axes = _with_legend([*(line.label for line in lines_of(documents, panels[0])), *figure["guides"]])
        _draw_panel(axes, panels[0], documents)
        return _finish(drawing, axes, panels[0])
    below = -(-len(panels) // 2)
    drawing, axes = figure_and_axes(0.9 + 2.1 * below)
    drawing.delaxes(axes)
    beside = list(drawing.subplots(below, 2, sharex=True, sharey=True).flat)
    for axes, panel in zip(beside, panels, strict=False):
        _draw_panel(axes, panel, documents)
        _finish(drawing, axes, panel, legend=axes is beside[0])
        axes.label_outer()
    drawing.suptitle(figure["title"], x=0.01, ha="left", fontsize="medium")
    return drawing


def _draw_panel(axes: Axes, figure: Description, documents: Sequence[Document]) -> None:
    """Draw the lines and guides of one panel."""
    lines = lines_of(documents, figure)
    mark = "o" if max(len(line.places) for line in lines) < FEW_POINTS and len(lines) <= len(COLOURS) else ""
    for line in lines:
        _draw_line(axes, line, mark)
    for number, guide in enumerate(figure["guides"]):
        _guide(axes, lines_of(documents, figure, guide), guide.rsplit("_")[-1], GUIDES[number % len(GUIDES)])
    if figure["log"]:
        scale_by_decades(axes)


def _draw_line(axes: Axes, line: Line, mark: str) -> None:
    """Draw one line; earlier ones are thicker, so that those below others stay visible."""
    style, thick = look(line.index), max(1.2, 2.2 - 0.3 * line.index)
    mark = mark or ("o" if len(line.places) == 1 else "")
    axes.plot(line.places, line.values, label=legible(line.label), lw=thick, marker=mark, markersize=3.5, **style)
    if line.low != line.high:
        axes.fill_between(line.places, line.low, line.high, color=style["color"], alpha=0.15, linewidth=0)


def _guide(axes: Axes, lines: Sequence[Line], name: str, dashes: str) -> None:
    """Draw one guide: once in grey where all lines share it, else thin in the colour of each."""
    shared = all((line.places, line.values) == (lines[0].places, lines[0].values) for line in lines)
    for line in lines[:1] if shared else lines:
        colour = "grey" if shared else look(line.index)["color"]
        axes.plot(line.places, line.values, color=colour, linestyle=dashes, linewidth=0.8, zorder=1)
    if lines:
        axes.plot([], [], color="grey", linestyle=dashes, linewidth=0.8, label=name)


def draw_bars(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw a bar for each place, those of several networks side by side."""
    lines = lines_of(documents, figure)
    drawing, axes = _with_legend([line.label for line in lines])
    for number, line in enumerate(lines):
        width = 0.8 / len(lines)
        places = [place + (number - (len(lines) - 1) / 2) * width for place in line.places]
        axes.bar(places, line.values, width, color=look(line.index)["color"], label=legible(line.label))
    axes.grid(visible=False, axis="x")
    if lines[0].names:
        _set_tick_names(axes.xaxis, lines[0].names)
    else:
        axes.locator_params(axis="x", integer=True)
    if figure["log"]:
        axes.set_yscale("log")
    return _finish(drawing, axes, figure)


def _with_legend(labels: Sequence[str]) -> tuple[Figure, Axes]:
    """Return a figure with room for a legend below it."""
    beside = _beside(labels)
    drawing, axes = figure_and_axes(3.4 + 0.2 * -(-len(labels) // beside))
    return drawing, axes


def _beside(labels: Sequence[str]) -> int:
    """Return how many names of a legend fit beside each other; in letters, a line's sample takes nine."""
    longest = max(map(len, labels), default=1)
    return max(1, min(len(labels), 80 // (longest + 9)))


def _finish(drawing: Figure, axes: Axes, figure: Description, legend: bool = True) -> Figure:
    """Name the axes, and the lines below them; return the figure."""
    axes.set_title(figure["title"], loc="left", fontsize="medium")
    axes.set(xlabel=figure["xlabel"], ylabel=figure["ylabel"])
    _, labels = axes.get_legend_handles_labels()
    if legend and len(labels) > 1:
        drawing.legend(loc="outside lower center", ncols=_beside(labels))
    return drawing


def draw_matrix(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw a panel of coloured cells for each network, all with one scale of colours."""
    grids = [grid for document in documents for grid in grids_of(document, figure)][:MOST_PANELS]
    drawing, panels = _panels(figure, grids)
    norm = _colour_scale(*_limits(grids, figure["log"]), figure["log"])
    for axes, grid in zip(panels, grids, strict=True):
        image = axes.imshow(grid.values, origin="lower", aspect="auto", cmap=SEQUENTIAL, norm=norm)
        axes.grid(visible=False)
        _set_tick_names(axes.xaxis, grid.xs, rotation=90 if any(isinstance(x, str) for x in grid.xs) else 0)
        _set_tick_names(axes.yaxis, grid.ys)
        axes.set(xlabel=figure["xlabel"], ylabel=figure["ylabel"] if axes is panels[0] else "")
    drawing.colorbar(image, ax=list(panels), label=figure["valuelabel"])
    return drawing


def _set_tick_names(axis: Axis, names: Sequence[object], rotation: float = 0) -> None:
    """Write names along an axis, every n-th if there are many."""
    step = -(-len(names) // FEW)
    shown = range(0, len(names), step)
    axis.set_ticks(shown, [legible(_tick_text(names[place])) for place in shown], rotation=rotation)


def _tick_text(name: object) -> str:
    return f"{name:g}" if isinstance(name, int | float) else str(name)


def draw_contours(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw a panel of contours for each network, all with the same levels and colours."""
    grids = [grids_of(document, figure)[0] for document in documents[:MOST_PANELS]]
    drawing, panels = _panels(figure, grids)
    low, high = _limits(grids, figure["log"])
    norm, levels = _colour_scale(low, high, figure["log"]), _contour_levels(low, high, figure["log"])
    for axes, grid, document in zip(panels, grids, documents, strict=False):
        values = _clipped(grid, low, high)
        filled = axes.contourf(grid.xs, grid.ys, values, levels=levels, cmap=SEQUENTIAL, norm=norm)
        axes.contour(grid.xs, grid.ys, values, levels=levels, colors="white", linewidths=0.4)
        axes.set(xlabel=figure["xlabel"], ylabel=figure["ylabel"] if axes is panels[0] else "")
        for way in ways_over(figure, document):
            axes.plot(way.places, way.values, "o-", color="white", markeredgecolor="black", linewidth=1.2, markersize=4)
            axes.plot(way.places[-1:], way.values[-1:], "*", color="white", markeredgecolor="black", markersize=12)
        axes.grid(visible=False)
    bar = drawing.colorbar(filled, ax=list(panels), label=_value_label(figure, grids, high), ticks=levels[::2])
    bar.ax.set_yticklabels([f"{level:.3g}" for level in levels[::2]])
    bar.ax.minorticks_off()
    return drawing


def draw_relief(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw the same surfaces as seen from the side, all with the same heights and colours."""
    import numpy as np
    from matplotlib import colormaps

    grids = [grids_of(document, figure)[0] for document in documents[:MOST_PANELS]]
    drawing, panels = _panels(figure, grids, projection="3d")
    low, high = _limits(grids, figure["log"])
    norm = _colour_scale(low, high, figure["log"])
    axes: Axes3D
    height = np.log10 if figure["log"] else np.asarray
    for axes, grid in zip(panels, grids, strict=True):
        values = np.array(grid.values)
        values[values > high] = np.nan  # open at the top
        x, y = np.meshgrid(grid.xs, grid.ys)
        colours = colormaps[SEQUENTIAL](norm(values))
        axes.plot_surface(x, y, height(values), facecolors=colours, rstride=1, cstride=1, linewidth=0, shade=False)
        axes.set_zlim(height(low), height(high))
        label = figure["valuelabel"]
        axes.set(xlabel=_first_word(figure["xlabel"]), ylabel=_first_word(figure["ylabel"]))
        axes.set_zlabel(f"log10 of the {label}" if figure["log"] else label)
        axes.view_init(elev=32, azim=-58)
        axes.set_box_aspect(None, zoom=0.88)  # or the height's name is cut
        axes.locator_params(nbins=5)
    return drawing


def _first_word(label: str) -> str:
    """Return a label without its unit, which has no room beside a slanted axis."""
    return label.split(" (")[0]


def _panels(
    figure: Description, grids: Sequence[Grid], projection: Literal["3d"] | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a square panel for each network, its name above it if there are several."""
    drawing, axes = figure_and_axes(3.6)
    drawing.delaxes(axes)
    drawing.set_size_inches(max(WIDTH, 1.2 + 3.3 * len(grids)), 3.6 if len(grids) > 1 else 4.4)
    panels = [drawing.add_subplot(1, len(grids), place + 1, projection=projection) for place in range(len(grids))]
    for panel, grid in zip(panels, grids, strict=True):
        panel.set_title(legible(grid.label), fontsize="medium")
    drawing.suptitle(figure["title"], x=0.01, ha="left", fontsize="medium")
    return drawing, panels


def _limits(grids: Sequence[Grid], log: bool) -> tuple[float, float]:
    """Return the lowest and the highest value that the colours of all networks tell apart."""
    values = [value for grid in grids for row in grid.values for value in row if not math.isnan(value)] or [1.0]
    low, high = min(values), max(values)
    return (low, max(2 * low, min(high, low * 10**DECADES))) if log else (low, high)


def _colour_scale(low: float, high: float, log: bool) -> Normalize:
    """Return one scale of colours for all networks."""
    from matplotlib.colors import LogNorm, Normalize

    return LogNorm(low, high) if log else Normalize(low, high)


def _contour_levels(low: float, high: float, log: bool) -> list[float]:
    steps = [step / LEVELS for step in range(LEVELS + 1)]
    return [low * (high / low) ** step if log else low + (high - low) * step for step in steps]


def _clipped(grid: Grid, low: float, high: float) -> list[list[float]]:
    """Return the values of a grid within the scale; what is beyond it, or no number, counts as its end."""
    return [[high if math.isnan(value) else min(max(value, low), high) for value in row] for row in grid.values]


def _value_label(figure: Description, grids: Sequence[Grid], high: float) -> str:
    """Return the name of the colours, and whether their end stands for more."""
    cut = any(value > high * (1 + 1e-9) for grid in grids for row in grid.values for value in row)
    return figure["valuelabel"] + (f" (all above {high:.3g} alike)" if cut else "")
