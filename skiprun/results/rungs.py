"""Successive halving (Jamieson and Talwalkar 2016): at each rung the best arms go on and the others stop.

Whether an arm goes on depends on what its runs had logged until the rung, and on nothing that came later. So
a sweep that was interrupted, or is asked again when all is trained, decides the same.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skiprun.config import ScheduleConfig
from skiprun.results.progress import rows_until
from skiprun.run import Run


class RungScore(NamedTuple):
    """The best validation of a run until a rung, or the mean of several; the smallest is the best one.

    Attributes:
        cost: the score, negative where a higher one is better.
        loss: which decides between equals.
    """

    cost: float
    loss: float

    @property
    def score(self) -> float:
        """The score, none of which is below 0."""
        return abs(self.cost)


@dataclass(frozen=True)
class Stop:
    """Where an arm was stopped early.

    Attributes:
        share: of the run that was over.
        best: mean over its seeds of their best validation until there; None: a seed did not come so far.
    """

    share: float
    best: RungScore | None

    def to_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        return {"share": self.share, "val": self.best and {"score": self.best.score, "loss": self.best.loss}}


def score_at(
    run: Run, schedule: ScheduleConfig, until: float, name: str, higher_is_better: bool
) -> RungScore | None:
    """Return how well a run did until a share of its schedule, None if it has not come so far."""
    sign = -1 if higher_is_better else 1
    rows = rows_until(run, schedule, until) or ()
    found = [(row.get(f"val/{name}"), row.get("val/loss")) for row in rows]
    return min(
        (RungScore(sign * score, loss) for score, loss in found if score is not None and loss is not None),
        default=None,
    )


def mean_score(scores: Sequence[RungScore | None]) -> RungScore | None:
    """Return the mean over seeds, None if one of them did not come so far."""
    found = [each for each in scores if each]
    if len(found) < len(scores):
        return None
    return RungScore(*map(statistics.fmean, zip(*found, strict=True)))


def survivors(arms: Mapping[str, RungScore | None], factor: float) -> list[str]:
    """Return the arms that go on, one of `factor` and at least one, in the order given.

    Those of which a seed did not come so far are behind all others.
    """
    worst = RungScore(math.inf, math.inf)
    best = sorted(arms, key=lambda label: arms[label] or worst)[: max(1, int(len(arms) / factor))]
    return [label for label in arms if label in best]
