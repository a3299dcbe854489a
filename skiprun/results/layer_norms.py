"""Gradient norm of each layer of a run, by module path."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from skiprun.results.history import History


def median_norms(history: History) -> dict[str, float | None]:
    """Return the median over training of each layer's norm; None of a frozen one."""
    paths = [layer.partition(".")[2] for layer in history.layers]  # behind a number
    medians = zip(paths, history.medians, strict=True)
    return {path: median if math.isfinite(median) else None for path, median in medians}


def mean_norms(seeds: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return the geometric mean over seeds of each layer's norm, of those above 0."""
    found = {path: [norms.get(path) for norms in seeds] for each in seeds for path in each}
    shown = {path: [value for value in values if value] for path, values in found.items()}
    return {
        path: statistics.geometric_mean(values) if values else found[path][0]
        for path, values in shown.items()
    }
