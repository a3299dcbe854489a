"""Architectures of timm by their own names, `timm:resnet18` (Wightman 2019, PyTorch Image Models).

They are built by timm as they are, with freshly drawn weights, and have no connection sites. A file of
weights is loaded by `model.weights`, as for any network.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from torch import nn

from skiprun.errors import InputError, OptionError, did_you_mean
from skiprun.infos import ModelInfo
from skiprun.registry import MODELS, Entry

USUAL = (3, 224, 224)


def import_timm() -> Any:
    """Return timm, or say how to get it."""
    from skiprun.system.torchvision_repair import torchvision  # noqa: F401 - timm imports it

    try:
        import timm
    except ImportError:
        raise InputError("Architectures of timm need timm: pip install 'skiprun[timm]'") from None
    return timm


def timm_network(
    num_classes: int,
    in_channels: int,
    drop_rate: float = 0.0,
    drop_path_rate: float = 0.0,
    img_size: int | None = None,
    *,
    name: str,
) -> nn.Module:
    """Return timm's network of a name.

    Options:
        drop_rate: dropout before the classifier.
        drop_path_rate: probability that the last branch is left out in training; it rises to it from 0.
        img_size: pixels a side, for networks that are built for one size, such as vision transformers.
    """
    asked = {"drop_rate": drop_rate, "drop_path_rate": drop_path_rate, "img_size": img_size}
    given = {key: value for key, value in asked.items() if value}
    try:
        network: nn.Module = import_timm().create_model(
            name, pretrained=False, num_classes=num_classes, in_chans=in_channels, **given
        )
    except TypeError as error:
        refused = next((key for key in given if key in str(error)), None)
        if refused is None:
            raise
        raise OptionError(refused, f"timm's {name} has no such option") from None
    return network


@MODELS.source("timm")
@cache
def find_timm(name: str) -> Entry[Any, ModelInfo]:
    """Return an architecture of timm, which is not built for it.

    Raises:
        InputError: timm is not installed, or has no such architecture.
    """
    timm = import_timm()
    architecture, _, tag = name.partition(".")
    if tag:
        raise InputError(
            f"timm:{name}: '{tag}' names weights; write timm:{architecture}, and model.weights: FILE."
        )
    if not timm.is_model(name):
        near = did_you_mean(name, timm.list_models())
        raise InputError(f"timm has no model '{name}'.{near} timm.list_models() in Python lists them.")
    usual = timm.get_pretrained_cfg(name, allow_unregistered=True)
    info = ModelInfo(
        family="timm",
        summary=f"{name} of timm {timm.__version__}",
        paper="Wightman 2019, PyTorch Image Models",
        year=2019,
        input=tuple(usual.input_size) if usual else USUAL,
    )
    return Entry(f"timm:{name}", partial(timm_network, name=name), info, __name__)
