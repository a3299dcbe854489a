"""Diagrams of networks: of an architecture, coloured by parameters, or of a run, by its gradient norms."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from skiprun.errors import InputError
from skiprun.experiment.checks import located
from skiprun.experiment.named import find_existing
from skiprun.models import build_from_config
from skiprun.models.complexity import architecture
from skiprun.models.complexity.graph import network_graph
from skiprun.models.complexity.meta import without_content
from skiprun.reports.diagram import Diagram, Measure, by_blocks, scale_of
from skiprun.reports.plot_kinds import Network
from skiprun.results.groups import Group
from skiprun.results.history import read_history
from skiprun.results.layer_norms import mean_norms, median_norms
from skiprun.results.records import UNREADABLE, read
from skiprun.run import Run
from skiprun.run.documents import DataRecord
from skiprun.system.network_graph import NetworkGraph

Norms = dict[str, float | None]
GraphOf = Callable[[Run], NetworkGraph]
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
    """Return the diagram of a run's network, coloured by its gradient norms if it logged any."""
    record = read(run)
    graph, norms = run_graph(run), median_norms(read_history(record, record.text("data.score_name")))
    if not norms:
        return by_parameters(graph)
    return Diagram(graph, Measure(NORM, UNIT, norms), scale_of(norms.values()))


def network_diagrams(networks: Sequence[Network], graph_of: GraphOf | None = None) -> dict[str, Diagram]:
    """Return the diagrams of networks that are compared, by label.

    A norm is the median over training, and of that the geometric mean over seeds. One scale for all holds the
    norms of every moment of a slider too. Of more layers than a page shows, those of a block are one.
    Networks that logged none, have more blocks than that, or cannot be built any more have no diagram.

    Args:
        networks: with the histories of their runs.
        graph_of: gives the graph of a run's network; None: it is built.
    """
    found, shown = dict[str, tuple[NetworkGraph, Norms]](), list[float | None]()
    for each in (each for each in networks if each.histories[0].layers):
        with contextlib.suppress(*UNREADABLE):
            graph = (graph_of or run_graph)(each.group.first.run)
            norms = mean_norms([median_norms(history) for history in each.histories])
            found[each.group.label] = {**graph, "detail": _label_and_seeds(each.group)}, norms
            moments = [moment for history in each.histories for moment in history.moments]
            shown += [*norms.values(), *(norm for moment in moments for norm in moment.norms)]
    scale = scale_of(shown)
    whole = {
        label: Diagram(graph, Measure(NORM, UNIT, norms), scale) for label, (graph, norms) in found.items()
    }
    fitting = {label: _fitting(each) for label, each in whole.items()}
    return {label: each for label, each in fitting.items() if len(each.layers) <= MOST_LAYERS}


def _fitting(diagram: Diagram) -> Diagram:
    """Return a diagram with a bar a layer, or a bar a block where a page has no room for all layers."""
    return diagram if len(diagram.layers) <= MOST_LAYERS else by_blocks(diagram)


def _label_and_seeds(group: Group) -> str:
    seeds = ", ".join(str(record.seed) for record in group.runs)
    return f"{group.label}, {'seeds' if len(group.runs) > 1 else 'seed'}\u00a0{seeds}"


def run_graph(run: Run) -> NetworkGraph:
    """Return the graph of the network of a run that is finished, or has begun, rebuilt from its config."""
    data = _known_data(run)
    with located(run.config, "model"), without_content():
        model = build_from_config(run.config.model, data["num_classes"], data["image_shape"][0])
    return network_graph(model, data["image_shape"], run.config.model.name, f"run {run.name}")


def _known_data(run: Run) -> DataRecord:
    """Return what a run says of its data: its summary, or its latest session where it is not finished."""
    sessions = [] if run.summary_file.exists() else run.sessions()
    begun = [session["data"] for session in sessions if "data" in session]
    return begun[-1] if begun else run.summary()["data"]
