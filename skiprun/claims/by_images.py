"""Claim: one trained network is behind another on the same test images, where each has one seed.

One seed cannot say which architecture is better, as another seed of it is another network. But the images
say which of the two networks is (McNemar's exact test; of masks, the sign test of the scores of each image).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from skiprun.claims.evidence import format_p
from skiprun.results.groups import Group
from skiprun.results.images import ImageTest, compare_images
from skiprun.results.multiple_tests import holm
from skiprun.results.significance import exceeds_noise


def image_tests(ordered: Sequence[Group]) -> list[ImageTest | None]:
    """Compare the only run of each network but the first with that of the first, by images.

    As the first is chosen by its score, p is corrected for all pairs of networks.

    Args:
        ordered: networks by their mean test score, the best first.
    """
    pairs = list(itertools.combinations(ordered, 2))  # those with the first come first
    found = [_image_test(worse, better) for better, worse in pairs]
    corrected = holm([test.p if test else math.nan for test in found])
    tests = [replace(test, p=p) if test else None for test, p in zip(found, corrected, strict=True)]
    return tests[: len(ordered) - 1]


def _image_test(group: Group, other: Group) -> ImageTest | None:
    """Compare the runs of two networks; None if one has several, or the images are not known or not alike."""
    one, another = group.first.images, other.first.images
    alone = len(group.runs) == len(other.runs) == 1
    if not (alone and one and another and one.are_of_one_split(another)):
        return None
    return compare_images(one, another, group.higher_is_better)


def is_behind(test: ImageTest) -> bool:
    """Tell whether a network is behind by more images than chance."""
    return bool(exceeds_noise(test.p)) and test.worse > test.better


def image_words(test: ImageTest) -> str:
    """Say how many images two networks score differently, and how sure that is."""
    differing = test.worse + test.better
    return (
        f"{differing} of {test.images} images differ, {test.worse} of them for the worse, {format_p(test.p)}"
    )


def sentences(rivals: Sequence[tuple[str, ImageTest]], it: str, score: str) -> Iterator[str]:
    """Say which networks are behind by images, and that this is not about architectures.

    Args:
        rivals: what each is called, with what it has of that in words, and its test.
        it: what they are compared with.
        score: the name of the score.
    """
    kinds = {True: f"Behind {it} by images", False: f"Not shown to be behind {it} by images"}
    for behind, heading in kinds.items():
        if listed := [text for text, test in rivals if is_behind(test) is behind]:
            yield f"{heading}: {', '.join(listed)}."
    if rivals:
        method = "McNemar's exact test" if score == "error" else "sign test"
        yield f"By images ({method}, Holm's correction over all pairs): these runs, not the architectures."
