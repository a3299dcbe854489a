"""The legend of a diagram: what the colours say, and the connections with their formulas."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from skiprun.palette import sequential_colour
from skiprun.reports.diagram.colours import tick_text
from skiprun.reports.diagram.diagram import Diagram
from skiprun.reports.diagram.places import MARGIN
from skiprun.reports.diagram.shapes import add, add_mark, points
from skiprun.system.network_graph import NetworkGraph

STRIP, STEPS, LINE = 220.0, 44, 20.0
LETTER = 7.6  # of a small screen, where letters are larger
PROJECTED = "x brought to another shape"
HANDED_ON = "an arc hands on all that was joined before"


def add_legend(root: Element, diagram: Diagram, y: float, width: float) -> float:
    """Draw the legend below a height; return where it ends."""
    measure, scale = diagram.measure, diagram.scale
    legend = add(root, "g", class_="legend")
    legend.attrib |= {"data-low": f"{scale.low:g}", "data-high": f"{scale.high:g}"}
    title = f"{measure.name} ({measure.unit})" if measure.unit else measure.name
    add(legend, "text", title, x=MARGIN, y=y)
    for step in range(STEPS):
        colour, left = sequential_colour((step + 0.5) / STEPS), STRIP * step / STEPS
        add(legend, "rect", x=MARGIN + left, y=y + 7, width=STRIP - left, height=9, fill=colour)
    for tick in scale.ticks:
        share = scale.share(tick)
        anchor = "start" if share < 0.01 else "end" if share > 0.99 else "middle"
        text = add(legend, "text", tick_text(tick), class_="quiet", x=MARGIN + STRIP * share, y=y + 29)
        text.set("text-anchor", anchor)
    return _add_words(legend, diagram.graph, y + 54, width)


def _add_words(legend: Element, graph: NetworkGraph, y: float, width: float) -> float:
    """Draw each connection with its formula, and what dashes mean, in lines as wide as the diagram."""
    words = {name: f"{name}: {formula}" for name, formula in graph["formulas"].items()}
    if any(node["projected"] for node in graph["nodes"]):
        words["projected"] = PROJECTED
    if _hands_on(graph):
        words["handed on"] = HANDED_ON
    x = MARGIN
    for name, text in words.items():
        if x > MARGIN and x + 22 + LETTER * len(text) > width:
            x, y = MARGIN, y + LINE
        _add_sample(legend, name, x, y - 4)
        add(legend, "text", text, x=x + 20, y=y)
        x += 40 + LETTER * len(text)
    return y + 16


def _hands_on(graph: NetworkGraph) -> bool:
    """Tell whether a concatenation is joined to what another made, as in a DenseNet, where x grows."""
    joined = {node["path"] for node in graph["nodes"] if node["kind"] == "concat"}
    return any(joined & {*node["shortcut"]} for node in graph["nodes"] if node["kind"] == "concat")


def _add_sample(legend: Element, name: str, x: float, y: float) -> None:
    if name == "handed on":
        add(add(legend, "g", class_="skips"), "path", d=f"M{points(x, y)}h16")
    elif name == "projected":
        arc = add(legend, "g", class_="skips")
        add(arc, "path", class_="projected", d=f"M{points(x, y)}h16")
    else:
        add_mark(add(legend, "g", class_="site plain" if name == "none" else "site"), name, x + 8, y)
