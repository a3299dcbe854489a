"""Freeze parts of a network, or give them a smaller learning rate: transfer learning."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from torch import nn

from skiprun.config import ModelConfig
from skiprun.errors import OptionError, did_you_mean, some
from skiprun.models.stages import stages
from skiprun.models.weights.parameter_groups import head_parameters

PARTS_WITHOUT = (
    "name parts without them, such as stage2, or module paths, also with a *, such as 'layer*.conv?'"
)


def freeze_from_config(model: nn.Module, config: ModelConfig, drawn: Collection[str] = ()) -> list[str]:
    """Freeze what a config asks for, and return the names of the parameters that no longer learn.

    Args:
        model: changed in place.
        config: says which parts.
        drawn: names in the state dict of tensors without given weights; none of them may be frozen.

    Raises:
        OptionError: a part that this network does not have, or one that would stay as it was drawn.
    """
    key = "feature_extract" if config.feature_extract else "freeze"
    parts = ["backbone"] if config.feature_extract else config.freeze or []
    names = freeze(model, parts)
    frozen = frozen_state(model)
    if lost := [name for name in drawn if name in frozen]:
        way_out = "name model.weights to start from" if config.weights is None else PARTS_WITHOUT
        raise OptionError(
            key,
            f"found {', '.join(parts)}; {some(lost)} would never learn, and were drawn, not given; {way_out}",
        )
    return names


def freeze(model: nn.Module, parts: Sequence[str]) -> list[str]:
    """Let parts of a network keep their weights and the statistics of their batch norms.

    Args:
        model: changed in place.
        parts: `backbone` (all but the head), stem, stage1 ..., head, or module paths as layer*.conv?.

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


def frozen_state(model: nn.Module) -> set[str]:
    """Return the names in the state dict that do not learn: parameters, and held batch norms' statistics."""
    held = {path for path, module in model.named_modules() if isinstance(module, HeldBatchNorm2d)}
    statistics = {name for name, _ in model.named_buffers() if name.rpartition(".")[0] in held}
    return statistics | {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


def _modules_of(model: nn.Module, part: str) -> list[nn.Module]:
    """Return the modules that a word means."""
    named = stages(model)
    if part == "backbone":
        return [unit for name, units in named.items() if name != "head" for unit in units.values()]
    if part in named:
        return list(named[part].values())
    paths = dict(model.named_modules())
    if found := [module for path, module in paths.items() if path and fnmatchcase(path, part)]:
        return found
    words = ["backbone", *named]
    near = did_you_mean(part, [*words, *paths])
    raise OptionError(
        "freeze",
        f"found '{part}'; the network has no such part.{near} It has {', '.join(words)}, or module paths",
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

    def train(self, mode: bool = True) -> HeldBatchNorm2d:  # noqa: ARG002 - torch's signature
        """Stay in evaluation mode."""
        return super().train(False)


def learning_notes(model: nn.Module, config: ModelConfig, drawn: Collection[str] = ()) -> list[str]:
    """Say in a line each what is frozen, and which drawn tensors `backbone_lr` slows down too."""
    parameters = dict(model.named_parameters())
    frozen = sum(not each.requires_grad for each in parameters.values())
    notes = [f"Frozen: {frozen} of {len(parameters)} parameter tensors."] if frozen else []
    backbone = parameters.keys() - head_parameters(model).keys()
    slow = [name for name in drawn if name in backbone]
    if config.backbone_lr is not None and slow:
        notes.append(
            f"model.backbone_lr {config.backbone_lr:g} also slows what was drawn, not given: {some(slow)}."
        )
    return notes
