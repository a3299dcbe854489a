"""The scale of evidence in words: effect, size, number of seeds, and what could not be tested.

A sentence asserts what a test over the seeds carries. What cannot be tested is said to be untested, never to
be level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from skiprun.errors import counted
from skiprun.results.numbers import format_score
from skiprun.results.power import MOST_SEEDS, POWER
from skiprun.results.sequential import FIRST_LOOK, looks
from skiprun.results.significance import Difference, exceeds_noise
from skiprun.results.summary_keys import value_range

NO_SEED = "no seed to compare by"
ONE_SEED = "n = 1: one seed shows a difference, not its spread"
NO_SPREAD = "the same in every seed, so there is no spread to test against"
TOO_FEW = f"fewer than {FIRST_LOOK} seeds in common, so there is no look yet"
DETECTABLE = f"Detectable: a true difference that is found in {100 * POWER:.0f} % of such comparisons."
ANSWERS = {True: "yes", False: "no", None: "cannot be judged"}


def explain(found: Difference, p: float, against: str = "") -> str:
    """Say how far a difference can be trusted.

    Args:
        found: the difference.
        p: its p value, corrected for those beside it.
        against: what it is tested against, where that is not nothing.
    """
    if not found.tested:
        few = TOO_FEW if found.most and found.n < FIRST_LOOK else NO_SPREAD
        return {0: NO_SEED, 1: ONE_SEED}.get(found.n, few)
    kind = "paired by seed" if found.method == "paired t" else "Welch's test"
    beyond = "beyond" if exceeds_noise(p) else "not beyond"
    corrected = " (Holm)" if p > found.p else ""
    return (
        f"{format_p(p)}{corrected}{against}, {kind}, n = {found.n}{in_looks(found.most)}: {beyond} the noise"
    )


def in_looks(most: int | None) -> str:
    """Say that a test counts several looks, if it does."""
    return f" by a boundary for up to {counted(looks(most), 'look')}" if most else ""


def detectable(found: Difference, score: str) -> str:
    """Say which difference of a score the seeds would have shown; none that is larger than any can be."""
    lowest, highest = value_range(score)
    possible = found.detectable <= highest - lowest
    return f"detectable {format_score(found.detectable, score) if possible else 'nothing'}{deciding(found)}"


def deciding(found: Difference) -> str:
    """Say with how many seeds the difference that was seen would be found, if it stays as it is."""
    if not found.tested or found.mean == 0:
        return ""
    return f", this one with {found.seeds_needed or f'more than {MOST_SEEDS:,}'} seeds"


def format_p(p: float) -> str:
    """Return a p value as a sentence has it."""
    shown = p_value(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def p_value(p: float) -> str:
    """Return a p value as a table has it; below a thousandth the exact size says nothing more."""
    return "-" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.2g}"


def untested(tested: bool, n: int) -> str:
    """Say that nothing was tested, where that is so."""
    seeds = {0: " in seeds that differ", 1: " in one seed"}.get(n, " alike in every seed")
    return "" if tested else f"{seeds}, untested"


def in_parentheses(*parts: str) -> str:
    """Return what stands in parentheses; that one seed is no test is said once, at the end of a verdict."""
    shown = "; ".join(part for part in parts if part not in ("", ONE_SEED))
    return f" ({shown})" if shown else ""


def uncontrolled(keys: Sequence[str]) -> str:
    """Say which config keys differ that should not."""
    return f" This is no controlled experiment: {', '.join(keys)} differs too." if keys else ""


def signed(value: float, name: str) -> str:
    """Return a difference of scores with its sign."""
    return f"{'+' if value >= 0 else '-'}{format_score(abs(value), name)}"


def in_a_word(decided: bool | None, seen: bool, tested: bool) -> str:
    """Return what a test decided in a word, or what is seen where nothing can be tested."""
    return ANSWERS[decided] if tested else f"{ANSWERS[seen]} in what was run, untested"
