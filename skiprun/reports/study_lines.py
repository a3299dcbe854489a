"""Figures of a study over one axis: lines with bands and guides, bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skiprun.palette import COLOURS, look
from skiprun.reports.axes import (
    figure_and_axes,
    figure_with_legend,
    legend_columns,
    legible,
    scale_by_decades,
    set_tick_names,
)
from skiprun.reports.study_rows import Line, lines_of, panels_of
from skiprun.results.study_documents import Description, Document

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW_POINTS = 16  # points of a line that are marked
MARKS = "os^Dv"  # in grey they part what the colours do not
GUIDES = ("--", ":", "-.")


def draw_lines(figure: Description, documents: Sequence[Document]) -> Figure:
    """Draw a line and a band for each network and group, with thin guides; panels share their scales."""
    panels = panels_of(documents, figure)
    if len(panels) == 1:
        drawing, axes = figure_with_legend(
            [*(line.label for line in lines_of(documents, panels[0])), *figure["guides"]]
        )
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
    few = max(len(line.places) for line in lines) < FEW_POINTS and len(lines) <= len(COLOURS)
    for line in lines:
        _draw_line(axes, line, few)
    for number, guide in enumerate(figure["guides"]):
        _guide(axes, lines_of(documents, figure, guide), guide.rsplit("_")[-1], GUIDES[number % len(GUIDES)])
    if figure["log"]:
        scale_by_decades(axes)


def _draw_line(axes: Axes, line: Line, marked: bool) -> None:
    """Draw one line; earlier ones are thicker, so that those below others stay visible."""
    style, thick = look(line.index), max(1.2, 2.2 - 0.3 * line.index)
    mark = MARKS[line.index % len(MARKS)] if marked or len(line.places) == 1 else ""
    axes.plot(
        line.places, line.values, label=legible(line.label), lw=thick, marker=mark, markersize=4, **style
    )
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
    drawing, axes = figure_with_legend([line.label for line in lines])
    for number, line in enumerate(lines):
        width = 0.8 / len(lines)
        places = [place + (number - (len(lines) - 1) / 2) * width for place in line.places]
        axes.bar(places, line.values, width, color=look(line.index)["color"], label=legible(line.label))
    axes.grid(visible=False, axis="x")
    if lines[0].names:
        set_tick_names(axes.xaxis, lines[0].names)
    else:
        axes.locator_params(axis="x", integer=True)
    if figure["log"]:
        axes.set_yscale("log")
    return _finish(drawing, axes, figure)


def _finish(drawing: Figure, axes: Axes, figure: Description, legend: bool = True) -> Figure:
    """Name the axes, and the lines below them; return the figure."""
    axes.set_title(figure["title"], loc="left", fontsize="medium")
    axes.set(xlabel=figure["xlabel"], ylabel=figure["ylabel"])
    _, labels = axes.get_legend_handles_labels()
    if legend and len(labels) > 1:
        drawing.legend(loc="outside lower center", ncols=legend_columns(labels))
    return drawing
