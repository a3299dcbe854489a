"""Claim: which network has the best test score, and by how much beyond the noise between seeds.

The best is chosen by the scores that it is then tested with: the best of ten that are all the same lies well
before the others. So all pairs of networks are tested, and corrected together, though those with the best
alone are told.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.evidence import DETECTABLE
from skiprun.claims.finding import Finding
from skiprun.claims.rival import Rival, why_untested
from skiprun.results.groups import Group
from skiprun.results.numbers import format_score, score_unit, significant
from skiprun.results.significance import difference, exceeds_noise, holm


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

    @property
    def sentence(self) -> str:
        """Say which network is best on the test split if one is, and which are behind by more than noise."""
        parts = [self._first_place()]
        it, behind = (
            "them" if len(self.first) > 1 else "it",
            [each for each in self.rivals if not each.is_level],
        )
        kinds = {
            True: f"Behind {it} beyond the noise (95 %, Holm's correction over all pairs)",
            False: f"Not told apart from {it}",
            None: f"Behind {it}, untested",
        }
        for beyond, words in kinds.items():
            if rivals := [rival for rival in behind if rival.beyond_noise is beyond]:
                listed = ", ".join(rival.words(self.score) for rival in rivals)
                parts.append(f"{words}: {listed}{why_untested(rivals) if beyond is None else ''}.")
                parts += [DETECTABLE] * (beyond is False)
        if not math.isnan(self.step):
            parts.append(f"One test image is {significant(self.step, 2)} points.")
        return " ".join(parts)

    def _first_place(self) -> str:
        """Say which network has the best mean, and whether that makes it the best."""
        runs = f"mean of {self.n} seeds" if self.n > 1 else "one seed"
        untested = "" if self.tested else ", untested"
        value = f"{format_score(self.value, self.score)}{score_unit(self.score)} ({runs}{untested})"
        if len(self.first) > 1:
            return f"Tied for the best test {self.score}: {' and '.join(self.first)}, each with {value}."
        if self.best is None:
            return f"No single best in test {self.score}: {self.first[0]} comes first with {value}."
        return f"Best test {self.score}: {self.best} with {value}."

    @property
    def headline(self) -> tuple[str, str]:
        """Say which network is best, or first where none is, and how many are not told apart from it."""
        names = " and ".join(self.first)
        if len(self.first) > 1:
            return f"Tied for the best test {self.score}", names
        found = Counter(rival.beyond_noise for rival in self.rivals)
        words = {False: "not told apart from", None: "untested against"}
        unclear = "".join(
            f", {words[each]} {found[each]} of {len(self.rivals)}" for each in words if found[each]
        )
        return f"{'Best' if self.best else 'No single best in'} test {self.score}", names + unclear


def judge(groups: Sequence[Group]) -> Finding[Ranking | None]:
    """Rank groups that were scored on the same data, if two of them have a score."""
    scored = [group for group in groups if group.by_seed(group.test_score)]
    if len(scored) < 2:
        return Finding(None, ())
    ranking = _ranking(scored)
    tests = tuple(rival.behind for rival in ranking.rivals)
    return Finding(ranking, (ranking.sentence,), tests=tests, headline=ranking.headline)


def _ranking(groups: Sequence[Group]) -> Ranking:
    """Return groups with a test score in their order, each compared with the first."""
    sign = -1 if groups[0].higher_is_better else 1
    best, *others = ordered = sorted(groups, key=lambda group: sign * group.mean(group.test_score))
    pairs = list(itertools.combinations([group.by_seed(group.test_score) for group in ordered], 2))
    gaps = [difference(worse, better, best.span, tests=len(pairs)) for better, worse in pairs]
    # The pairs with the best come first.
    tests = zip(others, gaps, holm([gap.p for gap in gaps]), strict=False)
    rivals = [
        Rival(group.label, gap, p, _is_behind(sign * gap.mean, p), _is_level(group, best))
        for group, gap, p in tests
    ]
    first = [best.label, *(rival.network for rival in rivals if rival.is_level)]
    alone = len(first) == 1 and all(rival.beyond_noise is not False for rival in rivals)
    return Ranking(
        score=best.score_name,
        first=first,
        best=best.label if alone else None,
        value=best.mean(best.test_score),
        n=len(best.by_seed(best.test_score)),
        tested=any(rival.behind.tested for rival in rivals),
        rivals=rivals,
        step=100 / best.first.number("data.test") if best.score_name == "error" else math.nan,
    )


def _is_level(group: Group, best: Group) -> bool:
    return math.isclose(group.mean(group.test_score), best.mean(best.test_score), rel_tol=1e-9, abs_tol=1e-12)


def _is_behind(gap: float, p: float) -> bool | None:
    """Tell whether a gap is beyond noise; by the seeds of both it may point the other way than the means."""
    return exceeds_noise(p) and gap > 0
