"""The diagram of the page of connections: a network with other connections at some of its sites."""

from __future__ import annotations

from pathlib import Path

from skiprun.experiment.diagrams import diagram
from skiprun.reports.diagram import svg_text

NETWORK = "resnet20:connections.3=none,connections.6-8=highway"


def network_diagram() -> str:
    """Return the file that `skiprun models draw` writes of the network."""
    return svg_text(diagram(NETWORK, Path("no runs"))) + "\n"
