"""Lesson 5: what the long skips of a U-Net carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from skiprun.claims.comparison import Comparison
from skiprun.claims.quantity import Quantity, near
from skiprun.lessons.degradation import group_named
from skiprun.lessons.exercises import by_seed, exact, exactly, exercise
from skiprun.lessons.residual_block import count_parameters
from skiprun.models import build_model


@exercise("5.1")
def iou(answer: Callable[[Tensor, Tensor], float]) -> list[Quantity]:
    """Score a mask.

    Intersection over union: pixels that are in both masks over pixels that are in one at least. Two
    halves of an image that cross share a quarter of it, and cover three: 1/3.
    """
    left, top = torch.zeros(2, 8, 8, dtype=torch.bool)
    left[:, :4], top[:4] = True, True
    return [
        exact("IoU of a mask with itself", float(answer(left, left)), near(1, 1e-6)),
        exact("IoU of a mask with the rest of the image", float(answer(left, ~left)), near(0, 1e-6)),
        exact("IoU of two halves that cross", float(answer(left, top)), near(1 / 3, 1e-6)),
    ]


@exercise("5.2")
def bottom_pixel(answer: int) -> list[Quantity]:
    """Say how coarse the bottom of a U-Net is.

    Each of the four levels halves the size, 2^4 = 16. A wall one pixel wide is smaller than what the
    bottom can draw; only the skips bring it to the output (Ronneberger et al. 2015, section 2).
    """
    return [exactly("pixels of the image along the side of one at the bottom", answer, 2**4)]


@exercise("5.3")
def concat_parameters(answer: int) -> list[Quantity]:
    """Count what concat costs beside add.

    With concat the first convolution of each decoder level sees twice the channels: 9 c^2 more weights at
    a level of c channels, with c = 8, 16, 32, 64.
    """
    concat, add = (
        count_parameters(build_model("unet", 2, 1, connection=name, width=8, depth=4))
        for name in ("concat", "add")
    )
    return [exactly("parameters with concat beyond those with add", answer, concat - add)]


@exercise("5.4")
def iou_gain(answer: Mapping[int, float], comparison: Comparison) -> list[Quantity]:
    """Subtract the IoU without skips from that with them, by seed.

    Paired by seed, as both networks of a seed see the same images in the same order. Without its skips
    the network must draw every edge from a grid of 4x4 (Drozdzal et al. 2016, section 3.2).
    """
    joined, alone = (group_named(comparison, name).by_seed("test.iou") for name in ("unet", "none"))
    errors = {seed: answer.get(seed, float("nan")) - (joined[seed] - alone[seed]) for seed in joined}
    return [by_seed("your gain in IoU minus that of the runs", errors, near(0, 0.002))]


@exercise("5.5")
def boundary_gain(answer: float, comparison: Comparison) -> list[Quantity]:
    """Do the same for the boundary score, of the means.

    The boundary score looks at pixels beside an edge alone. It loses more than the IoU, for what the
    skips carry is where edges are; what is there, the bottom knows.
    """
    joined, alone = (group_named(comparison, name) for name in ("unet", "none"))
    truth = joined.mean("test.boundary") - alone.mean("test.boundary")
    return [exact("gain in boundary score, mean over seeds", answer, near(truth, 0.002))]
