"""ResUNet: a U-Net of residual blocks (Zhang et al. 2018).

The double convolutions at each level are residual blocks with connections of their own, so that one network
has long skips and short ones.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from skiprun.connections.base import ConnectionFactory
from skiprun.errors import OptionError
from skiprun.models.families.unet import FACTS, UNet
from skiprun.models.layers.block import BasicBlock, connection_maker
from skiprun.models.layers.encoder_decoder import UpKind
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm
from skiprun.registry import CONNECTIONS, MODELS


def resunet(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    depth: int = 4,
    width: float = 64,
    up: UpKind = "transposed",
    skip_levels: str = "",
    norm: Norm = NORMS["batch"],
    activation: Activation = ACTIVATIONS["relu"],
    block_connection: str = "add",
    one_logit: bool = True,
) -> nn.Module:
    """Return a U-Net whose double convolutions are residual blocks with connections of their own.

    `connection` is that of the long skips, `block_connection` that within the blocks.

    Options:
        block_connection: the connection within the blocks; it keeps the channels.
        one_logit: whether two classes share one logit, that of the second.
    """
    chosen = CONNECTIONS[block_connection].target
    if chosen.grows:
        raise OptionError("block_connection", f"'{block_connection}' does not fit a block; it adds channels")
    stage = partial(
        BasicBlock,
        norm_layer=norm,
        make_connection=connection_maker(chosen, 2 * depth + 1),
        activation=activation,
    )
    return UNet(
        num_classes,
        in_channels,
        connection,
        depth,
        width,
        up,
        skip_levels,
        norm,
        one_logit=one_logit,
        stage=stage,
    )


MODELS.register(
    "resunet",
    family="resunet",
    year=2018,
    paper="Zhang et al. 2018",
    summary="U-Net of residual blocks for masks",
    **FACTS,
)(resunet)
