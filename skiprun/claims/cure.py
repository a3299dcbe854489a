"""Claim: skip connections cure the degradation problem (He et al. 2015, section 1).

A network of the deep plain one's depth, with a connection, closes the gap in TRAINING loss between the shallow plain
network and the deep one. Its loss is compared with the one up to which the gap counts as closed, as a ratio; the answer
is that of a test over the seeds, corrected for the number of such networks (Holm 1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skiprun.claims.degradation import Pair, compare_losses, level
from skiprun.results.groups import LOSS, Group
from skiprun.results.protocol import other_differences
from skiprun.results.statistics import Difference, exceeds_noise, holm, trust

CLOSED = 0.95  # share of the gap that a cure closes


@dataclass(frozen=True)
class Cure:
    """A network with a connection at the deep plain one's depth.

    Attributes:
        closed: share of the gap in training loss that it closes, by the means over seeds.
        p: that its loss is the one up to which the gap counts as closed, corrected for the number of cures.
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
    noise: str
    by_seed: list[dict[str, Any]]
    seen: bool
    tested: bool
    cured: bool | None
    also_differ: list[str]


def closing(shallow: float, deep: float) -> float:
    """Return the loss up to which the gap between a shallow and a deep network counts as closed."""
    return max(level(shallow), deep - CLOSED * (deep - shallow))


def find_cures(groups: Sequence[Group], pairs: Sequence[Pair]) -> list[Cure]:
    """Judge each network with a connection against the deepest degraded pair of its depth and family.

    Where a pair cannot be tested, as with one seed, the answer is untested too.
    """
    named = {group.label: group for group in groups}
    asked = [pair for pair in pairs if pair.asks_for_cure]
    trios = [
        (group, named[pair.shallow], named[pair.deep], other_differences(group, named[pair.deep], ("model.",)))
        for group in groups
        if group.connection not in ("none", "-")
        for pair in [pair for pair in asked if _is_twin(group, named[pair.deep])][:1]
    ]
    chosen = [trio for trio in trios if not trio[3]] or trios
    tests = [
        compare_losses(group.by_seed(LOSS), _closings(shallow, deep), len(chosen)) for group, shallow, deep, _ in chosen
    ]
    corrected = holm([test.p for test in tests])
    return [judge_cure(*trio, test, p) for trio, test, p in zip(chosen, tests, corrected, strict=True)]


def _is_twin(group: Group, deep: Group) -> bool:
    """Tell whether a network has the family, data and depth of a plain one; a projection may add a layer or two."""
    same = (group.family, group.data) == (deep.family, deep.data)
    return same and abs(group.layers - deep.layers) <= 0.1 * deep.layers


def _closings(shallow: Group, deep: Group) -> dict[int, float]:
    """Return the loss that closes the gap, for each seed that both have."""
    low, high = shallow.by_seed(LOSS), deep.by_seed(LOSS)
    return {seed: closing(low[seed], high[seed]) for seed in low.keys() & high.keys()}


def judge_cure(group: Group, shallow: Group, deep: Group, also_differ: list[str], test: Difference, p: float) -> Cure:
    """Say how much of the gap a network closes, given the test against the loss that counts as closed."""
    losses, low, high = (each.by_seed(LOSS) for each in (group, shallow, deep))
    mean, low_mean, high_mean = (each.mean(LOSS) for each in (group, shallow, deep))
    return Cure(
        network=group.label,
        connection=group.connection,
        shallow=shallow.label,
        deep=deep.label,
        loss=mean,
        error=group.mean(group.train_score),
        closed=_closed(mean, low_mean, high_mean),
        p=p,
        noise=trust(test, p, f" against {100 * CLOSED:.0f} %"),
        by_seed=[
            {
                "seed": seed,
                "loss": losses[seed],
                "closed": _closed(losses[seed], low[seed], high[seed]),
                "cured": losses[seed] <= closing(low[seed], high[seed]),
            }
            for seed in test.by_seed
        ],
        seen=mean <= closing(low_mean, high_mean),
        tested=test.tested,
        cured=test.mean < 0 if exceeds_noise(p) else None,
        also_differ=also_differ,
    )


def _closed(loss: float, shallow: float, deep: float) -> float:
    """Return the share of a gap that a loss closes; NaN where there is no gap."""
    return (deep - loss) / (deep - shallow) if deep > shallow else math.nan
