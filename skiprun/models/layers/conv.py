"""The convolutions of residual networks: 3x3 and 1x1, without a bias."""

from __future__ import annotations

from torch import nn


def conv3x3(inplanes: int, planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution, padded so that only the stride changes height and width."""
    return nn.Conv2d(
        inplanes, planes, 3, stride, padding=dilation, dilation=dilation, groups=groups, bias=False
    )


def conv1x1(inplanes: int, planes: int, stride: int = 1) -> nn.Conv2d:
    """Return a 1x1 convolution."""
    return nn.Conv2d(inplanes, planes, 1, stride, bias=False)


def stage_channels(width: float, factor: int = 1) -> int:
    """Return the channels of a stage of `factor` times the width: 15.5 gives 16, then 31 and 62.

    The half is rounded up at each stage, so that a width may rise by fewer channels than a whole one adds.
    """
    return int(width * factor + 0.5)
