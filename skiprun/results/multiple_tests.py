"""Several tests at once: p values corrected for their number, all pairs of networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from skiprun.results.significance import Difference, difference


def all_pairs(
    scores: Sequence[Mapping[int, float]],
    span: float = math.inf,
    most: int | None = None,
    overlap: float = 0.0,
) -> tuple[list[Difference], list[float]]:
    """Compare every two of some networks, the later minus the earlier one; pairs with the first come first.

    Args:
        scores: values by seed, of each network.
        span: no difference can be larger.
        most: seeds at the last of several looks; None: their number was fixed.
        overlap: of the training sets of folds, see `estimate`.

    Returns:
        The differences, and their p values corrected for the number of pairs.
    """
    pairs = list(itertools.combinations(scores, 2))
    gaps = [difference(later, earlier, span, len(pairs), most, overlap) for earlier, later in pairs]
    return gaps, holm([gap.p for gap in gaps])


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number; NaN stays NaN and does not count."""
    tested = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    corrected, largest = list(p_values), 0.0
    for rank, (p, index) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        corrected[index] = largest
    return corrected
