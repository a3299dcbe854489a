"""The figure of the connection cards: the gradient by depth of each connection beside `add`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes

from skiprun.palette import COLOURS, STYLE
from skiprun.reports.axes import WIDTH
from skiprun.reports.drawing import Drawing
from skiprun.results.study_documents import Row

BESIDE = 4  # panels in a row
WHEN = {"initial": "--", "trained": "-"}


@dataclass(frozen=True)
class Panel:
    """One connection: the rows of its layers before training and after, and those of `add`."""

    title: str
    rows: Sequence[Sequence[Row]]
    add: Sequence[Sequence[Row]]


def draw(panels: Sequence[Panel]) -> bytes:
    """Return the figure as a PNG file; the place behind the last panel holds the legend."""
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        below = len(panels) // BESIDE + 1
        figure = Figure(figsize=(WIDTH, 0.4 + 1.35 * below))
        beside = list(figure.subplots(below, BESIDE, sharex=True, sharey=True).flat)
        for axes, panel in zip(beside, panels, strict=False):
            _draw_panel(axes, panel)
        for axes in beside[len(panels) :]:
            axes.axis("off")
        lines = beside[0].get_lines()
        legend = beside[len(panels)].legend(
            handles=lines, loc="center right", fontsize="x-small", handlelength=1.6
        )
        legend.set_in_layout(False)
        figure.supxlabel("relative depth (0 input, 1 output)", fontsize="medium")
        figure.supylabel("norm of dL/dW", fontsize="medium")
        return Drawing("", "", figure).png()


def _draw_panel(axes: Axes, panel: Panel) -> None:
    """Draw one connection over `add`, which is thin and grey; where a gradient is 0 the line has a gap."""
    arms = (("add", panel.add, "0.6", 1.0), ("connection", panel.rows, COLOURS[0], 1.5))
    for name, measured, colour, width in arms:
        for (when, dashes), rows in zip(WHEN.items(), measured, strict=True):
            axes.plot(
                [row["depth"] for row in rows],
                [row["grad_norm"] for row in rows],
                color=colour,
                linestyle=dashes,
                linewidth=width,
                label=f"{name}, {when}",
            )
    axes.set_yscale("log", nonpositive="mask")
    axes.set_title(panel.title, loc="left", fontsize="x-small")
    axes.label_outer()
