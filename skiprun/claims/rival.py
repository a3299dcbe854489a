"""A network behind the best one in test score: how far, how sure that is, and whether it is as good.

The best is chosen by the scores that it is then tested with: the best of ten that are all the same lies well
before the others. So all pairs of networks are tested, and corrected together, though those with the best
alone are told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.by_images import image_tests, image_words
from skiprun.claims.evidence import detectable, explain, format_p, in_parentheses, signed
from skiprun.results.equivalence import equivalence_p
from skiprun.results.groups import Group
from skiprun.results.images import ImageTest
from skiprun.results.multiple_tests import all_pairs, holm
from skiprun.results.significance import Difference, exceeds_noise
from skiprun.results.superiority import WinProbability, win_probability


@dataclass(frozen=True)
class Rival:
    """A network behind the best.

    Attributes:
        behind: its test score minus the best's.
        p: corrected for the number of pairs among all networks.
        beyond_noise: whether it is behind by more than noise; None where that cannot be tested.
        is_level: whether the mean scores are the same, but for rounding.
        wins: how probable it is that one run of it beats one of the best.
        equivalence_p: that the two are the stated margin or more apart, corrected; NaN without a margin.
        equivalent: whether they are within the margin; None where that was not asked or cannot be tested.
        by_images: how its only run and the best's differ on the same images; None where they cannot be asked.
    """

    network: str
    behind: Difference
    p: float
    beyond_noise: bool | None
    is_level: bool
    wins: WinProbability
    equivalence_p: float
    equivalent: bool | None
    by_images: ImageTest | None

    @property
    def is_settled(self) -> bool:
        """Whether more seeds have nothing to decide: it is behind by more than noise, or equivalent."""
        return bool(self.beyond_noise or self.equivalent)

    def words(self, score: str) -> str:
        """Say how far it is behind in a score."""
        tested = f", {format_p(self.p)}" if self.behind.tested else ""
        missed = f", {detectable(self.behind, score)}" if self.beyond_noise is False else ""
        images = f"; {image_words(self.by_images)}" if self.by_images else ""
        return f"{self.network} ({in_points(self.behind.mean, score)}{tested}{missed}{images})"

    def words_of_equivalence(self, score: str) -> str:
        """Say how sure it is that it is as good, within the margin."""
        return f"{self.network} ({in_points(self.behind.mean, score)}, {format_p(self.equivalence_p)})"


def rivals_of_first(ordered: Sequence[Group], margin: float | None, most: int | None = None) -> list[Rival]:
    """Compare each network but the first with it.

    Args:
        ordered: networks by their mean test score, the best first.
        margin: of the score, within which two networks count as equivalent; None: not asked.
        most: seeds at the last of several looks; None: their number was fixed.
    """
    best, *others = ordered
    sign = 1 if best.higher_is_better else -1
    best_scores, *others_scores = scores = [group.by_seed(group.test_score) for group in ordered]
    gaps, p = all_pairs(scores, best.span, most, best.overlap)
    apart = holm([equivalence_p(gap, margin or math.nan) for gap in gaps])
    tests = image_tests(ordered)
    # The pairs with the best come first.
    return [
        Rival(
            network=group.label,
            behind=gaps[number],
            p=p[number],
            # By the seeds of both it may point the other way than the means.
            beyond_noise=exceeds_noise(p[number]) and sign * gaps[number].mean < 0,
            is_level=_is_level(group, best),
            wins=win_probability(own.values(), best_scores.values(), best.higher_is_better, best.overlap),
            equivalence_p=apart[number],
            equivalent=exceeds_noise(apart[number]),
            by_images=tests[number],
        )
        for number, (group, own) in enumerate(zip(others, others_scores, strict=True))
    ]


def _is_level(group: Group, best: Group) -> bool:
    return math.isclose(group.mean(group.test_score), best.mean(best.test_score), rel_tol=1e-9, abs_tol=1e-12)


def in_points(difference: float, score: str) -> str:
    """Return a difference of scores with its sign and unit."""
    return f"{signed(difference, score)}{' points' if score == 'error' else ''}"


def why_untested(rivals: Sequence[Rival]) -> str:
    """Say why nothing can be claimed of networks, by the one with the fewest seeds."""
    fewest = min((rival.behind for rival in rivals), key=lambda gap: gap.n)
    return in_parentheses(explain(fewest, fewest.p))
