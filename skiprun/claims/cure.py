"""Claim: skip connections cure the degradation problem (He et al. 2015, section 1).

A network of the deep plain one's depth, with a connection, closes the gap in TRAINING loss between the
shallow plain network and the deep one. Its loss is compared with the one up to which the gap counts as
closed, as a ratio; the answer is that of a test over the seeds, corrected for their number (Holm 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.evidence import ANSWERS, explain, in_a_word, in_parentheses, uncontrolled, untested
from skiprun.claims.finding import Finding, any_holds
from skiprun.claims.plain_networks import missing_twin
from skiprun.claims.plain_pair import PlainPair
from skiprun.claims.training_loss import CLOSED, CureOfSeed, closed, closing, compare_losses
from skiprun.claims.trios import trios_of
from skiprun.results.groups import Group
from skiprun.results.multiple_tests import holm
from skiprun.results.numbers import format_score, significant
from skiprun.results.significance import Difference, exceeds_noise
from skiprun.results.summary_keys import LOSS

CURED = {True: "Cured by", False: "Not cured by", None: "Undecided, whether it is cured by"}


@dataclass(frozen=True)
class Cure:
    """A network with a connection at the deep plain one's depth.

    Attributes:
        closed: share of the gap in training loss that it closes, by the means over seeds.
        p: that its loss is the one up to which the gap counts as closed, corrected for the number of cures;
            `test` is of the logarithms of the losses.
        seen, tested, cured: as `seen`, `tested` and `degradation` of a pair.
    """

    network: str
    connection: str
    shallow: str
    deep: str
    loss: float
    error: float
    closed: float
    p: float
    by_seed: list[CureOfSeed]
    seen: bool
    test: Difference
    tested: bool
    cured: bool | None
    also_differ: list[str]

    @property
    def sentence(self) -> str:
        """Say how much of the gap a connection closes."""
        done, n = sum(seed["cured"] for seed in self.by_seed), len(self.by_seed)
        answer = CURED[self.cured if self.tested else self.seen]
        seeds = f" ({done} of {n} seeds)" if self.tested else untested(self.tested, n)
        beyond = f"{100 * self.closed:.1f} % of it" if self.closed > 1 else ""
        closes = f"closes {'all' if beyond else f'{100 * self.closed:.1f} %'} of"
        noise = explain(self.test, self.p, f" against {100 * CLOSED:.0f} %")
        facts = in_parentheses(beyond, f"training error {format_score(self.error, 'error')} %", noise)
        share = "does not narrow" if self.closed <= 0 else closes
        return (
            f"{answer} '{self.connection}'{seeds}: {self.network} ends at a training loss of "
            f"{significant(self.loss)} and {share} the gap between {self.deep} and {self.shallow}{facts}."
            f"{uncontrolled(self.also_differ)}"
        )


def judge(
    groups: Sequence[Group], pairs: Sequence[PlainPair], most: int | None = None
) -> Finding[tuple[Cure, ...]]:
    """Judge each network with a connection by the deepest degraded pair of its depth; see `degradation`."""
    asked = [pair for pair in pairs if pair.asks_for_cure]
    cases = trios_of(groups, asked)
    tests = [
        compare_losses(group.by_seed(LOSS), _closings(shallow, deep), len(cases), most, group.overlap)
        for group, shallow, deep, _ in cases
    ]
    corrected = holm([test.p for test in tests])
    cures = tuple(_cure(*case, test, p) for case, test, p in zip(cases, tests, corrected, strict=True))
    sentences = [cure.sentence for cure in cures] or [missing_twin(pair.deep) for pair in asked[-1:]]
    holds, in_words = any_holds(cure.cured for cure in cures), _cured_in_a_word(pairs, cures)
    return Finding(cures, tuple(sentences), holds, tuple(tests), in_words)


def _closings(shallow: Group, deep: Group) -> dict[int, float]:
    """Return the loss that closes the gap, for each seed that both have."""
    low, high = shallow.by_seed(LOSS), deep.by_seed(LOSS)
    return {seed: closing(low[seed], high[seed]) for seed in low.keys() & high.keys()}


def _cure(
    group: Group, shallow: Group, deep: Group, also_differ: list[str], test: Difference, p: float
) -> Cure:
    """Return how much of the gap a network closes, given the test against the loss that counts as closed."""
    losses, low, high = (each.by_seed(LOSS) for each in (group, shallow, deep))
    mean, low_mean, high_mean = (each.mean(LOSS) for each in (group, shallow, deep))
    return Cure(
        network=group.label,
        connection=group.connection,
        shallow=shallow.label,
        deep=deep.label,
        loss=mean,
        error=group.mean(group.train_score),
        closed=closed(mean, low_mean, high_mean),
        p=p,
        by_seed=[
            {
                "seed": seed,
                "loss": losses[seed],
                "closed": closed(losses[seed], low[seed], high[seed]),
                "cured": losses[seed] <= closing(low[seed], high[seed]),
            }
            for seed in test.by_seed
        ],
        seen=mean <= closing(low_mean, high_mean),
        test=test,
        tested=test.tested,
        cured=test.mean < 0 if exceeds_noise(p) else None,
        also_differ=also_differ,
    )


def _cured_in_a_word(pairs: Sequence[PlainPair], cures: Sequence[Cure]) -> tuple[str, str] | None:
    """Say in a word of each connection whether it cures; nothing where there is nothing to cure."""
    if not cures and True not in [pair.degradation for pair in pairs]:
        return None
    answers = [f"{cure.connection}: {in_a_word(cure.cured, cure.seen, cure.tested)}" for cure in cures]
    return "Cured by skips", "; ".join(dict.fromkeys(answers)) or ANSWERS[None]
