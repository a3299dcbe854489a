"""Rows of layers and of connection sites by their depth, with what theory expects there."""

from __future__ import annotations

from torch import Tensor

from skiprun.studies.base import Row
from skiprun.studies.layer_recorder import MEASURES
from skiprun.studies.signal_theory import Theory


def layer_rows(paths: list[str], layers: Tensor, expected: Theory) -> list[Row]:
    """Return one row a layer from values [runs, 4, layers]: median, and the 10th and 90th percentile."""
    low, median, high = layers.quantile(layers.new_tensor([0.1, 0.5, 0.9]), dim=0)
    rows: list[Row] = []
    for index, path in enumerate(paths):
        row: Row = {"at": "layer", "number": index + 1, "layer": path, "depth": relative(index, len(paths))}
        for measure, name in enumerate(MEASURES):
            row[name] = median[measure, index].item()
        for measure, name in enumerate(MEASURES[:2]):
            row[f"{name}_low"], row[f"{name}_high"] = low[measure, index].item(), high[measure, index].item()
        row["grad_over_weight"] = row["grad_norm"] / row["weight_norm"] if row["weight_norm"] else 0.0
        if expected.growth:
            last = len(paths) - 2
            row["actgrad_theory"] = median[1, last].item() * expected.growth ** (last - index)
        rows.append(row)
    return rows


def site_rows(places: list[str], variances: Tensor, expected: Theory) -> list[Row]:
    """Return one row a connection site from variances [runs, sites]."""
    median = variances.median(dim=0).values.tolist()
    rows: list[Row] = []
    for index, place in enumerate(places):
        row = {"at": "site", "number": index + 1, "layer": place, "depth": relative(index, len(places))}
        row["variance"] = median[index]
        if expected.doubling:
            row["variance_theory"] = median[0] * expected.doubling**index
        rows.append(row)
    return rows


def relative(index: int, total: int) -> float:
    """Return the place of a layer between the input, 0, and the output, 1."""
    return index / max(1, total - 1)
