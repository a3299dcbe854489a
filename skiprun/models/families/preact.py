"""Pre-activation ResNet for small images: y = shortcut(x) + branch(activation(norm(x))).

Pre-activation (He et al. 2016, figure 4e) leaves the shortcut clean: nothing stands on it from the first
block to the last. In the first block and where shapes change, both paths start from the activated x.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.layers.block import connection_maker
from skiprun.models.layers.conv import conv3x3, stage_channels
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm, he_init
from skiprun.models.layers.preact_block import PreactBlock, PreactBottleneck, PreactDesign
from skiprun.models.layers.shortcut import ShortcutKind
from skiprun.models.layers.three_stages import count_blocks, three_stages
from skiprun.registry import MODELS


class PreactNet(nn.Module):
    """A 3x3 stem, three stages, norm and activation, the mean over the image, one linear layer."""

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        blocks: int,
        width: float,
        block: type[PreactBlock],
        stem: int,
        design: PreactDesign,
    ) -> None:
        super().__init__()
        make = partial(block, design=design)
        self.conv1 = conv3x3(in_channels, stem)
        self.layer1, self.layer2, self.layer3 = three_stages(make, stem, width, blocks, block.expansion)
        channels = stage_channels(width, 4) * block.expansion
        self.bn1 = design.norm(channels)
        self.relu = design.activation()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        he_init(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K] of images [N, C, H, W]."""
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(self.avgpool(self.relu(self.bn1(x))).flatten(1))


def preact(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    depth: int = 20,
    width: float = 16,
    shortcut: ShortcutKind = "A",
    norm: Norm = NORMS["batch"],
    activation: Activation = ACTIVATIONS["relu"],
    *,
    block: type[PreactBlock] = PreactBlock,
) -> nn.Module:
    """Return a pre-activation ResNet of 6n+2 layers, or of 9n+2 with bottlenecks."""
    blocks = count_blocks(depth, 3 * block.layers, 2)
    design = PreactDesign(connection_maker(connection, 3 * blocks), shortcut, norm, activation)
    return PreactNet(num_classes, in_channels, blocks, width, block, stage_channels(width), design)


HE = {
    "family": "preact",
    "paper": "He et al. 2016, table 3",
    "connection": "add",
    "year": 2016,
    "input": (3, 32, 32),
}

for _depth in (20, 32, 44, 56, 110):
    _summary = f"Pre-activation ResNet of {_depth} layers for small images"
    MODELS.register(f"preact{_depth}", fixed=("depth",), summary=_summary, **HE)(
        partial(preact, depth=_depth)
    )
for _depth in (164, 1001):
    _summary = f"Pre-activation ResNet of {_depth} layers, bottlenecks, for small images"
    MODELS.register(f"preact{_depth}", fixed=("depth",), summary=_summary, **HE)(
        partial(preact, depth=_depth, shortcut="B", block=PreactBottleneck)
    )
_summary = "Pre-activation ResNet of 6n+2 layers, by `depth`, for small images"
MODELS.register("preact_cifar", summary=_summary, **HE)(preact)
