"""Fixup: residual networks without normalization that start where normalized ones do (Zhang et al. 2019).

Branches begin at zero, their first convolutions are drawn smaller the more blocks there are, and scalar
biases and one scalar factor stand where normalization stood.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skiprun.errors import OptionError
from skiprun.models.layers.block import Block, ConnectionMaker
from skiprun.models.layers.conv import conv3x3
from skiprun.models.layers.norm_act import ACTIVATIONS, Activation
from skiprun.models.layers.shortcut import ShortcutKind, make_shortcut


class Bias(nn.Module):
    """Learned scalar bias, y = x + bias."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return x + bias, of the shape of x."""
        return x + self.bias


class ScaleBias(Bias):
    """Learned scalar scale and bias, y = scale * x + bias."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return scale * x + bias, of the shape of x."""
        return x * self.scale + self.bias


class FixupBlock(Block):
    """Two 3x3 convolutions with a scalar bias before and after each (Zhang et al. 2019, figure 1 right).

    It takes the arguments of BasicBlock; there is no normalization.
    """

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        *,
        make_connection: ConnectionMaker,
        shortcut: ShortcutKind = "A",
        activation: Activation = ACTIVATIONS["relu"],
        **_unused: object,
    ) -> None:
        super().__init__()
        self.bias1a, self.bias1b, self.bias2a, self.bias2b = Bias(), Bias(), Bias(), ScaleBias()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.relu = activation()
        self.conv2 = conv3x3(planes, planes)
        self.connection = make_connection(planes, planes)
        if not self.connection.uses_shortcut:
            raise OptionError("init", "fixup starts branches at zero, so that every block needs its shortcut")
        self.downsample = make_shortcut(shortcut, inplanes, planes, stride, norm=None)

    def shortcut(self, x: Tensor) -> Tensor:
        """Return what skips the branch: x, or its projection behind the first bias."""
        return x if self.downsample is None else self.downsample(self.bias1a(x))

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, planes, H / stride, W / stride]."""
        out = self.relu(self.bias1b(self.conv1(self.bias1a(x))))
        return self.bias2b(self.conv2(self.bias2a(out)))


def fixup_init(network: nn.Module, stem: nn.Conv2d, head: nn.Linear) -> None:
    """Draw the weights by section 3: L^(-1/(2m-2)) for L branches of m = 2 layers, the last ones zero."""
    blocks = [module for module in network.modules() if isinstance(module, FixupBlock)]
    for block in blocks:
        nn.init.kaiming_normal_(block.conv1.weight, mode="fan_out")
        with torch.no_grad():
            block.conv1.weight.mul_(len(blocks) ** -0.5)
        nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(head.weight)
    stem.reset_parameters()
