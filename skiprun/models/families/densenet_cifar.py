"""DenseNet for small images: three dense blocks of equal length (Huang et al. 2017, section 3 and table 2).

`densenet40_12` has 40 layers that add 12 channels each; `bc` stands for bottleneck layers and compression by
one half.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.families.densenet import FACTS, DenseNet, small_stem
from skiprun.models.layers.dense import DenseDesign
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm
from skiprun.models.layers.three_stages import count_blocks
from skiprun.registry import MODELS


def densenet_cifar(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    depth: int = 40,
    growth: int = 12,
    dropout: float = 0.0,
    norm: Norm = NORMS["batch"],
    activation: Activation = ACTIVATIONS["relu"],
    *,
    bc: bool = False,
) -> nn.Module:
    """Return three dense blocks of n layers: 3n+4 weighted layers, or 6n+4 with bottlenecks.

    Options:
        growth: channels that each layer adds.
        dropout: probability that a value behind a layer is blanked in training.
        bc: bottleneck layers, and compression by one half.
    """
    layers = count_blocks(depth, 6 if bc else 3, 4)
    channels = 2 * growth if bc else 16
    stem, compression = small_stem(in_channels, channels), 0.5 if bc else 1.0
    design = DenseDesign(growth, bc, norm, activation, dropout)
    return DenseNet(num_classes, stem, channels, [layers] * 3, compression, connection, design)


CIFAR = {"family": "densenet_cifar", "input": (3, 32, 32), "paper": "Huang et al. 2017, table 2"} | FACTS

FIXED = ("depth", "growth", "bc")

for _depth, _growth in ((40, 12), (100, 12), (100, 24)):
    _summary = f"DenseNet of {_depth} layers that add {_growth} channels each, for small images"
    MODELS.register(f"densenet{_depth}_{_growth}", fixed=FIXED, summary=_summary, **CIFAR)(
        partial(densenet_cifar, depth=_depth, growth=_growth, bc=False)
    )
for _depth, _growth in ((40, 12), (100, 12), (250, 24), (190, 40)):
    _summary = f"DenseNet-BC of {_depth} layers that add {_growth} channels, for small images"
    MODELS.register(f"densenet_bc_{_depth}_{_growth}", fixed=FIXED, summary=_summary, **CIFAR)(
        partial(densenet_cifar, depth=_depth, growth=_growth, bc=True)
    )
MODELS.register("densenet_cifar", summary="DenseNet of 3n+4 layers, by `depth` and `growth`", **CIFAR)(
    densenet_cifar
)
