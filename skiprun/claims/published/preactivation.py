"""Pre-activation: a ReLU behind each addition stands in the way of the gradient of the shortcuts."""

from __future__ import annotations

import math

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.claims.untrained import untrained
from skiprun.registry import CLAIMS


def measurement(original: str) -> Measurement:
    """Return what is done, for the family in which a ReLU is expected behind each addition."""
    networks = {
        "original, 110": f"{original}:depth=110",
        "original, 998": f"{original}:depth=998",
        "pre-activation, 998": "preact_cifar:depth=998",
    }
    return untrained("shortcuts", networks, seeds=8, number=1)


def let_through(blocks: int) -> float:
    """Return what a ReLU behind each addition is expected to leave of the norm of the shortcuts' gradient.

    With batch norm each branch is a step of mean 0, and the signal a random walk, cut off at 0: the gradient
    passes where it stays positive. That is C(2m, m) / 4^m of walks of m steps from 0 (Sparre Andersen 1954);
    the output of a stage's first block is two steps from 0.

    Args:
        blocks: of a stage, behind the first.
    """
    stay = [math.comb(2 * steps, steps) / 4**steps for steps in (blocks, blocks + 1, blocks + 2)]
    return math.sqrt(3 / 8 * stay[0] + 1 / 2 * stay[1] + stay[2])


@CLAIMS.register(
    "preactivation",
    paper="He et al. 2016, section 4.2",
    published="ReLU behind the addition impacts the signal where it is negative, prominently at 1001 layers",
    budget="init",
    measurement=measurement("resnet_cifar"),
    control=measurement("preact_cifar"),
    control_is="nothing behind the addition in either",
)
def quantities(found: Measured) -> list[Quantity]:
    """A ReLU behind each addition blocks shortcuts, the more the deeper; pre-activation keeps them clear."""
    expected = {
        "original, 110": near(let_through(17), 0.1),  # .495
        "original, 998": near(let_through(165), 0.07),  # .286
        "pre-activation, 998": near(1, 0.01),
    }
    return [
        Quantity(
            f"share of the gradient through a stage's shortcuts, {part}",
            region,
            found.column("shortcuts", part),
        )
        for part, region in expected.items()
    ]
