"""What a diagram shows: a network, and the colours of its layers."""

from __future__ import annotations

from dataclasses import dataclass

from skiprun.reports.diagram.colours import Measure, Scale
from skiprun.system.network_graph import GraphNode, NetworkGraph


@dataclass(frozen=True)
class Diagram:
    """A network whose layers are coloured by a measure, on a scale."""

    graph: NetworkGraph
    measure: Measure
    scale: Scale

    @property
    def layers(self) -> list[GraphNode]:
        """What is drawn as a bar."""
        return [node for node in self.graph["nodes"] if node["weight"]]

    def colour(self, layer: str) -> str | None:
        """Return the colour of a layer by its path, as #rrggbb; None where there is nothing to show."""
        return self.scale.colour(self.measure.values.get(layer))

    def to_dict(self) -> dict[str, object]:
        """Return all that is drawn, as plain data."""
        nodes = [
            {**node, "value": self.measure.values.get(node["path"]), "colour": self.colour(node["path"])}
            if node["weight"]
            else dict(node)
            for node in self.graph["nodes"]
        ]
        coloured_by = {"name": self.measure.name, "unit": self.measure.unit}
        ends = [self.scale.low, self.scale.high]
        return {**self.graph, "nodes": nodes, "measure": coloured_by, "scale": ends}
