"""Diagrams of networks: of an architecture, coloured by parameters, or of a run, by its gradient norms."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from skiprun.errors import InputError
from skiprun.experiment.checks import located
from skiprun.experiment.named import find_existing
from skiprun.models import build_from_config
from skiprun.models.complexity import architecture
from skiprun.models.complexity.graph import network_graph
from skiprun.models.complexity.meta import without_content
from skiprun.reports.diagram import Diagram, Measure, scale_of
from skiprun.results.groups import Group
from skiprun.results.layer_norms import logged_norms, mean_norms, median_norms
from skiprun.results.records import UNREADABLE
from skiprun.run import Run
from skiprun.system.network_graph import NetworkGraph

Norms = dict[str, float | None]
MOST_LAYERS = 200  # of a network on a page
NORM, UNIT = "gradient norm, median over training", "loss per unit of weight"


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
    return by_parameters(architecture.graph(name, input_shape))


def by_parameters(graph: NetworkGraph) -> Diagram:
    """Return the diagram of a network, coloured by what its layers learn."""
    parameters = {node["path"]: node["parameters"] for node in graph["nodes"] if node["weight"]}
    return Diagram(graph, Measure("parameters", "", parameters), scale_of(parameters.values()))


def run_diagram(run: Run) -> Diagram:
    """Return the diagram of a finished run's network, coloured by its gradient norms if it logged any."""
    graph, norms = run_graph(run), median_norms(logged_norms(run))
    if not norms:
        return by_parameters(graph)
    return Diagram(graph, Measure(NORM, UNIT, norms), scale_of(norms.values()))


def group_diagrams(groups: Sequence[Group]) -> dict[str, Diagram]:
    """Return the diagrams of networks that are compared, by label.

    A norm is the median over training, and of that the geometric mean over seeds. One scale for all holds the
    norms of the first and of the last logged step too. Networks that logged none, have more layers than a
    page shows, or cannot be built any more have no diagram.
    """
    graphs, norms, shown = dict[str, NetworkGraph](), dict[str, Norms](), list[float | None]()
    for group in groups:
        logged = [logged_norms(record.run) for record in group.runs]
        if 0 < len(logged[0]) <= MOST_LAYERS:
            with contextlib.suppress(*UNREADABLE):
                graphs[group.label] = {**run_graph(group.first.run), "detail": _label_and_seeds(group)}
                norms[group.label] = mean_norms([median_norms(each) for each in logged])
                shown += [
                    value for each in logged for values in each.values() for value in values[:1] + values[-1:]
                ]
                shown += norms[group.label].values()
    scale = scale_of(shown)
    return {
        label: Diagram(graph, Measure(NORM, UNIT, norms[label]), scale) for label, graph in graphs.items()
    }


def _label_and_seeds(group: Group) -> str:
    seeds = ", ".join(str(record.seed) for record in group.runs)
    return f"{group.label}, {'seeds' if len(group.runs) > 1 else 'seed'}\u00a0{seeds}"


def run_graph(run: Run) -> NetworkGraph:
    """Return the graph of a finished run's network, rebuilt from its config."""
    data = run.summary()["data"]
    with located(run.config, "model"), without_content():
        model = build_from_config(run.config.model, data["num_classes"], data["image_shape"][0])
    return network_graph(model, data["image_shape"], run.config.model.name, f"run {run.name}")
