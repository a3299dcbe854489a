"""The layout of networks for small images: three stages of n blocks, with n computed from the depth."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from skiprun.errors import OptionError


def count_blocks(depth: int, period: int, others: int) -> int:
    """Return n of a family of period*n + others layers, or refuse the depth with the nearest that exists."""
    blocks, remainder = divmod(depth - others, period)
    if remainder or blocks < 1:
        nearest = period * max(1, round((depth - others) / period)) + others
        raise OptionError(
            "depth", f"found {depth}; this family has {period}n+{others} layers, the nearest is {nearest}"
        )
    return blocks


def three_stages(
    make_block: Callable[[int, int, int], nn.Module], inplanes: int, width: int, blocks: int, expansion: int = 1
) -> list[nn.Sequential]:
    """Return three stages of n blocks; the channels double and the size halves with the second and the third."""
    stages = []
    for planes, stride in ((width, 1), (2 * width, 2), (4 * width, 2)):
        stage = nn.Sequential(make_block(inplanes, planes, stride))
        inplanes = planes * expansion
        stage.extend(make_block(inplanes, planes, 1) for _ in range(blocks - 1))
        stages.append(stage)
    return stages
