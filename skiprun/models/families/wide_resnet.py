"""Wide ResNet for small images: few, wide pre-activation blocks (Zagoruyko and Komodakis 2016, table 1).

6n+4 layers, projections included, k times the channels of a ResNet, and dropout between the convolutions of a
block.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.families.preact import PreactNet
from skiprun.models.layers.block import connection_maker
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm
from skiprun.models.layers.preact_block import PreactBlock, PreactDesign
from skiprun.models.layers.shortcut import ShortcutKind
from skiprun.models.layers.three_stages import count_blocks
from skiprun.registry import MODELS


def wide_resnet(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    depth: int = 16,
    widen: float = 4,
    dropout: float = 0.0,
    shortcut: ShortcutKind = "B",
    norm: Norm = NORMS["batch"],
    activation: Activation = ACTIVATIONS["relu"],
) -> nn.Module:
    """Return a Wide ResNet of 6n+4 layers with `widen` times the channels of a ResNet.

    Options:
        widen: factor on the channels of a ResNet.
        dropout: probability that a value between the convolutions of a block is blanked in training.
    """
    blocks = count_blocks(depth, 6, 4)
    design = PreactDesign(connection_maker(connection, 3 * blocks), shortcut, norm, activation, dropout)
    return PreactNet(num_classes, in_channels, blocks, 16 * widen, PreactBlock, 16, design)


FACTS = {"family": "wide_resnet", "connection": "add", "year": 2016, "input": (3, 32, 32)}
FACTS |= {"width": "widen", "paper": "Zagoruyko and Komodakis 2016, table 4"}

for _depth, _widen in ((16, 4), (16, 8), (22, 8), (28, 2), (28, 10), (40, 1), (40, 2), (40, 4)):
    _summary = f"Wide ResNet of {_depth} layers, {_widen} times the channels, for small images"
    MODELS.register(
        f"wrn{_depth}_{_widen}", fixed=("depth", "widen"), layers=_depth, summary=_summary, **FACTS
    )(partial(wide_resnet, depth=_depth, widen=_widen))
_summary = "Wide ResNet of 6n+4 layers, by `depth` and `widen`, for small images"
MODELS.register("wrn_cifar", layers=16, summary=_summary, **FACTS)(wide_resnet)
