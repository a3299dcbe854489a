"""The layout of networks for small images: three stages of n blocks, with n computed from the depth."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from skiprun.errors import OptionError
from skiprun.models.layers.conv import stage_channels


def count_blocks(depth: int, period: int, others: int) -> int:
    """Solve depth = period * n + others for n, the number of blocks in a stage.

    Raises:
        OptionError: no whole n gives this depth; it names the nearest depth that exists.
    """
    blocks, remainder = divmod(depth - others, period)
    if remainder or blocks < 1:
        nearest = period * max(1, round((depth - others) / period)) + others
        raise OptionError(
            "depth", f"found {depth}; this family has {period}n+{others} layers, the nearest is {nearest}"
        )
    return blocks


def three_stages(
    make_block: Callable[[int, int, int], nn.Module],
    inplanes: int,
    width: float,
    blocks: int,
    expansion: int = 1,
) -> list[nn.Sequential]:
    """Return three stages of `blocks` blocks; the second and third double the channels and halve the size."""
    stages = []
    for factor, stride in ((1, 1), (2, 2), (4, 2)):
        planes = stage_channels(width, factor)
        stage = nn.Sequential(make_block(inplanes, planes, stride))
        inplanes = planes * expansion
        stage.extend(make_block(inplanes, planes, 1) for _ in range(blocks - 1))
        stages.append(stage)
    return stages
