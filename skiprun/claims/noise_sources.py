"""Claim: one source of randomness gives more spread than another, and sources add up or interact."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from skiprun.claims.evidence import format_p
from skiprun.claims.finding import Finding
from skiprun.errors import counted
from skiprun.results.multiple_tests import holm
from skiprun.results.numbers import significant
from skiprun.results.power import MOST_SEEDS, POWER
from skiprun.results.significance import exceeds_noise
from skiprun.results.variance_components import Interval, VarianceComponents
from skiprun.results.variance_ratio import Ratio, compare_spread, detectable_ratio, seeds_to_rank


@dataclass(frozen=True)
class SourceRatios:
    """Sources compared two by two; p is corrected for the number of pairs (Holm 1979).

    Attributes:
        detectable: the smallest ratio of two standard deviations that these seeds find with 80 % power.
    """

    ratios: tuple[Ratio, ...]
    detectable: float


def judge(found: VarianceComponents, score: str) -> Finding[SourceRatios]:
    """Say what the runs of a score carry: the total, which sources are told apart, whether they interact.

    Args:
        found: its variances.
        score: its name, such as 'error'.
    """
    compared = list(itertools.starmap(compare_spread, itertools.combinations(found.differences.items(), 2)))
    corrected = holm([ratio.p for ratio in compared])
    ratios = tuple(replace(ratio, p=p) for ratio, p in zip(compared, corrected, strict=True))
    smallest = min((ratio.n for ratio in ratios), default=0)
    evidence = SourceRatios(ratios, detectable_ratio(smallest, max(1, len(ratios))))
    sentences = (_say_total(found, score), *_say_ranking(evidence), *_say_interaction(found.interaction))
    return Finding(evidence, sentences)


def _say_total(found: VarianceComponents, score: str) -> str:
    """Say how far all sources together spread the score."""
    total = found.total
    if math.isnan(total.variance):
        return f"Fewer than two seeds have a test {score}, so its spread is not known."
    return (
        f"All sources together spread the test {score} by {interval_words(total.std)}"
        f"{' points' if score == 'error' else ''}: standard deviation over {total.n} seeds and its 95 % "
        "interval."
    )


def interval_words(found: Interval, digits: int = 2) -> str:
    """Return a number with its interval: 0.35 (0.24 to 0.61); '-' where there is none."""
    value, low, high = ("-" if math.isnan(each) else significant(each, digits) for each in found)
    return f"{value} ({low} to {high})"


def _say_ranking(evidence: SourceRatios) -> Iterator[str]:
    """Say which sources are told apart, or that the seeds are too few, and how many it would take."""
    told = [ratio for ratio in evidence.ratios if exceeds_noise(ratio.p)]
    rest = [ratio for ratio in evidence.ratios if ratio not in told]
    if told:
        words = "; ".join(f"{_times(ratio)}, {format_p(ratio.p)}" for ratio in told)
        holm_too = ", Holm's correction" if len(evidence.ratios) > 1 else ""
        yield f"Told apart, by standard deviations: {words} (Pitman-Morgan test{holm_too})."
    if rest:
        largest, n = max(rest, key=lambda ratio: ratio.value), min(ratio.n for ratio in rest)
        yield (
            f"{'Others are' if told else 'Sources are'} not ranked: {counted(n, 'seed')} "
            f"{_found(evidence.detectable)}. Seen: {_times(largest)}{_needed(largest, len(evidence.ratios))}."
        )


def _found(ratio: float) -> str:
    """Say which ratio is found."""
    if math.isinf(ratio):
        return "tell no two apart"
    return f"find one that spreads {significant(ratio, 2)} times another in {100 * POWER:.0f} % of trials"


def _times(ratio: Ratio) -> str:
    """Say how many times a source spreads what another does."""
    if math.isinf(ratio.value):
        return f"{ratio.larger} spreads scores, and {ratio.smaller} changed none"
    return f"{ratio.larger} {significant(ratio.value, 2)} times {ratio.smaller}"


def _needed(ratio: Ratio, tests: int) -> str:
    """Say how many seeds would tell two sources apart if their ratio stays as it is."""
    if not math.isfinite(ratio.value):
        return ""
    needed = seeds_to_rank(ratio.value, tests)
    return f", which would take {needed or f'more than {MOST_SEEDS:,}'} seeds"


def _say_interaction(found: Interval | None) -> Iterator[str]:
    """Say whether the parts add up to the total; nothing where parts are missing."""
    if found is None or math.isnan(found.value):
        return
    words = f"Total less the sum of the parts, in variance: {interval_words(found)}."
    if found.high < 0:
        yield f"{words} Sources interact: what two of them spread together is in the part of both."
    elif found.low > 0:
        yield f"{words} No interaction is positive: these scores are not what the intervals expect."
    else:
        yield f"{words} That sources add up (0) is not excluded; where they interact it is negative."
