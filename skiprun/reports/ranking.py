"""Which network scores best on the test split, and by how much beyond the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.reports.group import Group
from skiprun.reports.statistics import LEVEL, Difference, difference, holm


@dataclass(frozen=True)
class Rival:
    """A network behind the best: its test score minus the best's; `p` is corrected for the number of rivals."""

    network: str
    behind: Difference
    p: float

    @property
    def beyond_noise(self) -> bool | None:
        """Whether it is behind by more than noise; None where that cannot be tested."""
        return None if math.isnan(self.p) else self.p < 1 - LEVEL


@dataclass(frozen=True)
class Ranking:
    """Networks by mean test score, the best first; `step` is what one test picture changes an error by, in points."""

    score: str
    best: str
    value: float
    n: int
    rivals: list[Rival]
    step: float


def rank(groups: Sequence[Group]) -> Ranking | None:
    """Rank groups that were scored on the same data; None where there are not two with a score."""
    scored = [group for group in groups if group.by_seed(group.test_score)]
    if len(scored) < 2:
        return None
    sign = -1 if scored[0].higher_is_better else 1
    best, *others = sorted(scored, key=lambda group: sign * group.sample(group.test_score).mean)
    behind = [difference(group.by_seed(group.test_score), best.by_seed(best.test_score)) for group in others]
    rivals = [
        Rival(group.label, gap, p)
        for group, gap, p in zip(others, behind, holm([gap.p for gap in behind]), strict=True)
    ]
    found = best.sample(best.test_score)
    step = 100 / best.first.number("data.test") if best.score_name == "error" else math.nan
    return Ranking(best.score_name, best.label, found.mean, found.n, rivals, step)
