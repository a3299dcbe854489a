"""The curves of one run, finished or not: its losses and its scores over epochs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from skiprun.palette import STYLE, look
from skiprun.reports.axes import figure_with_legend, legend_columns, scale_by_decades
from skiprun.reports.drawing import Drawing
from skiprun.results.history import read_log_rows
from skiprun.run import Run
from skiprun.system.documents import Row

LOSSES = ("train/epoch_loss", "val/loss")


def draw_run(run: Run) -> list[Drawing]:
    """Draw losses, and each score of training and validation; nothing of a run without epochs."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        return [*_drawings(read_log_rows(run)[0])]


def _drawings(rows: Sequence[Row]) -> Iterator[Drawing]:
    named = {tag.partition("/")[2] for row in rows for tag in row if tag.startswith("val/")} - {"loss"}
    for what, tags in (
        ("loss", LOSSES),
        *((name, (f"train/{name}", f"val/{name}")) for name in sorted(named)),
    ):
        lines = {tag: _curve(rows, tag) for tag in tags}
        if any(lines.values()):
            yield _draw_curves(what, {tag: line for tag, line in lines.items() if line})


def _curve(rows: Sequence[Row], tag: str) -> list[tuple[float, float]]:
    """Return the finite values of a tag by epoch."""
    values = [(row.get("epoch"), row.get(tag)) for row in rows]
    return [(x, y) for x, y in values if x is not None and y is not None and math.isfinite(y)]


def _draw_curves(what: str, lines: dict[str, list[tuple[float, float]]]) -> Drawing:
    """Draw lines over epochs, a loss on a logarithmic scale."""
    names = {tag: f"{tag.partition('/')[0]} {what}" for tag in lines}
    figure, axes = figure_with_legend(list(names.values()))
    for index, (tag, line) in enumerate(lines.items()):
        mark = "o" if len(line) < 4 else ""
        axes.plot(*zip(*line, strict=True), label=names[tag], marker=mark, markersize=4, **look(index))
    if what == "loss" and all(y > 0 for line in lines.values() for _, y in line):
        scale_by_decades(axes)
    else:
        axes.set_ylim(bottom=0)
    axes.set(xlabel="epoch", ylabel=f"{what} (%)" if what == "error" else what)
    axes.locator_params(axis="x", integer=True)
    figure.legend(loc="outside lower center", ncols=legend_columns(list(names.values())))
    return Drawing(f"run_{what}", f"{what.capitalize()} at the end of each epoch.", figure)
