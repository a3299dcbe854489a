"""Claim: how much of the spread of the test error over seeds is the images', and how much the networks'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.finding import Finding
from skiprun.results.groups import Group
from skiprun.results.numbers import significant
from skiprun.results.spread import FEWEST_SEEDS, Spread, split_spread


@dataclass(frozen=True)
class NetworkSpread:
    """The spread of one network over its seeds."""

    network: str
    spread: Spread

    @property
    def words(self) -> str:
        """Say how large it is, and what it is made of."""
        found = self.spread
        numbers = (found.total, found.by_images, found.by_networks, found.low, found.high)
        total, images, networks, low, high = (significant(number, 2) for number in numbers)
        return (
            f"{self.network} {total}, of which {found.images} images alone give {images}, "
            f"and the networks {networks} ({low} to {high})"
        )


def judge(groups: Sequence[Group]) -> Finding[tuple[NetworkSpread, ...]]:
    """Split the spread of each network of which the images of enough seeds are known."""
    found = tuple(
        NetworkSpread(group.label, spread) for group in groups if (spread := _spread_of(group)) is not None
    )
    listed = "; ".join(each.words for each in found)
    sentence = (
        f"Spread of the test error over seeds, in points (95 % interval): {listed}. The parts add up in "
        "squares; on other images the networks' part stays (Jordan 2023, independent errors)."
    )
    return Finding(found, (sentence,) if found else ())


def _spread_of(group: Group) -> Spread | None:
    """Return the spread of a network, None where its score is no mean over images, or images are missing."""
    images = [run.images for run in group.runs if run.images]
    if group.score_name != "error" or len(images) < max(FEWEST_SEEDS, len(group.runs)):
        return None
    alike = all(each.are_of_one_split(images[0]) for each in images)
    return split_spread([each.values for each in images]) if alike else None
