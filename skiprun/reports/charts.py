"""The numbers of a page's charts as plain data, so few that the page stays small."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from typing import TypeVar

from skiprun.palette import dashes, look
from skiprun.reports.plot_kinds import Curves, Dots, Network, Plot, networks_of
from skiprun.reports.short_names import short_names
from skiprun.results.history import MOMENTS, History, by_depth
from skiprun.results.thinning import spaced
from skiprun.system.files import json_safe

MOST_NUMBERS = 10_000  # of the runs of one chart, or some more where there are hundreds of runs
MOST_POINTS, MOST_LAYERS, FEWEST_LAYERS = 200, 200, 8  # of a line; more than a screen shows
Data = dict[str, object]
Places = TypeVar("Places", bound=list)


def charts_json(plots: Sequence[Plot]) -> str:
    """Return what the script of the page draws, as JSON that can stand in an HTML element."""
    networks = networks_of(plots)
    runs = sum(len(network.histories) for network in networks)
    layers = max(FEWEST_LAYERS, min(MOST_LAYERS, MOST_NUMBERS // max(1, runs)))
    short = short_names([network.group.label for network in networks])
    document = {
        "networks": {
            network.index: _network(network, name, layers)
            for network, name in zip(networks, short, strict=True)
        },
        "charts": [_curves(plot, layers) if isinstance(plot, Curves) else _dots(plot) for plot in plots],
    }
    text = json.dumps(json_safe(document), separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _network(network: Network, short: str, most: int) -> Data:
    """Return names, look and seeds of a network, and layers with their depth, so many at most."""
    colour = look(network.index)["color"]
    layers = next((history.layers for history in network.histories if history.layers), [])
    return {
        "name": network.group.label,
        "short": short,
        "color": "var(--ink)" if colour == "#000000" else colour,
        "dashes": " ".join(f"{2 * each:g}" for each in dashes(network.index)) or "none",
        "seeds": [run.seed for run in network.group.runs],
        "layers": [name for _, name in _shown(layers, most)],
        "depths": _short(depth for depth, _ in _shown(layers, most)),
    }


def _shown(layers: Sequence[str], most: int) -> list[tuple[float, str]]:
    """Return depth and name of the layers that are drawn."""
    last = max(1, len(layers) - 1)
    return spaced([(place / last, name) for place, name in enumerate(layers)], most)


def _curves(plot: Curves, layers: int) -> Data:
    """Return the lines of all runs; runs whose values lie at the same places share these."""
    runs, places = _norms(plot, layers) if plot.over_depth else _run_lines(plot)
    return {
        **{"name": plot.name, "kind": "depth" if plot.over_depth else "curves"},
        **{"x": plot.x, "y": plot.y, "log": plot.log, "level": plot.level},
        "geometric": plot.middle is statistics.geometric_mean,
        **{"moment": plot.moment, "places": places, "runs": runs},
    }


def _run_lines(plot: Curves) -> tuple[list[Data], list[list[float]]]:
    """Return the values of each run at some of its places."""
    every = sum(len(network.histories) for network in plot.networks)
    runs, shared = list[Data](), list[list[float]]()
    for run, history in _runs(plot):
        series = plot.values(history)
        places = spaced(sorted(series), max(2, min(MOST_POINTS, MOST_NUMBERS // every)))
        runs.append(run | {"at": _shared(shared, places), "values": _short(series[each] for each in places)})
    return runs, shared


def _norms(plot: Curves, layers: int) -> tuple[list[Data], list[list[tuple[int, float]]]]:
    """Return the norms of each run by layer, at some moments of training (step, epoch) or once."""
    every = sum(len(_shown(history.layers, layers)) for _, history in _runs(plot))
    runs, shared = list[Data](), list[list[tuple[int, float]]]()
    for run, history in _runs(plot):
        moments = spaced(history.moments, max(2, min(MOMENTS, MOST_NUMBERS // max(1, every))))
        series = [by_depth(moment.norms) for moment in moments] if plot.moment else [plot.values(history)]
        steps = [(moment.step, moment.epoch + 1) for moment in moments] if plot.moment else []
        values = [_short(each.get(depth) for depth, _ in _shown(history.layers, layers)) for each in series]
        runs.append(run | {"at": _shared(shared, steps), "values": values})
    return runs, shared


def _runs(plot: Curves) -> list[tuple[Data, History]]:
    """Return the network and the seed of each run, with its history."""
    return [
        ({"network": network.index, "seed": run.seed}, history)
        for network in plot.networks
        for run, history in zip(network.group.runs, network.histories, strict=True)
    ]


def _dots(plot: Dots) -> Data:
    """Return the score of each run, and the mean of each network with its interval."""
    samples = {network.index: plot.sample(network) for network in plot.networks}
    return {
        **{"name": plot.name, "kind": "dots", "x": plot.x, "moment": ""},
        "runs": [
            {"network": network.index, "seed": seed, "values": value}
            for network in plot.networks
            for seed, value in plot.values(network).items()
        ],
        "means": {
            index: {"n": sample.n, "mean": sample.mean, "low": sample.low, "high": sample.high}
            for index, sample in samples.items()
        },
    }


def _shared(shared: list[Places], places: Places) -> int:
    """Return at which index of what is shared these places stand; they are added if they are new."""
    if places not in shared:
        shared.append(places)
    return shared.index(places)


def _short(values: Iterable[float | None]) -> list[float | None]:
    """Return values to four digits."""
    return [None if value is None or not math.isfinite(value) else float(f"{value:.4g}") for value in values]
