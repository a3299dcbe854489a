"""Notes beside the scores of masks: their baseline, and how a boundary is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skiprun.results.groups import Group
from skiprun.results.numbers import format_score


def mask_remarks(groups: Sequence[Group]) -> list[str]:
    """Return the remarks that belong to the scores of masks, each once."""
    return list(dict.fromkeys(remark for group in groups for remark in (*_floor(group), *_boundary(group))))


def _floor(group: Group) -> Iterator[str]:
    """Say what one class everywhere scores on the test split, at best."""
    floor = {name: group.first.number(f"trivial.test.{name}") for name in group.test_scores}
    known = [f"{name} {format_score(value, name)}" for name, value in floor.items() if value == value]
    if known:
        yield (
            f"Trivial: one class everywhere scores on the test split of {group.data[0]} "
            f"{', '.join(known)} at best."
        )


def _boundary(group: Group) -> Iterator[str]:
    """Say which pixels are a boundary, and which of them are found."""
    tolerance = group.first.config.get("segmentation.boundary_tolerance")
    if "boundary" in group.test_scores and isinstance(tolerance, int):
        yield (
            "Boundary: F-score of pixels that have another class among their eight neighbours, found where "
            f"the other side has one in a square of side {2 * tolerance + 1}, "
            "not in a disc (after Csurka et al. 2013)."
        )
