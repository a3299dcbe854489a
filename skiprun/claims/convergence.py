"""Claim: a network trains at all; one that does not always do so has numbers of the runs that did.

A run that diverged, or that ends no better than guessing, is a result like any other. It is counted, and the
share of runs that trained is compared between networks (Fisher's exact test, Holm's correction).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.evidence import format_p
from skiprun.claims.finding import Finding
from skiprun.results.grouping import home
from skiprun.results.groups import Group
from skiprun.results.multiple_tests import holm
from skiprun.results.proportions import Proportion, proportion, shares_differ
from skiprun.results.records import RunRecord
from skiprun.results.significance import exceeds_noise


@dataclass(frozen=True)
class Convergence:
    """How many runs of a network trained, where not all did.

    Attributes:
        diverged: runs whose loss became infinite.
        stuck: finished runs whose score on train is no better than guessing.
        p: that it trains as often as `other`, the network that does so most; NaN where there is none.
            Corrected for the number of networks, and of looks if there are several.
    """

    network: str
    diverged: int
    stuck: int
    share: Proportion
    other: str
    p: float
    looks: int

    @property
    def sentence(self) -> str:
        """Say how many runs trained, and what that means for the numbers of the network."""
        if self.diverged == self.share.runs:
            return (
                f"{self.network} diverged in every run, so it has no final training loss. Failing to "
                "converge is another fault than degradation (He et al. 2015, section 1): try a lower "
                "optim.lr, a longer schedule.warmup or optim.clip_norm."
            )
        lost = {"diverged": self.diverged, "ended no better than guessing": self.stuck}
        words = " and ".join(f"{count} {what}" for what, count in lost.items() if count)
        low, high = (100 * end for end in (self.share.low, self.share.high))
        numbers = "; its numbers are of those that did not, and flatter it" if self.diverged else ""
        return (
            f"{self.network} trained in {self.share.trained} of {self.share.runs} runs "
            f"(95 % interval {low:.0f} to {high:.0f} %): {words}{numbers}.{self._compared()}"
        )

    def _compared(self) -> str:
        """Say whether that is seldomer than the network that trains most often, if it can be compared."""
        if math.isnan(self.p):
            return ""
        counted_looks = f" times {self.looks} looks" if self.looks > 1 else ""
        seldomer = "seldomer than" if exceeds_noise(self.p) else "not told apart from"
        return f" That is {seldomer} {self.other} ({format_p(self.p)}, Fisher's exact test{counted_looks})."


def judge(
    groups: Sequence[Group], unfinished: Sequence[RunRecord], looks: int = 1
) -> Finding[tuple[Convergence, ...]]:
    """Count the runs of each experiment that trained, if some did not.

    Args:
        groups: of finished runs.
        unfinished: the others.
        looks: how often that may be tested while seeds are added; p is corrected for it (Bonferroni).
    """
    finished = {home(group.first.path): group for group in groups}
    diverged = Counter(home(record.path) for record in unfinished if record.state == "diverged")
    stuck = {place: sum(map(is_stuck, group.runs)) for place, group in finished.items()}
    places = [*finished, *(place for place in diverged if place not in finished)]
    runs = {
        place: (len(finished[place].runs) if place in finished else 0) + diverged[place] for place in places
    }
    if not any(diverged[place] + stuck.get(place, 0) for place in places):
        return Finding((), ())
    shares = {
        place: proportion(runs[place] - diverged[place] - stuck.get(place, 0), runs[place])
        for place in places
    }
    names = {place: finished[place].label if place in finished else place.name for place in places}
    best = max(places, key=lambda place: (shares[place].value, shares[place].runs))
    lost = [place for place in places if shares[place].value < 1]
    compared = [
        min(1.0, looks * shares_differ(shares[place], shares[best])) if place != best else math.nan
        for place in lost
    ]
    found = tuple(
        Convergence(names[place], diverged[place], stuck.get(place, 0), shares[place], names[best], p, looks)
        for place, p in zip(lost, holm(compared), strict=True)
    )
    return Finding(found, tuple(each.sentence for each in found))


def is_stuck(run: RunRecord) -> bool:
    """Tell whether a finished run is no better on its training split than guessing.

    Guessing one of K classes is wrong in 1 - 1/K of the images; two standard errors below that are still
    guessing. For masks it is one class everywhere.
    """
    score = run.number(f"final.train.{run.text('data.score_name')}")
    if run.text("data.task") == "segmentation":
        return score <= run.number(f"trivial.train.{run.text('data.score_name')}")
    wrong = 1 - 1 / run.number("data.num_classes")
    return score >= 100 * (wrong - 2 * math.sqrt(wrong * (1 - wrong) / run.number("data.train")))
