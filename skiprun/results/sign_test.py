"""The exact sign test: does chance give two kinds of outcomes alike?

Of images that one of two networks has right and the other wrong, it is the test of McNemar (1947).
"""

from __future__ import annotations


def sign_test(one: int, other: int) -> float:
    """Return the two-sided p value of so many outcomes of either kind; 1 where there are none."""
    from scipy import special

    return min(1.0, float(2 * special.bdtr(min(one, other), one + other, 0.5)))
