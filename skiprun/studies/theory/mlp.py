"""Fully connected networks around a connection, for which the theorems on shattered gradients are stated."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skiprun.connections import Site
from skiprun.registry import CONNECTIONS


def join_vectors(connection: nn.Module, x: Tensor, fx: Tensor) -> Tensor:
    """Join x and f(x), both [batch, units], as images of one pixel: that is what connections take."""
    return connection(x[..., None, None], fx[..., None, None])[..., 0, 0]


class Standardized(nn.Module):
    """Batch norm without learned numbers; its statistics may count as constants, as the theorems assume."""

    def __init__(self, constant: bool) -> None:
        super().__init__()
        self.constant = constant

    def forward(self, z: Tensor) -> Tensor:
        """Return z [N, units] with mean 0 and variance 1 of each unit over the batch."""
        deviation, mean = torch.std_mean(z, dim=0)
        if self.constant:
            deviation, mean = deviation.detach(), mean.detach()
        return (z - mean) / deviation


class Mlp(nn.Module):
    """z <- connection(z, W relu(norm(z))), depth times; He-normal weights, no biases behind the first layer.

    Args:
        connection: a name of the registry.
        normed: whether there is batch norm in front of each relu.
        depth: number of blocks, each with one weight matrix.
        width: units of each layer.
        inputs: size of the input, if a linear layer with weights of variance 2 / inputs and biases of 1
            widens it.
        constant: whether the statistics of batch norm count as constants.
    """

    def __init__(
        self,
        connection: str,
        normed: bool,
        depth: int,
        width: int,
        inputs: int | None = None,
        constant: bool = False,
    ) -> None:
        super().__init__()
        self.stem = nn.Linear(inputs, width) if inputs else nn.Identity()
        self.norms = nn.ModuleList(Standardized(constant) if normed else nn.Identity() for _ in range(depth))
        self.layers = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(depth))
        make = CONNECTIONS[connection].target
        self.joins = nn.ModuleList(make(Site(width, width, index, depth)) for index in range(depth))
        for layer in (self.stem, *self.layers):
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)
        if isinstance(self.stem, nn.Linear):
            nn.init.normal_(self.stem.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last z [batch, width]."""
        return self.states(x)[-1]

    def states(self, x: Tensor) -> list[Tensor]:
        """Return z behind each block."""
        z, states = self.stem(x), []
        for norm, layer, join in zip(self.norms, self.layers, self.joins, strict=True):
            z = join_vectors(join, z, layer(norm(z).relu()))
            states.append(z)
        return states
