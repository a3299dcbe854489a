"""Claim: which network has the best test score, and by how much beyond the noise between seeds.

Networks can also be shown to be as good as the best, within a margin that was stated beforehand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skiprun.claims.by_images import sentences
from skiprun.claims.evidence import in_looks
from skiprun.claims.finding import Finding
from skiprun.claims.rival import Rival, in_points, rivals_of_first, why_untested
from skiprun.results.groups import Group
from skiprun.results.numbers import format_score, score_unit, significant
from skiprun.results.test_images import error_step, standard_error


@dataclass(frozen=True)
class Ranking:
    """Networks by mean test score, the best first.

    Attributes:
        first: those with the best mean; more than one where they are tied.
        best: the one that is first and told apart from all others, as far as that can be tested; else None.
        rivals: all but the first of `first`, with which they are compared.
        margin: within which networks count as equivalent; None where that was not asked.
        resolution: standard error of the best error by the number of test images alone, in points.
        step: what one test image changes an error by, in points.
        most: seeds at the last of several looks; None: their number was fixed.
    """

    score: str
    first: list[str]
    best: str | None
    value: float
    n: int
    tested: bool
    rivals: list[Rival]
    margin: float | None
    resolution: float
    step: float
    most: int | None

    @property
    def sentence(self) -> str:
        """Say which network is best on the test split if one is, and which are behind by more than noise."""
        parts = [self._first_place()]
        it, behind = "them" if len(self.first) > 1 else "it", [r for r in self.rivals if not r.is_level]
        test = f"95 %{in_looks(self.most)}, Holm's correction over all pairs"
        kinds = {
            True: f"Behind {it} beyond the noise ({test})",
            False: f"Not told apart from {it}",
            None: f"Behind {it}, untested",
        }
        for beyond, words in kinds.items():
            if rivals := [rival for rival in behind if rival.beyond_noise is beyond and not rival.by_images]:
                listed = ", ".join(rival.words(self.score) for rival in rivals)
                parts.append(f"{words}: {listed}{why_untested(rivals) if beyond is None else ''}.")
        by_images = [(rival.words(self.score), rival.by_images) for rival in behind if rival.by_images]
        parts += sentences(by_images, it, self.score)
        return " ".join([*parts, *self._equivalences(), *self._resolution()])

    def _equivalences(self) -> Iterator[str]:
        """Say which networks are as good as the first, within the margin, if one was stated."""
        test = f"95 %{in_looks(self.most)}, two one-sided tests, Holm's correction"
        within = f"within {in_points(self.margin, self.score).lstrip('+')}" if self.margin else ""
        kinds = {
            True: f"EQUIVALENT to {self.first[0]} {within} ({test})",
            False: f"Not shown to be {within} of {self.first[0]}",
        }
        for equivalent, words in kinds.items():
            if rivals := [rival for rival in self.rivals if rival.equivalent is equivalent]:
                listed = ", ".join(rival.words_of_equivalence(self.score) for rival in rivals)
                yield f"{words}: {listed}."

    def _resolution(self) -> Iterator[str]:
        """Say what the test split can tell apart, which is no matter of seeds."""
        if not math.isnan(self.step):
            yield (
                f"One test image is {significant(self.step, 2)} points, and another test split of this size "
                f"would move an error of {format_score(self.value, self.score)} % by "
                f"{significant(self.resolution, 2)} points (standard error)."
            )

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


def judge(
    groups: Sequence[Group], margin: float | None = None, most: int | None = None
) -> Finding[Ranking | None]:
    """Rank groups that were scored on the same data, if two of them have a score.

    Args:
        groups: of finished runs.
        margin: of the test score, within which two networks count as equivalent; None: not asked.
        most: seeds at the last of several looks; None: their number was fixed.
    """
    scored = [group for group in groups if group.by_seed(group.test_score)]
    if len(scored) < 2:
        return Finding(None, ())
    ranking = _ranking(scored, margin, most)
    tests = tuple(rival.behind for rival in ranking.rivals)
    return Finding(ranking, (ranking.sentence,), tests=tests, headline=ranking.headline)


def _ranking(groups: Sequence[Group], margin: float | None, most: int | None) -> Ranking:
    """Return groups with a test score in their order, each compared with the first."""
    sign = -1 if groups[0].higher_is_better else 1
    best, *_ = ordered = sorted(groups, key=lambda group: sign * group.mean(group.test_score))
    rivals = rivals_of_first(ordered, margin, most)
    first = [best.label, *(rival.network for rival in rivals if rival.is_level)]
    alone = len(first) == 1 and all(rival.beyond_noise is not False for rival in rivals)
    value, images = best.mean(best.test_score), best.tested_images
    is_error = best.score_name == "error"
    return Ranking(
        score=best.score_name,
        first=first,
        best=best.label if alone else None,
        value=value,
        n=len(best.by_seed(best.test_score)),
        tested=any(rival.behind.tested for rival in rivals),
        rivals=rivals,
        margin=margin,
        resolution=standard_error(value, images) if is_error else math.nan,
        step=error_step(images) if is_error else math.nan,
        most=most,
    )
