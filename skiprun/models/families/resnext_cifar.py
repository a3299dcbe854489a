"""ResNeXt for small images: 29 layers of grouped bottlenecks in three stages (Xie et al. 2017, section 5.3).

A 3x3 stem of 64 channels and stages that give 256, 512 and 1024. `8x64d` is 8 groups of 64 channels in the
first stage. Projections stand where shapes change. The block is that of the published code: the activation
comes last.
"""

from functools import partial

from skiprun.errors import counted
from skiprun.models.families.resnet_cifar import CifarResNet
from skiprun.models.layers.block import Bottleneck
from skiprun.registry import MODELS

FACTS = {
    "family": "resnext_cifar",
    "connection": "add",
    "year": 2017,
    "paper": "Xie et al. 2017, section 5.3",
}

for _groups, _width in ((1, 64), (2, 64), (4, 64), (8, 64), (16, 64), (32, 4)):
    _summary = f"ResNeXt of 29 layers, {counted(_groups, 'group')} of {_width} channels, for small images"
    MODELS.register(
        f"resnext29_{_groups}x{_width}d",
        input=(3, 32, 32),
        fixed=("depth", "width"),
        summary=_summary,
        **FACTS,
    )(
        partial(
            CifarResNet, block=Bottleneck, shortcut="B", depth=29, width=64, groups=_groups, base_width=_width
        )
    )
