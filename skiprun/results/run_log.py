"""The log of one run as curves: what a symptom is looked for in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skiprun.results.history import read_log_rows
from skiprun.results.records import RunRecord
from skiprun.system.documents import Row

LOSS, EPOCH_LOSS = "train/loss", "train/epoch_loss"


class Point(NamedTuple):
    """A value of a tag of metrics.jsonl."""

    tag: str
    step: int
    value: float


@dataclass(frozen=True)
class RunLog:
    """A run, and the rows of its metrics.jsonl at ends of epochs and at steps between, thinned if many."""

    record: RunRecord
    ends: Sequence[Row] = ()
    steps: Sequence[Row] = ()

    def curve(self, tag: str) -> list[Point]:
        """Return the finite values of a tag, in the order of their steps."""
        rows = self.ends if any(tag in row for row in self.ends) else self.steps
        values = [(row.get("step"), row[tag]) for row in rows if tag in row]
        return [
            Point(tag, int(step), float(value))
            for step, value in values
            if step is not None and value is not None and math.isfinite(value)
        ]

    def tags(self, beginning: str) -> list[str]:
        """Return the tags that begin so, by depth where they are of layers."""
        return sorted({tag for row in (*self.ends, *self.steps) for tag in row if tag.startswith(beginning)})

    @property
    def score_name(self) -> str:
        """The score by which runs on its data are compared: error, or iou of masks."""
        names = [tag.removeprefix("val/") for tag in self.tags("val/") if tag != "val/loss"]
        return "error" if "error" in names else self.record.text("data.score_name")

    @property
    def guessing(self) -> float:
        """The loss of guessing: the first one, or log K of K classes where weights knew more already."""
        first = [point.value for point in self.curve(LOSS)[:1]]
        return max(*first, math.log(self.fact("num_classes") or 1), 0.0)

    @property
    def last_step(self) -> int:
        """The last step of the log."""
        return max((int(row["step"] or 0) for row in (*self.ends, *self.steps)), default=0)

    def setting(self, key: str) -> float | None:
        """Return a number of the config; None where it has none."""
        value = self.record.config.get(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def fact(self, key: str) -> float | None:
        """Return a number of its data: of the summary, or of the latest session where it is not finished."""
        for said in (self.record.summary, *self.record.sessions[-1:]):
            if isinstance(value := said.get(f"data.{key}"), int | float):
                return float(value)
        return None


def read_log(record: RunRecord) -> RunLog:
    """Read the log of a run; a damaged one is empty."""
    return RunLog(record, *read_log_rows(record.run))


def part(points: Sequence[Point], begin: float, end: float = 1.0) -> list[Point]:
    """Return the points of a curve between two shares of its steps, the last one with them if `end` is 1."""
    if not points:
        return []
    first, length = points[0].step, points[-1].step - points[0].step
    last = math.inf if end == 1 else first + end * length
    return [each for each in points if first + begin * length <= each.step < last]


def mean(points: Sequence[Point]) -> float:
    """Return the mean value of points; NaN of none."""
    return sum(point.value for point in points) / len(points) if points else math.nan
