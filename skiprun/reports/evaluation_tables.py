"""Tables of the page of a scored split: scores, classes, confusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from skiprun.errors import percent
from skiprun.results.numbers import format_score, format_whole, score_unit
from skiprun.results.split_results import Confusion, LabelResults, MaskResults

if TYPE_CHECKING:
    pass


def score_texts(scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return name and value of the scores."""
    return [(f"{name}{score_unit(name)}", format_score(value, name)) for name, value in scores.items()]


def further_texts(results: LabelResults | MaskResults) -> list[tuple[str, str]]:
    """Return name and value of the scores that labels have beside their error."""
    if isinstance(results, MaskResults):
        return []
    five = (
        [] if results.top5_error is None else [("top-5 error %", format_score(results.top5_error, "error"))]
    )
    return [*five, ("calibration error (ECE) %", format_score(100 * results.ece, "error"))]


def label_rows(results: LabelResults) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of the table of classes."""
    rows = [
        [each.name, format_whole(each.images), format_whole(each.wrong), format_score(each.error, "error")]
        for each in results.classes
    ]
    return ["class", "images", "wrong", "error %"], rows


def mask_rows(results: MaskResults) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of the table of classes."""
    rows = [
        [
            each.name,
            format_whole(each.pixels),
            *("-" if value is None else format_score(value, "iou") for value in (each.iou, each.dice)),
        ]
        for each in results.classes
    ]
    return ["class", "pixels", "iou", "dice"], rows


def confusion_rows(found: Sequence[Confusion]) -> list[list[str]]:
    """Return the rows of the table of confusions."""
    return [[each.name, each.predicted, format_whole(each.count), percent(each.share, 1)] for each in found]
