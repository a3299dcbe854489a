"""torchvision's networks for masks, for comparison: FCN (Long et al. 2015) and DeepLabv3 (Chen et al. 2017).

Both stand on a ResNet-50 that keeps an eighth of the size; their logits are enlarged to the image. There are
no long skips, so no connection can be chosen. The auxiliary head is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.models.layers.encoder_decoder import num_logits
from skiprun.models.layers.torchvision_block import adapt_stem
from skiprun.registry import MODELS

if TYPE_CHECKING:  # torchvision takes a second to import
    from torchvision.models.segmentation import FCN, DeepLabV3


class OnlyOut(nn.Module):
    """A torchvision network for masks, whose dict of outputs becomes its main one: logits [N, K, H, W]."""

    def __init__(self, network: FCN | DeepLabV3) -> None:
        super().__init__()
        self.backbone, self.classifier = network.backbone, network.classifier

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K, H, W] of images [N, C, H, W]."""
        coarse = self.classifier(self.backbone(x)["out"])
        return F.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False)


def build_segmentation(name: str, num_classes: int, in_channels: int, one_logit: bool) -> nn.Module:
    """Return one of torchvision's by its name, with freshly drawn weights."""
    from skiprun.system.torchvision_repair import torchvision

    make = torchvision.models.get_model_builder(name)
    outputs = num_logits(num_classes, one_logit)
    network = make(weights=None, weights_backbone=None, num_classes=outputs, aux_loss=False)
    adapt_stem(network, in_channels)
    return OnlyOut(network)


@MODELS.register(
    "fcn_resnet50",
    family="fcn",
    task="segmentation",
    year=2015,
    paper="Long et al. 2015",
    input=(3, 256, 256),
)
def fcn_resnet50(num_classes: int, in_channels: int, one_logit: bool = True) -> nn.Module:
    """FCN on ResNet-50 for masks: torchvision's, without the auxiliary head.

    Options:
        one_logit: whether two classes share one logit, that of the second.
    """
    return build_segmentation("fcn_resnet50", num_classes, in_channels, one_logit)


@MODELS.register(
    "deeplabv3_resnet50",
    family="deeplab",
    task="segmentation",
    year=2017,
    paper="Chen et al. 2017",
    input=(3, 256, 256),
)
def deeplabv3_resnet50(num_classes: int, in_channels: int, one_logit: bool = True) -> nn.Module:
    """DeepLabv3 on ResNet-50 for masks: torchvision's, without the auxiliary head.

    Options:
        one_logit: whether two classes share one logit, that of the second.
    """
    return build_segmentation("deeplabv3_resnet50", num_classes, in_channels, one_logit)
