"""Training curves of a run, reduced from metrics.jsonl to what figures draw."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from skiprun.results.records import UNREADABLE, RunRecord
from skiprun.results.thinning import spaced, thinned
from skiprun.run import Run
from skiprun.system.documents import Row
from skiprun.system.ordinary_files import open_to_read

LAYER = "grad_norm/"
Series = dict[float, float]
MOMENTS = 60  # of a training, at which the norms of all layers are kept: more than a slider can tell apart


@dataclass(frozen=True)
class Moment:
    """The gradient norm of each layer at a logged step; NaN where a layer is frozen."""

    step: int
    epoch: float
    norms: list[float]


@dataclass(frozen=True)
class History:
    """Values by epoch or step; gradient norms of the layers at moments of training, and their medians."""

    loss: Series = field(default_factory=dict)
    score: Series = field(default_factory=dict)
    ratio: Series = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)

    @property
    def first_step(self) -> int | None:
        """The first step whose gradient norms were logged."""
        return self.moments[0].step if self.moments else None

    @property
    def median_norms(self) -> Series:
        """Medians of gradient norms over training by relative depth."""
        return by_depth(self.medians)

    @property
    def first_norms(self) -> Series:
        """Gradient norms by relative depth at the first logged step."""
        return by_depth(self.moments[0].norms) if self.moments else {}


def read_history(run: RunRecord, score_name: str) -> History:
    """Read one run; a damaged log gives an empty history."""
    try:
        return _reduce(*read_log_rows(run.run), score_name)
    except UNREADABLE:
        return History()


def read_log_rows(run: Run) -> tuple[list[Row], list[Row]]:
    """Return the rows of a run's log at ends of epochs and at steps, thinned; none of a damaged one."""
    try:
        with open_to_read(run.metrics_file) as lines:
            return thinned(lines)
    except UNREADABLE:
        return [], []


def _reduce(epochs: Sequence[Row], rows: Sequence[Row], score_name: str) -> History:
    # Numbers in the keys are padded.
    layers = sorted({key for row in rows for key in row if key.startswith(LAYER)})
    logged = [row for row in rows if layers and layers[0] in row]
    return History(
        loss=_series(epochs, "epoch", "train/epoch_loss"),
        score=_series(epochs, "epoch", f"val/{score_name}"),
        ratio=_positive(_series(rows, "step", "grad/first_over_last")),
        layers=[layer.removeprefix(LAYER) for layer in layers],
        moments=[_moment(row, layers) for row in spaced(logged, MOMENTS)],
        medians=[_median(_float_or_nan(row.get(layer)) for row in logged) for layer in layers],
    )


def _moment(row: Row, layers: Sequence[str]) -> Moment:
    norms = [_float_or_nan(row.get(layer)) for layer in layers]
    return Moment(int(row["step"] or 0), float(row.get("epoch") or 0), norms)


def _series(rows: Sequence[Row], by: str, key: str) -> Series:
    """Return the finite values of one tag by epoch or step."""
    values = {float(row[by] or 0): _float_or_nan(row[key]) for row in rows if key in row}
    return {place: value for place, value in values.items() if math.isfinite(value)}


def _float_or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _positive(series: Series) -> Series:
    """Keep what a logarithmic axis can show."""
    return {place: value for place, value in series.items() if value > 0}


def _median(values: Iterable[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return statistics.median(finite) if finite else math.nan


def by_depth(norms: Sequence[float]) -> Series:
    """Place norms by relative depth: 0 is the layer at the input, 1 the one at the output."""
    last = max(1, len(norms) - 1)
    return _positive({index / last: norm for index, norm in enumerate(norms)})
