"""A diagram as an SVG file that needs no other, in light and dark, with words for who listens."""

from __future__ import annotations

from textwrap import wrap
from xml.etree.ElementTree import Element, tostring

from skiprun.reports.diagram.diagram import Diagram
from skiprun.reports.diagram.legend import add_legend
from skiprun.reports.diagram.levels import climbs, lay_levels
from skiprun.reports.diagram.lines import flow_path, skip_path
from skiprun.reports.diagram.places import MARGIN, Caption, Layout, Place, shape_text, skips
from skiprun.reports.diagram.rows import lay_rows
from skiprun.reports.diagram.shapes import STYLE, add, add_site, points
from skiprun.results.numbers import significant
from skiprun.system.network_graph import GraphNode, NetworkGraph

ZOOM = 1.5  # pixels a unit, where there is room
LINE = 15.0
LEAST_WIDTH = 460.0  # what heading and legend take


def svg_text(diagram: Diagram, style: bool = True) -> str:
    """Return a diagram as the text of an SVG file: every block, layer and site, and what feeds which.

    Args:
        diagram: what is drawn.
        style: whether it brings its style; on a page the first one does for all.
    """
    graph = diagram.graph
    layout = lay_levels(graph) if climbs(graph) else lay_rows(graph)
    width = max(layout.width, LEAST_WIDTH)
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "diagram", "role": "group"})
    add(root, "title", f"{graph['name']}, layers coloured by {diagram.measure.name}")
    if style:
        add(root, "style", STYLE)
    paper = add(root, "rect", class_="paper", width=width)
    head = _add_heading(root, graph, width)
    body = add(root, "g", transform=f"translate(0 {points(head)})")
    _add_captions(body, layout)
    _add_lines(body, graph, layout)
    _add_blocks(body, diagram, layout)
    bottom = add_legend(root, diagram, head + layout.height + 22, width)
    paper.set("height", points(bottom))
    root.set("viewBox", f"0 0 {points(width)} {points(bottom)}")
    root.set("width", points(ZOOM * width))
    return tostring(root, encoding="unicode")


def _add_heading(root: Element, graph: NetworkGraph, width: float) -> float:
    """Say what network it is, with which options, and how large; return the height of it all."""
    sites = sum(node["site"] is not None for node in graph["nodes"])
    ends = f"{shape_text(graph['input'])} \u2192 {shape_text(graph['nodes'][-1]['output'])}"
    facts = [ends, f"{graph['layers']} layers", f"{sites} sites", f"{graph['parameters']:,} parameters"]
    add(root, "text", graph["name"], class_="name", x=MARGIN, y=23)
    lines = [*wrap(graph["detail"], int((width - 2 * MARGIN) / 6.6)), " \u00b7 ".join(facts)]
    for number, line in enumerate(lines):
        add(root, "text", line, class_="quiet facts", x=MARGIN, y=40 + LINE * number)
    return 38 + LINE * len(lines)


def _add_captions(body: Element, layout: Layout) -> None:
    for caption in layout.captions:
        text = add(body, "text", class_="caption", x=caption.x, y=caption.y)
        add(text, "tspan", caption.text, class_="strong")
        add(text, "tspan", caption.quiet, class_="quiet", **_line_below(caption))


def _line_below(caption: Caption) -> dict[str, float]:
    return {"x": caption.x, "dy": 13.0} if caption.below else {}


def _add_lines(body: Element, graph: NetworkGraph, layout: Layout) -> None:
    """Draw what feeds which: the flow in grey, the skips above it as arcs."""
    order = [node["path"] for node in graph["nodes"]]
    flow, arcs = add(body, "g", class_="flow"), add(body, "g", class_="skips")
    for node in graph["nodes"]:
        over = skips(node)
        for source in node["sources"]:
            if source not in over:
                add(flow, "path", d=flow_path(layout.places, order, source, node["path"]))
        for nested, source in enumerate(reversed(over)):
            arc = add(arcs, "path", d=skip_path(layout.places, order, source, node["path"], nested))
            if node["projected"]:
                arc.set("class", "projected")


def _add_blocks(body: Element, diagram: Diagram, layout: Layout) -> None:
    """Draw every block once, a frame around what it is made of."""
    graph = diagram.graph
    groups: dict[str, Element] = {}
    for path, kind in graph["blocks"].items():
        inside = [layout.places[node["path"]] for node in graph["nodes"] if node["block"] == path]
        groups[path] = add(body, "g", class_="block", data_block=path)
        add(groups[path], "title", f"{path}: {kind}")
        if len(inside) > 1 and len({place.row for place in inside}) == 1:
            _add_frame(groups[path], inside)
    for node in graph["nodes"]:
        place, group = layout.places[node["path"]], groups[node["block"]]
        if node["weight"]:
            _add_layer(group, node, place, diagram)
        else:
            add_site(group, node, place)


def _add_frame(group: Element, inside: list[Place]) -> None:
    left, right = inside[0].left - 4, inside[-1].right + 4
    top, bottom = min(place.top for place in inside) - 4, max(place.bottom for place in inside) + 4
    add(group, "rect", class_="frame", x=left, y=top, width=right - left, height=bottom - top, rx=5)


def _add_layer(group: Element, node: GraphNode, place: Place, diagram: Diagram) -> None:
    """Draw a layer as a bar, with its numbers for who hovers or listens."""
    measure, colour = diagram.measure, diagram.colour(node["path"])
    bar = add(group, "rect", x=place.left, y=place.top, width=place.width, height=place.height, rx=2)
    bar.attrib |= {"class": "layer", "data-layer": node["path"]}
    bar.attrib |= {"fill": colour} if colour else {"class": "layer blank"}
    value = measure.values.get(node["path"])
    said = "not measured" if value is None else significant(value)
    shapes = f"{node['kind']} {shape_text(node['weight'])}, output {shape_text(node['output'])}"
    size = "" if measure.name == "parameters" else f", {node['parameters']:,} parameters"
    add(bar, "title", f"{node['path']}: {shapes}{size}; {measure.name}: {said}")
