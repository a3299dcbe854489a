"""A shallow and a deep plain network of one family, compared by their final training losses."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skiprun.claims.evidence import deciding, explain, in_parentheses, uncontrolled, untested
from skiprun.claims.training_loss import FITTED, MARGIN, PairOfSeed
from skiprun.results.numbers import format_score, significant
from skiprun.results.significance import Difference

SEEN = {True: "Degradation was seen", False: "Degradation was not seen", None: "Degradation is undecided"}


@dataclass(frozen=True)
class PlainPair:
    """A shallow and a deep plain network of one family.

    Attributes:
        loss, error: final training loss and score, (shallow, deep), means over seeds.
        ratio, low, high: deep over shallow loss with its 95 % interval.
        detectable: the ratio that would be found with 80 % power.
        p: that the deep one's loss is level with the shallow one's, corrected for the number of pairs.
        by_seed: each seed that both have: shallow, deep, whether the deep one is higher.
        seen: whether the means show a deep one higher than level; `test`: of the logarithms against level.
        tested: whether the seeds allow a test; with one of them nothing is claimed.
        degradation: True, False, or None where the test does not tell or there is none.
        also_differ: config keys beyond the depth that are unequal.
    """

    shallow: str
    deep: str
    loss: tuple[float, float]
    error: tuple[float, float]
    ratio: float
    low: float
    high: float
    detectable: float
    p: float
    by_seed: list[PairOfSeed]
    seen: bool
    test: Difference
    tested: bool
    degradation: bool | None
    also_differ: list[str]

    @property
    def asks_for_cure(self) -> bool:
        """Whether there is a gap to close: a sure one, or one that is seen where nothing can be tested."""
        return self.degradation is True or (self.seen and not self.tested)

    @property
    def sentence(self) -> str:
        """Say how the final training losses of a shallow and a deep plain network compare."""
        higher, n = sum(seed["higher"] for seed in self.by_seed), len(self.by_seed)
        answer = SEEN[self.degradation if self.tested else self.seen] + untested(self.tested, n)
        seeds = {0: ", no seed in common", 1: ""}.get(n, f", higher in {higher} of {n} seeds")
        by_heart = " Both have learned the training split by heart." if max(self.loss) < FITTED else ""
        bounds = ""
        if not math.isnan(self.low):
            bounds = f"95 % interval of the ratio {significant(self.low)} to {significant(self.high)}, "
        noise = bounds + explain(self.test, self.p, f" against {MARGIN:g}")
        undecided = self.tested and self.degradation is None
        missed = f"detectable: {significant(self.detectable, 2)} times{deciding(self.test)}" * undecided
        return (
            f"{answer}: {self.deep} ends at {significant(self.ratio)} times the training loss of "
            f"{self.shallow} (means {significant(self.loss[1])} against {significant(self.loss[0])}){seeds}; "
            f"training error {format_score(self.error[1], 'error')} % against "
            f"{format_score(self.error[0], 'error')} %{in_parentheses(noise, missed)}."
            f"{by_heart}{uncontrolled(self.also_differ)}"
        )
