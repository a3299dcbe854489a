"""Was the degradation problem seen, and did skip connections cure it? (He et al. 2015, section 1)

Degradation: of two plain networks that differ in depth alone, the deeper ends with the higher TRAINING loss, so that
overfitting cannot be the reason. Cure: a network of the deep one's depth, with a connection, closes the gap. Losses are
compared as ratios, since they spread over orders of magnitude.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skiprun.reports.group import LOSS, Group
from skiprun.reports.protocol import other_differences
from skiprun.reports.statistics import difference

MARGIN = 1.05  # a loss within 5 % of another is level with it
FITTED = 0.01  # nats; below this a network has learned its training split by heart, and ratios mean nothing
CLOSED = 0.95  # share of the gap that a cure closes
DEPTH_KEYS = ("model.name", "model.depth", "model.connection")


@dataclass(frozen=True)
class Pair:
    """A shallow and a deep plain network of one family.

    Attributes:
        loss, error: final training loss and score, (shallow, deep), means over seeds.
        ratio, low, high, p: deep over shallow loss with its 95 % interval.
        by_seed: each seed that both have: shallow, deep, whether the deep one is higher.
        degradation: True, False, or None where the seeds disagree.
        also_differ: config keys beyond the depth that are unequal.
    """

    shallow: str
    deep: str
    loss: tuple[float, float]
    error: tuple[float, float]
    ratio: float
    low: float
    high: float
    p: float
    noise: str
    by_seed: list[dict[str, Any]]
    degradation: bool | None
    also_differ: list[str]


@dataclass(frozen=True)
class Cure:
    """A network with a connection at the deep plain one's depth; `closed` is the share of the gap in training loss."""

    network: str
    connection: str
    shallow: str
    deep: str
    loss: float
    error: float
    closed: float
    by_seed: list[dict[str, Any]]
    cured: bool | None
    also_differ: list[str]


def exceeds(loss: float, reference: float) -> bool:
    """Tell whether a loss lies above another by more than the margin; fitted networks count as level."""
    return loss > MARGIN * max(reference, FITTED)


def agreement(flags: Sequence[bool], otherwise: bool | None = None) -> bool | None:
    """Return what all seeds say, or what is to be thought where they disagree."""
    return flags[0] if len(set(flags)) == 1 else otherwise


def is_plain(group: Group) -> bool:
    """Tell whether a group is a control: sites for a connection, and nothing carried around them."""
    return group.connection == "none" and not math.isnan(group.layers)


def find_pairs(groups: Sequence[Group]) -> list[Pair]:
    """Judge each pair of plain networks of unequal depth, the shallowest first; controlled pairs if there are any."""
    plain = sorted((group for group in groups if is_plain(group)), key=lambda group: group.layers)
    pairs = [
        judge_pair(shallow, deep)
        for shallow, deep in itertools.combinations(plain, 2)
        if (shallow.family, shallow.data) == (deep.family, deep.data) and shallow.layers < deep.layers
    ]
    return [pair for pair in pairs if not pair.also_differ] or pairs


def judge_pair(shallow: Group, deep: Group) -> Pair:
    """Compare the final training losses of two plain networks."""
    low_losses, high_losses = shallow.by_seed(LOSS), deep.by_seed(LOSS)
    test = difference(_logs(high_losses), _logs(low_losses))
    seeds: list[dict[str, Any]] = [
        {"seed": s, "shallow": low_losses[s], "deep": high_losses[s], "higher": exceeds(high_losses[s], low_losses[s])}
        for s in test.by_seed
    ]
    means = shallow.sample(LOSS).mean, deep.sample(LOSS).mean
    flags = [seed["higher"] for seed in seeds] or [exceeds(means[1], means[0])]
    seen = agreement(flags, True if test.significant and test.mean > 0 else None)
    return Pair(
        shallow=shallow.label,
        deep=deep.label,
        loss=means,
        error=(shallow.sample(shallow.train_score).mean, deep.sample(deep.train_score).mean),
        ratio=math.exp(test.mean),
        low=math.exp(test.low),
        high=math.exp(test.high),
        p=test.p,
        noise=test.noise,
        by_seed=seeds,
        degradation=None if math.isnan(test.mean) else seen,
        also_differ=other_differences(shallow, deep, DEPTH_KEYS),
    )


def _logs(losses: Mapping[int, float]) -> dict[int, float]:
    """Return logarithms; a loss of exactly nothing counts as the smallest that fp32 tells from it."""
    return {seed: math.log(max(loss, 1e-7)) for seed, loss in losses.items()}


def find_cures(groups: Sequence[Group], pairs: Sequence[Pair]) -> list[Cure]:
    """Judge each network with a connection against the deepest degraded pair of its depth and family."""
    named = {group.label: group for group in groups}
    cures = []
    for group in (group for group in groups if group.connection not in ("none", "-")):
        matching = [pair for pair in pairs if pair.degradation and _is_twin(group, named[pair.deep])]
        if matching:
            cures.append(judge_cure(group, named[matching[0].shallow], named[matching[0].deep]))
    return [cure for cure in cures if not cure.also_differ] or cures


def _is_twin(group: Group, deep: Group) -> bool:
    """Tell whether a network has the family, data and depth of a plain one; a projection may add a layer or two."""
    same = (group.family, group.data) == (deep.family, deep.data)
    return same and abs(group.layers - deep.layers) <= 0.1 * deep.layers


def judge_cure(group: Group, shallow: Group, deep: Group) -> Cure:
    """Compare the final training loss of a network with its deep plain twin's and the shallow one's."""
    losses, low, high = (each.by_seed(LOSS) for each in (group, shallow, deep))
    seeds = [_judge_seed(s, losses[s], low[s], high[s]) for s in sorted(losses.keys() & low.keys() & high.keys())]
    mean, low_mean, high_mean = (each.sample(LOSS).mean for each in (group, shallow, deep))
    whole = _judge_seed(-1, mean, low_mean, high_mean)
    return Cure(
        network=group.label,
        connection=group.connection,
        shallow=shallow.label,
        deep=deep.label,
        loss=mean,
        error=group.sample(group.train_score).mean,
        closed=whole["closed"],
        by_seed=seeds,
        cured=None if math.isnan(mean) else agreement([seed["cured"] for seed in seeds or [whole]]),
        also_differ=other_differences(group, deep, ("model.",)),
    )


def _judge_seed(seed: int, loss: float, shallow: float, deep: float) -> dict[str, Any]:
    """Tell how much of the gap a network closes, and whether that is a cure."""
    closed = (deep - loss) / (deep - shallow) if deep > shallow else math.nan
    return {"seed": seed, "loss": loss, "closed": closed, "cured": closed >= CLOSED or not exceeds(loss, shallow)}
