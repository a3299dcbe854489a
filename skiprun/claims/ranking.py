"""Claim: which network has the best test score, and by how much beyond the noise between seeds.

The best is chosen by the scores that it is then tested with: the best of ten that are all the same lies well before the
others. So all pairs of networks are tested, and corrected together, though those with the best alone are told.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.results.groups import Group
from skiprun.results.statistics import Difference, difference, exceeds_noise, holm


@dataclass(frozen=True)
class Rival:
    """A network behind the best: its test score minus the best's.

    Attributes:
        p: corrected for the number of pairs among all networks.
        beyond_noise: whether it is behind by more than noise; None where that cannot be tested.
        is_level: whether the mean scores are the same, but for rounding.
    """

    network: str
    behind: Difference
    p: float
    beyond_noise: bool | None
    is_level: bool


@dataclass(frozen=True)
class Ranking:
    """Networks by mean test score, the best first.

    Attributes:
        first: those with the best mean; more than one where they are tied.
        best: the one that is first and told apart from all others, as far as that can be tested; else None.
        rivals: all but the first of `first`, with which they are compared.
        step: what one test image changes an error by, in points.
    """

    score: str
    first: list[str]
    best: str | None
    value: float
    n: int
    tested: bool
    rivals: list[Rival]
    step: float


def rank(groups: Sequence[Group]) -> Ranking | None:
    """Rank groups that were scored on the same data; None where there are not two with a score."""
    scored = [group for group in groups if group.by_seed(group.test_score)]
    if len(scored) < 2:
        return None
    sign = -1 if scored[0].higher_is_better else 1
    best, *others = ordered = sorted(scored, key=lambda group: sign * group.mean(group.test_score))
    pairs = list(itertools.combinations([group.by_seed(group.test_score) for group in ordered], 2))
    behind = [difference(worse, better, best.span, tests=len(pairs)) for better, worse in pairs]
    # The pairs with the best come first.
    tests = zip(others, behind, holm([gap.p for gap in behind]), strict=False)
    rivals = [
        Rival(group.label, gap, p, _is_behind(sign * gap.mean, p), _is_level(group, best)) for group, gap, p in tests
    ]
    first = [best.label, *(rival.network for rival in rivals if rival.is_level)]
    alone = len(first) == 1 and all(rival.beyond_noise is not False for rival in rivals)
    step = 100 / best.first.number("data.test") if best.score_name == "error" else math.nan
    tested = any(rival.behind.tested for rival in rivals)
    return Ranking(
        best.score_name,
        first,
        best.label if alone else None,
        best.mean(best.test_score),
        len(best.by_seed(best.test_score)),
        tested,
        rivals,
        step,
    )


def _is_level(group: Group, best: Group) -> bool:
    return math.isclose(group.mean(group.test_score), best.mean(best.test_score), rel_tol=1e-9, abs_tol=1e-12)


def _is_behind(gap: float, p: float) -> bool | None:
    """Tell whether a gap is beyond noise; on the seeds that both have it may point the other way than the means."""
    beyond = exceeds_noise(p)
    return beyond and gap > 0
