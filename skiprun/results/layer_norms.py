"""Gradient norm of each layer of a run, by module path."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from skiprun.results.history import LAYER, read_log_rows
from skiprun.run import Run


def logged_norms(run: Run) -> dict[str, list[float]]:
    """Return the norms of each layer's gradient by module path, in the order of the logged steps.

    A layer that is frozen has none; a run that logged none, or whose log is damaged, gives nothing.
    """
    found: dict[str, list[float]] = {}
    for row in read_log_rows(run)[1]:
        for key in filter(lambda key: key.startswith(LAYER), row):
            norms = found.setdefault(key.removeprefix(LAYER).partition(".")[2], [])
            norms += [value for value in [row[key]] if value is not None and math.isfinite(value)]
    return found


def median_norms(logged: Mapping[str, Sequence[float]]) -> dict[str, float | None]:
    """Return the median over training of each layer's norm; None where there is none."""
    return {path: statistics.median(norms) if norms else None for path, norms in logged.items()}


def mean_norms(seeds: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return the geometric mean over seeds of each layer's norm, of those above 0."""
    found = {path: [norms.get(path) for norms in seeds] for each in seeds for path in each}
    shown = {path: [value for value in values if value] for path, values in found.items()}
    return {
        path: statistics.geometric_mean(values) if values else found[path][0]
        for path, values in shown.items()
    }
