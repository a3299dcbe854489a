"""Parts of a network that keep their weights, and parts that learn more slowly: transfer learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from skiprun.config import ModelConfig
from skiprun.errors import OptionError, did_you_mean
from skiprun.models.stages import stages


def freeze_from_config(model: nn.Module, config: ModelConfig) -> list[str]:
    """Freeze what a config asks for, and return the names of the parameters that no longer learn.

    Raises:
        OptionError: a part that this network does not have, with those that it has.
    """
    return freeze(model, ["backbone"] if config.feature_extract else config.freeze or [])


def freeze(model: nn.Module, parts: Sequence[str]) -> list[str]:
    """Let parts of a network keep their weights and the statistics of their batch norms.

    Args:
        model: changed in place.
        parts: `backbone` (all but the head), stem, stage1 ..., head, or module paths such as layer1.0.

    Returns:
        The names of all parameters that do not learn.

    Raises:
        OptionError: a part that this network does not have, or nothing would be left to learn.
    """
    for part in parts:
        for module in _modules_of(model, part):
            module.requires_grad_(False)
            hold_statistics(module)
    names = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    if len(names) == sum(1 for _ in model.parameters()):
        raise OptionError("freeze", f"found {', '.join(parts)}, which leaves nothing to learn")
    return names


def _modules_of(model: nn.Module, part: str) -> list[nn.Module]:
    """Return the modules that a word means."""
    named = stages(model)
    if part == "backbone":
        return [unit for name, units in named.items() if name != "head" for unit in units.values()]
    if part in named:
        return list(named[part].values())
    paths = dict(model.named_modules())
    if part and part in paths:
        return [paths[part]]
    words = ["backbone", *named]
    near = did_you_mean(part, [*words, *paths])
    raise OptionError(
        "freeze", f"found '{part}'; the network has no such part.{near} It has {', '.join(words)}, or module paths"
    )


def hold_statistics(module: nn.Module) -> None:
    """Keep batch norms of a module in evaluation mode for good, whatever `train()` is called above them."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            # The class alone changes: state dict and copies stay those of a batch norm.
            norm.__class__ = HeldBatchNorm2d
            norm.eval()


class HeldBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics stay as they are."""

    def train(self, mode: bool = True) -> HeldBatchNorm2d:
        """Stay in evaluation mode."""
        return super().train(False)


def parameter_groups(model: nn.Module, backbone_lr: float | None = None) -> list[dict[str, Any]]:
    """Return the parameters that learn in groups for an optimizer, each with `scale`, its factor on the learning rate.

    Args:
        model: some of it may be frozen.
        backbone_lr: factor for all layers but the head; None is 1.
    """
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if backbone_lr is None:
        return [{"params": learning, "scale": 1.0}]
    head = {id(parameter) for unit in stages(model)["head"].values() for parameter in unit.parameters()}
    groups = [
        {"params": [parameter for parameter in learning if id(parameter) not in head], "scale": backbone_lr},
        {"params": [parameter for parameter in learning if id(parameter) in head], "scale": 1.0},
    ]
    return [group for group in groups if group["params"]]
