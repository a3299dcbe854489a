"""A comparison in TensorBoard: for each network the mean, the lowest and the highest seed, as three runs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from skiprun.claims.comparison import Comparison
from skiprun.results.bands import Band, band
from skiprun.results.groups import Group
from skiprun.results.history import Series, read_log_rows
from skiprun.results.records import RunRecord
from skiprun.system.disk import storage_errors
from skiprun.system.documents import Row
from skiprun.system.event_files import EventFile
from skiprun.system.files import make_folder

ONE_LINE = re.compile(r"lr|(train|val|test|grad)/(?!.*_class_)\w+")  # of a run; not a layer's, nor a class's


def write_seed_bands(comparison: Comparison, folder: Path) -> None:
    """Write the course of each network over its seeds, and beside its scores the settings that differ.

    Of networks whose runs write no events (`log.tensorboard: false`) there are none.

    Args:
        comparison: what is shown.
        folder: gets `LABEL/{mean,low,high}`; TensorBoard draws the runs `mean` as one line a network.

    Raises:
        StorageError: the folder cannot be written.
        SkiprunError: TensorBoard cannot be imported.
    """
    wanted = [group for group in comparison.groups if group.first.config.get("log.tensorboard", True)]
    scores = list(dict.fromkeys(tag for group in wanted for tag in _scores(group)))
    for group in wanted:
        bands = _bands(group)
        settings = {key: values[group.label] for key, values in comparison.protocol.differing.items()}
        for name in ("mean", "low", "high"):
            made = folder / quote(group.label, safe=" :=,+") / name
            make_folder(made, below=folder.parent.parent)
            _write(made, {tag: _line(each, name) for tag, each in bands.items()}, settings, scores)


def _scores(group: Group) -> list[str]:
    """Return the tags of what a comparison asks first: the scores of the test split, then of validation."""
    return [*(f"test/{name}" for name in group.test_scores), f"val/{group.score_name}"]


def _bands(group: Group) -> dict[str, Band]:
    """Return each tag's mean, lowest and highest value over the seeds by step."""
    courses = [_course(run) for run in group.runs]
    return {tag: band([course.get(tag, {}) for course in courses]) for course in courses for tag in course}


def _course(run: RunRecord) -> dict[str, Series]:
    """Return the finite values of a run's tags by step; of a damaged log none."""
    ends, steps = read_log_rows(run.run)
    course: dict[str, Series] = {}
    for row in [*steps, *ends]:
        for tag, value in _scalars(row):
            course.setdefault(tag, {})[float(row["step"] or 0)] = value
    return course


def _scalars(row: Row) -> list[tuple[str, float]]:
    return [
        (tag, float(value))
        for tag, value in row.items()
        if ONE_LINE.fullmatch(tag) and value is not None and math.isfinite(value)
    ]


def _line(found: Band, name: str) -> Series:
    values = {"mean": found.middle, "low": found.low, "high": found.high}[name]
    return dict(zip(found.places, values, strict=True))


def _write(
    folder: Path, lines: Mapping[str, Series], settings: Mapping[str, object], scores: Sequence[str]
) -> None:
    """Write one run: an event a step, and the settings beside the last scores of the mean."""
    by_step: dict[float, dict[str, float]] = {}
    for tag, line in lines.items():
        for step, value in line.items():
            by_step.setdefault(step, {})[tag] = value
    with storage_errors("write", folder):
        events = EventFile(folder)
        events.add_layout(lines)
        for step in sorted(by_step):
            events.add_scalars(by_step[step], int(step))
        if folder.name == "mean":
            events.add_hyperparameters(settings, scores, for_all=True)
        events.close()
