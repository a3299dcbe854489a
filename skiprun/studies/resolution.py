"""Resolution of a test set: which difference of two networks' errors on the same images is significant?

The images decide that one network has right and the other wrong: chance gives them to either alike (McNemar
1947, the exact test, 5 %). Two errors alone do not say how many these are, so as many are supposed as can be;
what is told apart then is told apart by the images themselves too, and a few images tell nothing.
"""

from __future__ import annotations

from skiprun.errors import counted
from skiprun.results.sign_test import sign_test

LEVEL = 0.05


def are_apart(error: float, other: float, images: int) -> bool:
    """Tell whether two errors, in percent of the same images, differ by more than chance."""
    wrong, others = (round(each * images / 100) for each in (error, other))
    gap, most = abs(wrong - others), min(wrong + others, 2 * images - wrong - others)
    fewer = (most - gap) // 2
    return gap > 0 and sign_test(fewer, most - fewer) < LEVEL


def smallest_gap(error: float, images: int) -> float | None:
    """Return how many points above an error another must lie to be told apart; None where none can be."""
    wrong = round(error * images / 100)
    found = (each for each in range(wrong + 1, images + 1) if are_apart(error, 100 * each / images, images))
    return next((100 * (each - wrong) / images for each in found), None)


def of_images(images: int, gap: float | None, error: float, score: str = "error") -> str:
    """Say of how many images a score is, and from where on these tell another error from this one.

    Other scores are no counts of images: nothing is tested of them.
    """
    shown = counted(images, "image")
    if score != "error":
        return f"Of {shown}, untested."
    told = "nothing above it" if gap is None else f"{gap:.2g} points above it or more"
    each = counted(float(f"{100 / images:.2g}"), "point")
    return f"Of {shown}, each {each}, which tell {told} from {error:.2f} % (McNemar)."
