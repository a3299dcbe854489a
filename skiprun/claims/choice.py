"""Claim: which arm of a sweep is the best one, chosen by validation, and which are not told apart from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skiprun.claims.evidence import DETECTABLE, detectable, explain, format_p
from skiprun.claims.finding import Finding
from skiprun.claims.rival import in_points
from skiprun.errors import counted
from skiprun.results.groups import Group
from skiprun.results.multiple_tests import all_pairs
from skiprun.results.numbers import format_score, format_spread, score_unit
from skiprun.results.significance import Difference, exceeds_noise
from skiprun.results.statistics import Sample


@dataclass(frozen=True)
class Contender:
    """An arm that went to its end, beside the chosen one.

    Attributes:
        behind: its validation score minus that of the chosen arm.
        p: corrected for the number of pairs among all such arms.
        beyond_noise: whether it is behind by more than noise; None where that cannot be tested.
    """

    arm: str
    behind: Difference
    p: float
    beyond_noise: bool | None


@dataclass(frozen=True)
class Choice:
    """The arm that validation chooses.

    Attributes:
        val, test: its scores over seeds, of the checkpoint that validation chose too.
        contenders: the other arms that went to their ends with every seed, the best first.
        arms: how many there were to choose from, those that were stopped too.
    """

    score: str
    chosen: str
    val: Sample
    test: Sample
    contenders: tuple[Contender, ...]
    arms: int

    def sentences(self) -> Iterator[str]:
        """Say what was chosen and by how much, and which score to report."""
        yield self._chosen()
        yield self._warning()
        pairs = len(self.contenders) * (len(self.contenders) + 1) // 2
        test = f"95 %, validation {self.score}, Holm's correction over {counted(pairs, 'pair')}"
        kinds = {
            True: f"Behind it beyond the noise ({test})",
            False: f"Not told apart from it ({test})",
            None: "Not chosen, and untested",
        }
        for beyond, words in kinds.items():
            if found := [each for each in self.contenders if each.beyond_noise is beyond]:
                yield f"{words}: {', '.join(map(self._words, found))}{self._why(found, beyond)}."
        if any(each.beyond_noise is False for each in self.contenders):
            yield DETECTABLE

    def _chosen(self) -> str:
        """Say which arm was chosen."""
        seeds = counted(self.val.n, "seed")
        val = f"{format_score(self.val.mean, self.score)}{score_unit(self.score)}"
        best = f"the best of {counted(self.arms, 'arm')}" if self.arms > 1 else "the only arm"
        return f"Chosen by validation {self.score}: {self.chosen} with {val} (mean of {seeds}), {best}."

    def _warning(self) -> str:
        """Say which of its scores can be reported."""
        test = f"test {self.score} of {format_spread(self.test, self.score)}{score_unit(self.score)}"
        if self.arms == 1:
            return f"It has a {test}."
        return (
            f"Report its {test}, which chose nothing. The best of several owes a part of its validation "
            "score to luck and would not keep it (winner's curse); so would a test score that chooses."
        )

    def _words(self, each: Contender) -> str:
        """Say how far an arm is behind."""
        tested = f", {format_p(each.p)}" if each.behind.tested else ""
        missed = f", {detectable(each.behind, self.score)}" if each.beyond_noise is False else ""
        return f"{each.arm} ({in_points(each.behind.mean, self.score)}{tested}{missed})"

    @staticmethod
    def _why(found: Sequence[Contender], beyond: bool | None) -> str:
        """Say why nothing was tested, by the arm with the fewest seeds."""
        if beyond is not None:
            return ""
        fewest = min((each.behind for each in found), key=lambda gap: gap.n)
        return f" ({explain(fewest, math.nan)})"


def judge(groups: Sequence[Group], arms: int) -> Finding[Choice | None]:
    """Choose an arm by its mean validation score, by loss between equals, and test all pairs by it.

    An arm is chosen by the scores that it is tested with, so all pairs of arms are corrected together, as in
    `skiprun.claims.rival`.

    Args:
        groups: arms that went to their ends, with the same seeds and data.
        arms: how many there were to choose from.
    """
    if not groups:
        return Finding(None, ("No arm came to its end, so none is chosen.",))
    choice = _choice(groups, arms)
    tests = tuple(each.behind for each in choice.contenders)
    return Finding(choice, tuple(choice.sentences()), tests=tests)


def _choice(groups: Sequence[Group], arms: int) -> Choice:
    """Return groups in their order, each compared with the first."""
    sign = -1 if groups[0].higher_is_better else 1
    key, name = groups[0].val_score, groups[0].score_name
    chosen, *others = ordered = sorted(
        groups, key=lambda group: (sign * group.mean(key), group.mean("best.val.loss"))
    )
    gaps, p = all_pairs([group.by_seed(key) for group in ordered], chosen.span, overlap=chosen.overlap)
    contenders = [
        Contender(group.label, gap, each, exceeds_noise(each) and sign * gap.mean > 0)
        for group, gap, each in zip(others, gaps, p, strict=False)  # the pairs with the first come first
    ]
    val, test = chosen.sample(key), chosen.sample(chosen.test_score)
    return Choice(name, chosen.label, val, test, tuple(contenders), arms)
