"""What an instrument may leave behind in a network: nothing. Whatever could have changed, compared."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from skiprun.experiment.contracts.contract import require

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
Tracks = tuple[dict[str, Tensor | None], tuple[Any, ...]]


class InTheMiddle(BaseException):
    """Interrupts an instrument as Ctrl-C does, which no `except Exception` sees."""


def tracks(model: nn.Module) -> Tracks:
    """Return all tensors of a network, and its modes, attributes, hooks and what learns."""
    tensors = {**model.state_dict(), **{f"grad {name}": each.grad for name, each in model.named_parameters()}}
    modes = [module.training for module in model.modules()]
    attributes = {path: set(vars(module)) for path, module in model.named_modules()}
    grads = [each.requires_grad for each in model.parameters()]
    return copy.deepcopy(tensors), (modes, attributes, hooks(model), grads)


def hooks(model: nn.Module) -> list[object]:
    """Return the hooks of a network."""
    return [hook for module in model.modules() for kind in HOOKS for hook in getattr(module, kind).values()]


def require_untouched(model: nn.Module, before: Tracks) -> None:
    """Refuse a network that is not as it was, to the bit."""
    tensors, rest = tracks(model)
    for what, now, then in zip(
        ("modes", "attributes", "hooks", "requires_grad"), rest, before[1], strict=True
    ):
        require(now == then, f"the {what} of the network are not as before")
    require(tensors.keys() == before[0].keys(), "the network has other tensors than before")
    for name, value in tensors.items():
        other = before[0][name]
        same = value is other if value is None or other is None else torch.equal(value, other)
        require(same, f"{name} is not as before")
