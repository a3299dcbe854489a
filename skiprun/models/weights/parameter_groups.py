"""Groups of parameters for an optimizer: the head, and a backbone that may learn more slowly."""

from __future__ import annotations

from typing import TypedDict

from torch import nn

from skiprun.models.stages import stages


def head_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters of the head by name."""
    units = stages(model)["head"].items()
    return {f"{path}.{name}": each for path, unit in units for name, each in unit.named_parameters()}


def hidden_weights(model: nn.Module) -> set[int]:
    """Return the ids of the matrices and kernels of all layers between the stem and the head."""
    parts = stages(model).items()
    between = [unit for name, units in parts if name not in ("stem", "head") for unit in units.values()]
    return {id(weight) for unit in between for weight in unit.parameters() if weight.ndim >= 2}


class ParameterGroup(TypedDict):
    """Parameters that learn, and their factor on the learning rate."""

    params: list[nn.Parameter]
    scale: float


def parameter_groups(model: nn.Module, backbone_lr: float | None = None) -> list[ParameterGroup]:
    """Return the parameters that learn in groups for an optimizer.

    Args:
        model: some of it may be frozen.
        backbone_lr: factor for all layers but the head; None is 1.
    """
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if backbone_lr is None:
        return [{"params": learning, "scale": 1.0}]
    head = {id(parameter) for parameter in head_parameters(model).values()}
    groups: list[ParameterGroup] = [
        {"params": [parameter for parameter in learning if id(parameter) not in head], "scale": backbone_lr},
        {"params": [parameter for parameter in learning if id(parameter) in head], "scale": 1.0},
    ]
    return [group for group in groups if group["params"]]
