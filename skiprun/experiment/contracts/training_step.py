"""A step of training in the small: what a network must do to be trained."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.experiment.contracts.contract import require
from skiprun.models.complexity.cost import weighted_layers
from skiprun.models.layers.block import Block

Batch = tuple[Tensor, Tensor]
RATES = (1e-3, 1e-4, 1e-5, 1e-6)


def without_chance(model: nn.Module) -> nn.Module:
    """Return a network that trains without dropout and stochastic depth."""
    for module in model.modules():
        if "Dropout" in type(module).__name__ or type(module).__name__ == "StochasticDepth":
            module.eval()
    return model


def require_learning(model: nn.Module, batch: Batch) -> None:
    """Refuse a network whose loss or gradient is not finite, whose input has none, that learns nothing."""
    images, targets = batch
    loss = nn.functional.cross_entropy(model(images), targets)
    require(loss.isfinite(), "the loss is not finite")
    loss.backward()
    for name, each in model.named_parameters():
        require(each.grad is None or each.grad.isfinite().all(), f"the gradient of {name} is not finite")
    if not starts_inside_a_block(model):
        gradient = first_gradient(model)
        require(gradient is not None and gradient.abs().sum() > 0, "no gradient reaches the first layer")
    saved = copy.deepcopy(model.state_dict())
    better = any(loss_after_step(model, saved, lr, images, targets) < loss for lr in RATES)
    require(better, "no step along the gradient lowers the loss")


def first_gradient(model: nn.Module) -> Tensor | None:
    """Return the gradient of the first layer that has weights."""
    layers = weighted_layers(model)
    return next(iter(layers.values())).get_parameter("weight").grad if layers else None


def starts_inside_a_block(model: nn.Module) -> bool:
    """Tell whether the first layer is of a branch, which may begin at zero or be left out."""
    first = next(iter(weighted_layers(model)), "")
    blocks = [path for path, each in model.named_modules() if isinstance(each, Block | Connection)]
    return any(first.startswith(f"{path}.") for path in blocks)


def loss_after_step(
    model: nn.Module, start: Mapping[str, Tensor], lr: float, images: Tensor, targets: Tensor
) -> Tensor:
    """Take one step from given weights along the gradient at hand, and return the loss that follows."""
    model.load_state_dict(start)
    torch.optim.AdamW(model.parameters(), lr=lr).step()
    with torch.no_grad():
        return nn.functional.cross_entropy(model(images), targets)
