"""Diagrams of networks: of an architecture, coloured by parameters, or of a run, by its gradient norms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skiprun.errors import InputError
from skiprun.experiment.checks import located
from skiprun.experiment.named import find_existing
from skiprun.models import build_from_config
from skiprun.models.complexity import catalog
from skiprun.models.complexity.graph import network_graph
from skiprun.models.complexity.meta import without_content
from skiprun.reports.diagram import Diagram, Measure, scale_of
from skiprun.results.layer_norms import layer_norms
from skiprun.run import Run
from skiprun.system.network_graph import NetworkGraph

NORM, NORM_UNIT = "gradient norm, median over training", "loss per unit of weight"


def diagram(name: str, runs: Path, input_shape: Sequence[int] | None = None) -> Diagram:
    """Return the diagram of a network by name.

    Args:
        name: a finished run, or an architecture, perhaps with options as `resnet56:connection=highway`.
        runs: the folder of all runs.
        input_shape: of an architecture's images; None takes what it was made for.

    Raises:
        UnknownName: it is neither.
        InputError: the run is not finished, or images of this size do not pass through the network.
    """
    if found := find_existing(name, runs):
        if input_shape:
            raise InputError(f"--input: {name} is a run, whose images have their size; leave it out.")
        return run_diagram(found[0])
    return by_parameters(catalog.graph(name, input_shape))


def by_parameters(graph: NetworkGraph) -> Diagram:
    """Return the diagram of a network, coloured by what its layers learn."""
    parameters = {node["path"]: node["parameters"] for node in graph["nodes"] if node["weight"]}
    return Diagram(graph, Measure("parameters", "", parameters), scale_of(parameters.values()))


def run_diagram(run: Run) -> Diagram:
    """Return the diagram of a finished run's network, coloured by its gradient norms if it logged any."""
    graph, norms = run_graph(run), layer_norms(run)
    if not norms:
        return by_parameters(graph)
    return Diagram(graph, Measure(NORM, NORM_UNIT, norms), scale_of(norms.values()))


def run_graph(run: Run) -> NetworkGraph:
    """Return the graph of a finished run's network, rebuilt from its config."""
    data = run.summary()["data"]
    with located(run.config, "model"), without_content():
        model = build_from_config(run.config.model, data["num_classes"], data["image_shape"][0])
    return network_graph(model, data["image_shape"], run.config.model.name, f"run {run.name}")
