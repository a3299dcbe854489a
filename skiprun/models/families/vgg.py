"""VGG and AlexNet: torchvision's networks without any skip, for contrast.

Simonyan and Zisserman 2015, table 1; Krizhevsky 2014. `stem: small` is the usual form for images of 32
pixels: the mean over what the convolutions leave and one linear layer, in AlexNet also a 3x3 first
convolution with stride 1.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import nn

from skiprun.models.layers.torchvision_block import adapt_stem
from skiprun.registry import MODELS


def feed_forward(
    num_classes: int,
    in_channels: int,
    stem: Literal["imagenet", "small"] = "imagenet",
    *,
    name: str,
    channels: int,
) -> nn.Module:
    """Return torchvision's network of a name.

    Options:
        stem: small is for images of 32 pixels: the mean over the image and one linear layer at the end.
    """
    from skiprun.system.torchvision_repair import torchvision

    network: nn.Module = getattr(torchvision.models, name)(num_classes=num_classes)
    small = stem == "small"
    adapt_stem(network, in_channels, **(SMALL if small and name == "alexnet" else {}))
    if small:
        network.avgpool = nn.AdaptiveAvgPool2d(1)
        network.classifier = nn.Linear(channels, num_classes)
    return network


SMALL = {"kernel_size": 3, "stride": 1, "padding": 1}

for _depth in (11, 13, 16, 19):
    for _bn in ("", "_bn"):
        _with = " with batch normalization" if _bn else ""
        MODELS.register(
            f"vgg{_depth}{_bn}",
            family="vgg",
            fixed=("channels",),
            input=(3, 224, 224),
            year=2014,
            paper="Simonyan and Zisserman 2015, table 1",
            summary=f"VGG of {_depth} layers{_with}, no skip",
        )(partial(feed_forward, name=f"vgg{_depth}{_bn}", channels=512))
MODELS.register(
    "alexnet",
    family="alexnet",
    fixed=("channels",),
    input=(3, 224, 224),
    year=2012,
    paper="Krizhevsky 2014",
    summary="AlexNet, five convolutions, no skip",
)(partial(feed_forward, name="alexnet", channels=256))
