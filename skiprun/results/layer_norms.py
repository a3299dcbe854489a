"""Gradient norm of each layer of a run, by module path: the median over training."""

from __future__ import annotations

import math
import statistics

from skiprun.results.history import LAYER, thinned
from skiprun.results.records import UNREADABLE
from skiprun.run import Run
from skiprun.system.ordinary_files import open_to_read


def layer_norms(run: Run) -> dict[str, float | None]:
    """Return the norm of each layer's gradient by module path, the median of the logged steps.

    None stands for a layer that is frozen; a run that logged none, or whose log is damaged, gives none.
    """
    try:
        with open_to_read(run.metrics_file) as lines:
            rows = thinned(lines)[1]
    except UNREADABLE:
        return {}
    found: dict[str, list[float]] = {}
    for row in rows:
        for key in filter(lambda key: key.startswith(LAYER), row):
            value = row[key]
            found.setdefault(key, []).extend([] if value is None or not math.isfinite(value) else [value])
    return {
        key.removeprefix(LAYER).partition(".")[2]: statistics.median(values) if values else None
        for key, values in found.items()
    }
