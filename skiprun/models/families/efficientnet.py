"""EfficientNet B0 to B7 and V2: torchvision's networks, the additions of their inverted residuals made sites.

Tan and Le 2019, table 1; Tan and Le 2021, table 4. torchvision leaves branches out at random with a
probability that rises to `stochastic_depth`; set it to 0 to study the connection alone. `norm` and
`activation` replace its own.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.layers.norm_act import Activation, Norm
from skiprun.models.layers.torchvision_block import (
    TorchvisionBlock,
    adapt_stem,
    insert_connections,
    replace_norms_and_activations,
)
from skiprun.registry import MODELS


class InvertedResidual(TorchvisionBlock):
    """The convolutions of MBConv or Fused-MBConv, with squeeze and excitation and stochastic depth."""

    block: nn.Module
    stochastic_depth: nn.Module

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, out, H / stride, W / stride]; in training it is left out at random."""
        return self.stochastic_depth(self.block(x))


def efficientnet(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    stem: Literal["imagenet", "small"] = "imagenet",
    stochastic_depth: float = 0.2,
    norm: Norm | None = None,
    activation: Activation | None = None,
    *,
    name: str,
) -> nn.Module:
    """Return torchvision's network of a name with our sites.

    Options:
        stem: the first convolution has stride 2 (imagenet) or 1 (small).
        stochastic_depth: probability that the last branch is left out in training; it rises to it from 0.
    """
    from skiprun.system.torchvision_repair import torchvision

    make = getattr(torchvision.models, name)
    network: nn.Module = make(num_classes=num_classes, stochastic_depth_prob=stochastic_depth)
    adapt_stem(network, in_channels, **({"stride": 1} if stem == "small" else {}))
    theirs = torchvision.models.efficientnet
    insert_connections(
        network, connection, {theirs.MBConv: InvertedResidual, theirs.FusedMBConv: InvertedResidual}
    )
    replace_norms_and_activations(network, norm, activation)
    return network


SIZES = {"b0": 224, "b1": 240, "b2": 288, "b3": 300, "b4": 380, "b5": 456, "b6": 528, "b7": 600}
SIZES_V2 = {"v2_s": 384, "v2_m": 480, "v2_l": 480}

for _name, _size in (SIZES | SIZES_V2).items():
    _first = _name in SIZES
    _title = "EfficientNet-" if _first else "EfficientNetV2-"
    MODELS.register(
        f"efficientnet_{_name}",
        family="efficientnet",
        connection="add",
        input=(3, _size, _size),
        year=2019 if _first else 2021,
        paper="Tan and Le 2019, table 1" if _first else "Tan and Le 2021, table 4",
        summary=f"{_title}{_name.removeprefix('v2_').upper()} for images of {_size} pixels",
    )(partial(efficientnet, name=f"efficientnet_{_name}"))
