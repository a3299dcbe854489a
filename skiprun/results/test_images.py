"""What a number of test images can tell: the error changes in steps, and is one draw of images."""

from __future__ import annotations

import math

TWO_NETWORKS = 1.96 * math.sqrt(2)  # a difference of two errors, beyond the noise in 95 of 100 cases


def error_step(images: int | float) -> float:
    """Return by how many points one image moves the error."""
    return 100 / images


def standard_error(error: float, images: int | float) -> float:
    """Return the standard error of an error in percent by the number of its images alone, in points."""
    return math.sqrt(error * (100 - error) / images)


def told_apart(error: float, images: int | float) -> float:
    """Return the difference in points from which two networks of about this error are told apart.

    They are taken as scored on different images; on the same ones, where they mostly err alike, less is
    enough.
    """
    return TWO_NETWORKS * standard_error(error, images)
