"""A folder without splits: which of its images are kept for testing."""

from __future__ import annotations

from skiprun.data.notices import notice
from skiprun.data.request import DataRequest
from skiprun.data.source import Array
from skiprun.data.subjects import draw_part
from skiprun.errors import OptionError


def draw_test(labels: Array, groups: Array | None, config: DataRequest, place: str) -> tuple[Array, Array]:
    """Return (rest, test) as rising row numbers, stratified and in whole groups, and say how many are tested.

    Raises:
        OptionError: the test split would be empty, or leave a class without images to train on.
    """
    try:
        rest, test = draw_part(labels, groups, config.test_fraction, config.split_seed)
    except ValueError:
        rest = test = labels[:0]
    if not len(test):
        raise OptionError(
            "test_fraction",
            f"found {config.test_fraction:g}; of {len(labels)} images that leaves none to test on, or a "
            "class none to train on; choose another share",
        )
    notice(f"No splits in {place}: {len(test):,} of {len(labels):,} images are kept for testing.")
    return rest, test
