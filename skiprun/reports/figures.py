"""The figures of a comparison as files: curves, gradient flow and test scores, one style for each network."""

from __future__ import annotations

from collections.abc import Sequence

from skiprun.palette import STYLE
from skiprun.reports.comparison_drawing import draw_curves, draw_dots
from skiprun.reports.drawing import Drawing
from skiprun.reports.plot_kinds import Curves, Plot


def draw(plots: Sequence[Plot]) -> list[Drawing]:
    """Draw every plot."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        return [
            Drawing(
                plot.name, plot.caption, draw_curves(plot) if isinstance(plot, Curves) else draw_dots(plot)
            )
            for plot in plots
        ]
