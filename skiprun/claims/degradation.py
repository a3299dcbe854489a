"""Claim: deeper plain networks train worse, the degradation problem (He et al. 2015, section 1).

Of two plain networks that differ in depth alone, the deeper ends with the higher TRAINING loss, so that
overfitting cannot be the reason. Losses are compared as ratios, the deep network's with the loss up to which
it would be level with the shallow one. The answer is that of a test over the seeds, corrected for the number
of pairs (Holm 1979); that a few seeds agree is no test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.evidence import deciding, explain, in_a_word, in_parentheses, uncontrolled, untested
from skiprun.claims.finding import Finding, any_holds
from skiprun.claims.plain_networks import missing_control, pairs_by_depth
from skiprun.claims.training_loss import FITTED, MARGIN, PairOfSeed, compare_losses, level
from skiprun.results.groups import Group
from skiprun.results.multiple_tests import holm
from skiprun.results.numbers import format_score, significant
from skiprun.results.records import RunRecord
from skiprun.results.significance import Difference, exceeds_noise
from skiprun.results.summary_keys import LOSS

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


def judge(
    groups: Sequence[Group], unfinished: Sequence[RunRecord], most: int | None = None
) -> Finding[tuple[PlainPair, ...]]:
    """Compare each two plain networks of unequal depth, the shallowest first; `most` as in `difference`."""
    cases = pairs_by_depth(groups)
    losses = [(deep.by_seed(LOSS), _levels(shallow)) for shallow, deep, _ in cases]
    tests = [compare_losses(*each, len(cases), most) for each in losses]
    corrected = holm([test.p for test in tests])
    pairs = tuple(_pair(*case, test, p) for case, test, p in zip(cases, tests, corrected, strict=True))
    answer = any_holds(pair.degradation for pair in pairs)
    sentences = _sentences(pairs, groups, unfinished)
    return Finding(pairs, sentences, answer, tuple(tests), _seen_in_a_word(pairs, answer))


def _levels(shallow: Group) -> dict[int, float]:
    """Return the loss by seed up to which a deeper network is level."""
    return {seed: level(loss) for seed, loss in shallow.by_seed(LOSS).items()}


def _pair(shallow: Group, deep: Group, also_differ: list[str], test: Difference, p: float) -> PlainPair:
    """Return how the final training losses of two plain networks compare, given the test against level."""
    low, high = shallow.by_seed(LOSS), deep.by_seed(LOSS)
    ratio = compare_losses(high, low, most=test.most)
    means = shallow.mean(LOSS), deep.mean(LOSS)
    return PlainPair(
        shallow=shallow.label,
        deep=deep.label,
        loss=means,
        error=(shallow.mean(shallow.train_score), deep.mean(deep.train_score)),
        ratio=math.exp(ratio.mean),
        low=math.exp(ratio.low),
        high=math.exp(ratio.high),
        detectable=MARGIN * math.exp(min(test.detectable, 700.0)),
        p=p,
        by_seed=[
            {"seed": seed, "shallow": low[seed], "deep": high[seed], "higher": high[seed] > level(low[seed])}
            for seed in test.by_seed
        ],
        seen=means[1] > level(means[0]),
        test=test,
        tested=test.tested,
        degradation=test.mean > 0 if exceeds_noise(p) else None,
        also_differ=also_differ,
    )


def _sentences(
    pairs: Sequence[PlainPair], groups: Sequence[Group], unfinished: Sequence[RunRecord]
) -> tuple[str, ...]:
    """Say of each deeper plain network how it compares with the shallowest, or what is missing."""
    if pairs:
        return tuple(pair.sentence for pair in pairs if pair.shallow == pairs[0].shallow)
    if not any(group.connection != "-" for group in groups):
        return ()
    waiting = [record.run.name for record in unfinished if record.text("model.name").startswith("plain")]
    wait = f" Not finished or not readable: {', '.join(waiting)}." if waiting else ""
    return (f"Degradation cannot be judged: {missing_control(groups)}.{wait}",)


def _seen_in_a_word(pairs: Sequence[PlainPair], answer: bool | None) -> tuple[str, str] | None:
    """Say in a word whether degradation was seen; where some pairs are tested, that is what they say."""
    if not pairs:
        return None
    untested_pairs = [pair for pair in pairs if not pair.tested]
    seen = any(pair.seen for pair in untested_pairs)
    return "Degradation seen", in_a_word(answer, seen, len(untested_pairs) < len(pairs))
