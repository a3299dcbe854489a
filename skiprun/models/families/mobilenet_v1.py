"""MobileNetV1: depthwise separable convolutions in a row without any skip (Howard et al. 2017, table 1).

Each pair is a 3x3 convolution of every channel on its own and a 1x1 convolution that mixes the channels.
`alpha` multiplies all widths (section 3.3).
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from skiprun.errors import OptionError
from skiprun.models.layers.conv import conv1x1, conv3x3
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm, he_init
from skiprun.registry import MODELS

# Channels and stride of each pair.
PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


class Separable(nn.Sequential):
    """A depthwise 3x3 and a pointwise 1x1 convolution (figure 3 right)."""

    def __init__(self, inplanes: int, planes: int, stride: int, norm: Norm, activation: Activation) -> None:
        depthwise = [conv3x3(inplanes, inplanes, stride, groups=inplanes), norm(inplanes), activation()]
        super().__init__(*depthwise, conv1x1(inplanes, planes), norm(planes), activation())


@MODELS.register(
    "mobilenet_v1",
    family="mobilenet",
    input=(3, 224, 224),
    year=2017,
    paper="Howard et al. 2017, table 1",
    width="alpha",
    summary="MobileNetV1, 13 depthwise separable convolutions, no skip; width by `alpha`",
)
class MobileNetV1(nn.Module):
    """A 3x3 stem, 13 pairs, the mean over the image, one linear layer.

    Options:
        alpha: factor on all widths, above 0 and up to 4.
        stem: the first convolution has stride 2 (imagenet) or 1 (small).
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        alpha: float = 1.0,
        stem: Literal["imagenet", "small"] = "imagenet",
        norm: Norm = NORMS["batch"],
        activation: Activation = ACTIVATIONS["relu"],
    ) -> None:
        super().__init__()
        if not 0 < alpha <= 4:
            raise OptionError(
                "alpha", f"found {alpha:g}; a factor above 0 and up to 4 is needed, such as 0.5"
            )
        channels = int(32 * alpha)
        first = conv3x3(in_channels, channels, stride=1 if stem == "small" else 2)
        self.features = nn.Sequential(nn.Sequential(first, norm(channels), activation()))
        for planes, stride in PAIRS:
            self.features.append(Separable(channels, int(planes * alpha), stride, norm, activation))
            channels = int(planes * alpha)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, num_classes)
        he_init(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K] of images [N, C, H, W]."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))
