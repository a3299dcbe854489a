"""Claims on the loss around trained weights: how far its surface bends down, with skip connections or not."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork

# A coarser look than the study's own, 121 points and 128 images, at a quarter of its cost.
OPTIONS = {"steps": 11}
LOOK = {"images": 128}
DEEP, SHALLOW = ("plain56", "resnet56"), ("plain_cifar:depth=8", "resnet_cifar:depth=8")


def measurement(names: tuple[str, str]) -> Measurement:
    """Return what is done, for a plain and a residual network of some depth."""
    networks = {part: TrainedNetwork(name) for part, name in zip(("plain", "residual"), names, strict=True)}
    return Measurement(networks=networks, train=True, seeds=5, study="landscape", options=OPTIONS, look=LOOK)


def nonconvexities(found: Measured) -> tuple[dict[int, float], dict[int, float]]:
    """Return that of the plain and of the residual network by seed; 0 is convex."""
    return found.fact("nonconvexity", "plain"), found.fact("nonconvexity", "residual")
