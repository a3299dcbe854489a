"""MobileNetV2 and V3: torchvision's networks, the additions of their inverted residuals made sites.

Sandler et al. 2018, table 2; Howard et al. 2019, tables 1 and 2. A block with stride or another width has no
shortcut. `norm` and `activation` replace the networks' own.
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


class InvertedResidualV2(TorchvisionBlock):
    """1x1 that widens, depthwise 3x3, 1x1 that narrows."""

    conv: nn.Module

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, out, H / stride, W / stride]."""
        return self.conv(x)


class InvertedResidualV3(TorchvisionBlock):
    """The same with squeeze and excitation in some blocks."""

    block: nn.Module

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, out, H / stride, W / stride]."""
        return self.block(x)


def mobilenet(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    stem: Literal["imagenet", "small"] = "imagenet",
    norm: Norm | None = None,
    activation: Activation | None = None,
    *,
    name: str,
) -> nn.Module:
    """Return torchvision's network of a name with our sites.

    Options:
        stem: the first convolution has stride 2 (imagenet) or 1 (small).
    """
    from skiprun.system.torchvision_repair import torchvision

    network: nn.Module = getattr(torchvision.models, name)(num_classes=num_classes)
    adapt_stem(network, in_channels, **({"stride": 1} if stem == "small" else {}))
    v2, v3 = torchvision.models.mobilenetv2.InvertedResidual, torchvision.models.mobilenetv3.InvertedResidual
    insert_connections(network, connection, {v2: InvertedResidualV2, v3: InvertedResidualV3})
    replace_norms_and_activations(network, norm, activation)
    return network


FACTS = {"family": "mobilenet", "connection": "add", "input": (3, 224, 224)}

for _name, _title, _year, _paper in (
    ("mobilenet_v2", "MobileNetV2", 2018, "Sandler et al. 2018, table 2"),
    ("mobilenet_v3_small", "MobileNetV3-Small", 2019, "Howard et al. 2019, table 2"),
    ("mobilenet_v3_large", "MobileNetV3-Large", 2019, "Howard et al. 2019, table 1"),
):
    MODELS.register(
        _name,
        summary=f"{_title}, inverted residuals of depthwise convolutions",
        year=_year,
        paper=_paper,
        **FACTS,
    )(partial(mobilenet, name=_name))
