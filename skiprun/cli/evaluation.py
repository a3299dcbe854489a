"""A scored split on the terminal: scores, classes, confusions; and as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from skiprun.cli.tables import show_table
from skiprun.cli.terminal import results
from skiprun.display.scores import format_value
from skiprun.errors import counted, percent
from skiprun.results.split_results import ClassError, ClassOverlap, Confusion, LabelResults

if TYPE_CHECKING:  # it imports torch
    from skiprun.experiment import Evaluation

MOST_CLASSES, MOST_CONFUSIONS = 10, 5


def evaluation_document(evaluation: Evaluation) -> dict[str, object]:
    """Return what --json prints: the scores first, as ever."""
    trivial = evaluation.parts.trivial.get(evaluation.split, {})
    return {
        "split": evaluation.split,
        "precision": evaluation.parts.setup.precision,
        **evaluation.scores,
        **({"trivial": trivial} if trivial else {}),
        **asdict(evaluation.results),
    }


def show_evaluation(evaluation: Evaluation, title: str) -> None:
    """Print the scores, then what stands behind them."""
    trivial = evaluation.parts.trivial.get(evaluation.split, {})
    columns = {"value": evaluation.scores} | ({"by one class everywhere": trivial} if trivial else {})
    rows = [
        [
            f"{each} %" if each == "error" else each,
            *(format_value(of.get(each), ".4f") for of in columns.values()),
        ]
        for each in evaluation.scores
    ]
    show_table(["score", *columns], rows, title)
    found = evaluation.results
    results.print()
    if isinstance(found, LabelResults):
        show_classes(["class", "images", "wrong", "error %"], [_error_row(each) for each in found.classes])
        show_confusions(found.confusions, "time")
        results.print(confidence(found))
    else:
        show_classes(["class", "pixels", "iou", "dice"], [_overlap_row(each) for each in found.classes])
        show_confusions(found.confusions, "pixel")


def show_classes(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print the worst classes, and how many there are beside them."""
    show_table(columns, rows[:MOST_CLASSES], "by class, the worst first")
    if len(rows) > MOST_CLASSES:
        results.print(f"{len(rows) - MOST_CLASSES:,} more with --json or --report.")


def _error_row(row: ClassError) -> list[object]:
    return [row.name, row.images, row.wrong, format_value(row.error, ".2f")]


def _overlap_row(row: ClassOverlap) -> list[object]:
    return [row.name, row.pixels, format_value(row.iou, ".4f"), format_value(row.dice, ".4f")]


def show_confusions(found: Sequence[Confusion], unit: str) -> None:
    """Print what was taken for what most often."""
    if not found:
        return
    said = [
        f"{each.name} for {each.predicted}, {counted(each.count, unit)} ({percent(each.share, 1)} of it)"
        for each in found[:MOST_CONFUSIONS]
    ]
    more = len(found) - len(said)
    results.print(f"Most often taken: {'; '.join(said)}{f'; {more:,} more pairs' if more > 0 else ''}.")


def confidence(found: LabelResults) -> str:
    """Return how far the network's probabilities can be trusted, and its five likeliest labels."""
    few = found.top5_error is None
    five = "" if few else f"Not among the five likeliest labels: {format_value(found.top5_error, '.2f')} %. "
    ece = format_value(100 * found.ece, ".2f")
    return f"{five}Calibration error (ECE, {len(found.reliability)} bins): {ece} %."
