"""Claim: deeper plain networks train worse, the degradation problem (He et al. 2015, section 1).

Of two plain networks that differ in depth alone, the deeper ends with the higher TRAINING loss, so that
overfitting cannot be the reason. Losses are compared as ratios, the deep network's with the loss up to which
it would be level with the shallow one. The answer is that of a test over the seeds, corrected for the number
of pairs (Holm 1979); that a few seeds agree is no test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from skiprun.claims.evidence import in_a_word
from skiprun.claims.finding import Finding, any_holds
from skiprun.claims.plain_networks import missing_control, pairs_by_depth
from skiprun.claims.plain_pair import PlainPair
from skiprun.claims.training_loss import MARGIN, compare_losses, level
from skiprun.results.groups import Group
from skiprun.results.multiple_tests import holm
from skiprun.results.records import RunRecord
from skiprun.results.significance import Difference, exceeds_noise
from skiprun.results.summary_keys import LOSS


def judge(
    groups: Sequence[Group], unfinished: Sequence[RunRecord], most: int | None = None
) -> Finding[tuple[PlainPair, ...]]:
    """Compare each two plain networks of unequal depth, the shallowest first; `most` as in `difference`."""
    cases = pairs_by_depth(groups)
    tests = [
        compare_losses(deep.by_seed(LOSS), _levels(shallow), len(cases), most, deep.overlap)
        for shallow, deep, _ in cases
    ]
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
    ratio = compare_losses(high, low, most=test.most, overlap=deep.overlap)
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
