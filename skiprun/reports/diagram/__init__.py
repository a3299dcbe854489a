"""The diagram of a network as an SVG file: blocks, skips as arcs, layers coloured by a measured value."""

from __future__ import annotations

from skiprun.reports.diagram.by_blocks import by_blocks
from skiprun.reports.diagram.colours import Measure, Scale, scale_of
from skiprun.reports.diagram.diagram import Diagram
from skiprun.reports.diagram.svg import svg_text

__all__ = ["Diagram", "Measure", "Scale", "by_blocks", "scale_of", "svg_text"]
