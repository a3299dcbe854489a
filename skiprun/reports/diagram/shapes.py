"""Elements of an SVG file, and the style of a diagram."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from skiprun.reports.diagram.places import SITE, Place
from skiprun.system.network_graph import GraphNode

STYLE = (Path(__file__).parent / "style.css").read_text()


def points(*numbers: float) -> str:
    """Return numbers as SVG reads them, to a tenth of a unit."""
    return " ".join(f"{number:.1f}".removesuffix(".0") for number in numbers)


def add(parent: Element, tag: str, text: str | None = None, **attributes: str | float) -> Element:
    """Add an element; `class_` stands for class, and other underscores for hyphens."""
    said = {
        key.rstrip("_").replace("_", "-"): value if isinstance(value, str) else points(value)
        for key, value in attributes.items()
    }
    element = SubElement(parent, tag, said)
    element.text = text
    return element


def add_site(group: Element, node: GraphNode, place: Place) -> None:
    """Draw a site with the mark of its connection and its number, or a join without a site as a dot."""
    if node["site"] is None:
        add(group, "circle", class_="join", cx=place.centre, cy=place.middle, r=place.width / 2)
        return
    site = add(group, "g", class_="site" if node["shortcut"] else "site plain", data_site=str(node["site"]))
    add(site, "title", f"site {node['site']}, {node['path']}: {node['kind']}")
    add_mark(site, node["kind"], place.centre, place.middle)
    add(group, "text", str(node["site"]), class_="number", x=place.centre, y=place.middle + SITE / 2 + 8.5)


def add_mark(parent: Element, connection: str, x: float, y: float) -> None:
    """Draw a connection as a circle: + for `add`, two bars for `concat`, else its first letter."""
    add(parent, "circle", cx=x, cy=y, r=SITE / 2 - 0.75)
    if connection == "add":
        add(parent, "path", d=f"M{points(x - 3, y)}h6M{points(x, y - 3)}v6")
    elif connection == "concat":
        add(parent, "path", d=f"M{points(x - 1.6, y - 3)}v6M{points(x + 1.6, y - 3)}v6")
    elif connection != "none":
        add(parent, "text", connection[0].upper(), class_="mark", x=x, y=y + 2.9)
