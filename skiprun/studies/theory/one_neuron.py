"""Blocks of one neuron with a skip connection learn a disc, narrow plain ones do not (Lin and Jegelka 2018).

A disc of radius 1 is to be told from the ring between radius 2 and 3. A block is x + v relu(w x + b) with one
neuron, a plain layer relu(W x + b) with `width` of them; a linear classifier follows. Enough of the blocks
approximate any function. A plain network no wider than its input parts the plane into regions without bounds,
whatever its depth, and a disc is not among them. Weights are He-normal, biases 0; Adam, all points at once.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Report, Row, StudyResult, ignore
from skiprun.studies.signature import Count, Seed

POINTS = 200
LR = 0.1
FIGURES = (
    Figure(
        "Training error on a disc",
        "lines",
        "depth",
        "error",
        "depth (blocks or layers)",
        "error (%), median of networks",
        group="network",
    ),
)


class Networks:
    """Several networks side by side, each with weights of its own.

    Args:
        draws: how many.
        depth: number of blocks or layers.
        width: neurons of each.
        skip: whether they are blocks x + v relu(w x + b).
        generator: of the weights.
    """

    def __init__(self, draws: int, depth: int, width: int, skip: bool, generator: torch.Generator) -> None:
        def he(inputs: int, outputs: int) -> Tensor:
            weights = torch.randn(draws, inputs, outputs, generator=generator) * math.sqrt(2 / inputs)
            return weights.requires_grad_()

        sizes = [2] * (depth + 1) if skip else [2] + [width] * depth
        self.weights = [he(size, width) for size in sizes[:-1]]
        self.biases = [torch.zeros(draws, 1, width, requires_grad=True) for _ in range(depth)]
        self.back = [he(width, 2) for _ in range(depth)] if skip else []
        self.classifier = he(sizes[-1], 1)
        self.threshold = torch.zeros(draws, 1, 1, requires_grad=True)

    def parameters(self) -> list[Tensor]:
        """Return all that is learned."""
        return [*self.weights, *self.biases, *self.back, self.classifier, self.threshold]

    def __call__(self, x: Tensor) -> Tensor:
        """Return logits [draws, points, 1] of x [draws, points, 2]."""
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            neurons = torch.baddbmm(bias, x, weight).relu()
            x = torch.baddbmm(x, neurons, self.back[layer]) if self.back else neurons
        return torch.baddbmm(self.threshold, x, self.classifier)


@STUDIES.register("one_neuron", paper="Lin and Jegelka 2018", figures=FIGURES)
def one_neuron(
    *,
    depths: tuple[Count, ...] = (1, 2, 4, 6, 8),
    width: Count = 2,
    draws: Count = 8,
    steps: Count = 200,
    seed: Seed = 0,
    report: Report = ignore,
) -> StudyResult:
    """Train narrow networks to tell a disc from a ring. With residual blocks of one neuron, and without.

    Args:
        depths: numbers of blocks, and of plain layers.
        width: neurons of a plain layer; the input has 2 numbers.
        draws: networks of each kind and depth.
        steps: of training.
        seed: seed of points and weights.
        report: told of each row.
    """
    kinds = {"one-neuron blocks": (1, True), f"plain, width {width}": (width, False)}
    rows: list[Row] = []
    for network, (neurons, skip) in kinds.items():
        for depth in depths:
            generator = torch.Generator().manual_seed(seed)
            points, inside = disc_and_ring(generator)
            networks = Networks(draws, depth, neurons, skip, generator)
            errors = trained_errors(networks, points.expand(draws, -1, -1), inside, steps)
            rows.append(
                {
                    "network": network,
                    "connection": "add" if skip else "none",
                    "depth": depth,
                    "error": errors.quantile(0.5).item(),
                    "lowest": errors.min().item(),
                }
            )
            report(rows[-1], len(kinds) * len(depths))
    facts = {row["network"]: row["error"] for row in rows if row["depth"] == max(depths)}
    return StudyResult(rows, verdict(facts, max(depths)), facts)


def disc_and_ring(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return points [points, 2], half of them all over the disc, half over the ring; and which are inside."""
    half = POINTS // 2
    squares, turns = torch.rand(2, POINTS, generator=generator)
    radius = torch.cat([squares[:half], 4 + 5 * squares[half:]]).sqrt()
    angle = 2 * math.pi * turns
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), torch.arange(POINTS) < half


def trained_errors(networks: Networks, points: Tensor, inside: Tensor, steps: int) -> Tensor:
    """Train each network; return the share of points that it puts on the wrong side, in per cent."""
    optimizer = torch.optim.Adam(networks.parameters(), lr=LR, fused=True)
    targets = inside[:, None].expand(len(points), -1, -1)
    for _ in range(steps):
        optimizer.zero_grad()
        losses = binary_cross_entropy_with_logits(networks(points), targets.float(), reduction="none")
        losses.mean(dim=1).sum().backward()
        optimizer.step()
    with torch.no_grad():
        wrong = (networks(points) > 0) != targets
    return 100 * wrong.float().mean(dim=(1, 2))


def verdict(facts: Facts, depth: int) -> str:
    """Say what the deepest networks learned."""
    found = ", ".join(f"{network} {error:.3g} %" for network, error in facts.items())
    return f"Error on a disc in a ring, median of networks of depth {depth}: {found}."
