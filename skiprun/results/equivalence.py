"""Equivalence: two networks are the same within a margin that was stated beforehand.

A difference that is not found is no evidence that there is none. Two one-sided t tests (Schuirmann 1987) ask
the other way round: that the difference is as large as the margin, to either side, has to be unlikely.
"""

from __future__ import annotations

import math

from skiprun.results.sequential import p_of_look
from skiprun.results.significance import Difference


def equivalence_p(found: Difference, margin: float) -> float:
    """Return the p value of a difference being the margin or more, to either side; NaN if nothing is tested.

    Args:
        found: the difference, by the same pairing as it is tested for being none; and by the same looks.
        margin: above 0, in the unit of the difference; NaN: not asked.
    """
    from scipy import special

    if not found.tested or math.isnan(margin):
        return math.nan
    p = float(special.stdtr(found.freedom, (abs(found.mean) - margin) / found.error))
    return p_of_look(2 * p, found.n, found.most) / 2 if found.most else p
