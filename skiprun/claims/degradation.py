"""Claim: deeper plain networks train worse, the degradation problem (He et al. 2015, section 1).

Of two plain networks that differ in depth alone, the deeper ends with the higher TRAINING loss, so that overfitting
cannot be the reason. Losses are compared as ratios, since they spread over orders of magnitude: the deep network's with
the loss up to which it would be level with the shallow one. The answer is that of a test over the seeds, corrected for
the number of pairs (Holm 1979); that a few seeds agree is no test.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skiprun.results.groups import LOSS, Group
from skiprun.results.protocol import other_differences
from skiprun.results.statistics import Difference, difference, exceeds_noise, holm, trust

MARGIN = 1.05  # a loss within 5 % of another is level with it
FITTED = 0.01  # nats; below this a network has learned its training split by heart, and ratios mean nothing
DEPTH_KEYS = ("model.name", "model.depth", "model.connection")


@dataclass(frozen=True)
class Pair:
    """A shallow and a deep plain network of one family.

    Attributes:
        loss, error: final training loss and score, (shallow, deep), means over seeds.
        ratio, low, high: deep over shallow loss with its 95 % interval.
        detectable: the ratio that would be found with 80 % power.
        p: that the deep one's loss is level with the shallow one's, corrected for the number of pairs.
        by_seed: each seed that both have: shallow, deep, whether the deep one is higher.
        seen: whether the means show a deep one that is higher than level, tested or not.
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
    noise: str
    by_seed: list[dict[str, Any]]
    seen: bool
    tested: bool
    degradation: bool | None
    also_differ: list[str]

    @property
    def asks_for_cure(self) -> bool:
        """Whether there is a gap to close: a sure one, or one that is seen where nothing can be tested."""
        return self.degradation is True or (self.seen and not self.tested)


def level(loss: float) -> float:
    """Return the loss up to which another counts as level with this one; fitted networks are level."""
    return MARGIN * max(loss, FITTED)


def is_plain(group: Group) -> bool:
    """Tell whether a group is a control: sites for a connection, and nothing carried around them."""
    return group.connection == "none" and not math.isnan(group.layers)


def find_pairs(groups: Sequence[Group]) -> list[Pair]:
    """Judge each pair of plain networks of unequal depth, the shallowest first; controlled pairs if there are any."""
    plain = sorted((group for group in groups if is_plain(group)), key=lambda group: group.layers)
    pairs = [
        (shallow, deep, other_differences(shallow, deep, DEPTH_KEYS))
        for shallow, deep in itertools.combinations(plain, 2)
        if (shallow.family, shallow.data) == (deep.family, deep.data) and shallow.layers < deep.layers
    ]
    chosen = [pair for pair in pairs if not pair[2]] or pairs
    tests = [compare_losses(deep.by_seed(LOSS), _levels(shallow), len(chosen)) for shallow, deep, _ in chosen]
    corrected = holm([test.p for test in tests])
    return [judge_pair(*pair, test, p) for pair, test, p in zip(chosen, tests, corrected, strict=True)]


def _levels(shallow: Group) -> dict[int, float]:
    return {seed: level(loss) for seed, loss in shallow.by_seed(LOSS).items()}


def judge_pair(shallow: Group, deep: Group, also_differ: list[str], test: Difference, p: float) -> Pair:
    """Say how the final training losses of two plain networks compare, given the test against the level."""
    low, high = shallow.by_seed(LOSS), deep.by_seed(LOSS)
    ratio = compare_losses(high, low)
    means = shallow.mean(LOSS), deep.mean(LOSS)
    return Pair(
        shallow=shallow.label,
        deep=deep.label,
        loss=means,
        error=(shallow.mean(shallow.train_score), deep.mean(deep.train_score)),
        ratio=math.exp(ratio.mean),
        low=math.exp(ratio.low),
        high=math.exp(ratio.high),
        detectable=MARGIN * math.exp(min(test.detectable, 700.0)),
        p=p,
        noise=trust(test, p, f" against {MARGIN:g}"),
        by_seed=[
            {"seed": seed, "shallow": low[seed], "deep": high[seed], "higher": high[seed] > level(low[seed])}
            for seed in test.by_seed
        ],
        seen=means[1] > level(means[0]),
        tested=test.tested,
        degradation=test.mean > 0 if exceeds_noise(p) else None,
        also_differ=also_differ,
    )


def compare_losses(losses: Mapping[int, float], others: Mapping[int, float], tests: int = 1) -> Difference:
    """Compare the logarithms of losses."""
    return difference(_logs(losses), _logs(others), tests=tests)


def _logs(losses: Mapping[int, float]) -> dict[int, float]:
    """Return logarithms; a loss of exactly nothing counts as the smallest that fp32 tells from it."""
    return {seed: math.log(max(loss, 1e-7)) for seed, loss in losses.items()}
