"""Figures of a study over two axes: matrices of cells, contours and reliefs of surfaces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from skiprun.palette import SEQUENTIAL
from skiprun.reports.axes import WIDTH, figure_and_axes, legible, set_tick_names
from skiprun.reports.study_rows import Grid, grids_of, ways_over
from skiprun.results.study_documents import Description, Document

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

LEVELS = 14  # steps of colour on a surface
DECADES = 4  # what a surface shows above its lowest point; beyond, all is hopeless
MAX_PANELS = 4
BESIDE = 2  # of them in a row: more are not read on a page of 700 pixels


def draw_matrix(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw a panel of coloured cells for each network, all with one scale of colours."""
    grids = [grid for document in documents for grid in grids_of(document, figure)][:MAX_PANELS]
    drawing, panels = _panels(figure, grids)
    norm = _colour_scale(*_limits(grids, figure["log"]), figure["log"])
    for axes, grid in zip(panels, grids, strict=True):
        image = axes.imshow(grid.values, origin="lower", aspect="auto", cmap=SEQUENTIAL, norm=norm)
        axes.grid(visible=False)
        set_tick_names(axes.xaxis, grid.xs, rotation=90 if any(isinstance(x, str) for x in grid.xs) else 0)
        set_tick_names(axes.yaxis, grid.ys)
        axes.set(xlabel=figure["xlabel"], ylabel=figure["ylabel"] if axes in panels[::BESIDE] else "")
    drawing.colorbar(image, ax=list(panels), label=figure["valuelabel"])
    return drawing


def draw_contours(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw a panel of contours for each network, all with the same levels and colours."""
    grids = [grids_of(document, figure)[0] for document in documents[:MAX_PANELS]]
    drawing, panels = _panels(figure, grids)
    low, high = _limits(grids, figure["log"])
    norm, levels = _colour_scale(low, high, figure["log"]), _contour_levels(low, high, figure["log"])
    for axes, grid, document in zip(panels, grids, documents, strict=False):
        values = _clipped(grid, low, high)
        filled = axes.contourf(grid.xs, grid.ys, values, levels=levels, cmap=SEQUENTIAL, norm=norm)
        axes.contour(grid.xs, grid.ys, values, levels=levels, colors="white", linewidths=0.4)
        axes.set(xlabel=figure["xlabel"], ylabel=figure["ylabel"] if axes in panels[::BESIDE] else "")
        for way in ways_over(figure, document):
            style: dict[str, Any] = {"color": "white", "markeredgecolor": "black"}
            axes.plot(way.places, way.values, "o-", linewidth=1.2, markersize=4, **style)
            axes.plot(way.places[-1:], way.values[-1:], "*", markersize=12, **style)
        axes.grid(visible=False)
    bar = drawing.colorbar(
        filled, ax=list(panels), label=_value_label(figure, grids, high), ticks=levels[::2]
    )
    bar.ax.set_yticklabels([f"{level:.3g}" for level in levels[::2]])
    bar.ax.minorticks_off()
    return drawing


def draw_relief(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw the same surfaces as seen from the side, all with the same heights and colours."""
    import numpy as np
    from matplotlib import colormaps

    grids = [grids_of(document, figure)[0] for document in documents[:MAX_PANELS]]
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
        axes.plot_surface(
            x, y, height(values), facecolors=colours, rstride=1, cstride=1, linewidth=0, shade=False
        )
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
    beside, below = min(BESIDE, len(grids)), -(-len(grids) // BESIDE)
    drawing.set_size_inches((WIDTH, 4.4) if len(grids) == 1 else (7, 0.3 + 3 * below))
    panels = [
        drawing.add_subplot(below, beside, place + 1, projection=projection) for place in range(len(grids))
    ]
    for panel, grid in zip(panels, grids, strict=True):
        panel.set_title(legible(grid.label), fontsize="medium")
    drawing.suptitle(figure["title"], x=0.01, ha="left", fontsize="medium")
    return drawing, panels


def _limits(grids: Sequence[Grid], log: bool) -> tuple[float, float]:
    """Return the lowest and the highest value that the colours of all networks tell apart."""
    values = [value for grid in grids for row in grid.values for value in row if not math.isnan(value)] or [
        1.0
    ]
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
    return [
        [high if math.isnan(value) else min(max(value, low), high) for value in row] for row in grid.values
    ]


def _value_label(figure: Description, grids: Sequence[Grid], high: float) -> str:
    """Return the name of the colours, and whether their end stands for more."""
    cut = any(value > high * (1 + 1e-9) for grid in grids for row in grid.values for value in row)
    return figure["valuelabel"] + (f" (all above {high:.3g} alike)" if cut else "")
