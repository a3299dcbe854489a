"""Normalization and activation layers by name, and the initialization of He et al. 2015b."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from skiprun.connections import sites

Norm = Callable[[int], nn.Module]
Activation = Callable[[], nn.Module]


def group_norm(channels: int) -> nn.Module:
    """Return group normalization of 32 groups (Wu and He 2018), or fewer, of two channels at least."""
    return nn.GroupNorm(math.gcd(32, channels // 2, channels), channels)


def layer_norm(channels: int) -> nn.Module:
    """Return normalization of each image over all of its channels and pixels."""
    return nn.GroupNorm(1, channels)


def no_norm(_channels: int) -> nn.Module:
    """Return nothing in the place of a normalization."""
    return nn.Identity()


class Copy(nn.Module):
    """Stands for a missing norm and copies x, which the in-place activation behind it would overwrite."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a copy of x."""
        return x.clone()


def preact_norm(norm: Norm, channels: int) -> nn.Module:
    """Return the first norm of a pre-activation block; x stays as it is, since the shortcut needs it too."""
    made = norm(channels)
    return Copy() if isinstance(made, nn.Identity) else made


NORMS: dict[str, Norm] = {"batch": nn.BatchNorm2d, "none": no_norm, "group": group_norm, "layer": layer_norm}
ACTIVATIONS: dict[str, Activation] = {
    "relu": partial(nn.ReLU, inplace=True),
    "leaky_relu": partial(nn.LeakyReLU, inplace=True),
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}


def he_init(model: nn.Module) -> None:
    """Draw weights of variance 2 / fan_in (He et al. 2015b, equation 10), then by each connection's rule."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for site in sites(model).values():
        site.reset_parameters()
