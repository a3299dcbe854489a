"""A schedule for the strength of every shortcut during training: y = connection(strength * x, f(x)).

The strength is a function of the step alone, so a continued run sets it again. It is a tensor that is filled
in place, so that a compiled network or a CUDA graph sees the new value; and it is in the state dict, so that
saved weights are evaluated with the strength that they were trained with.
"""

import torch
from torch import Tensor, nn

from skiprun.config import SkipSchedule
from skiprun.connections.base import sites


def skip_strength(schedule: SkipSchedule, epoch: float) -> float:
    """Return the strength of the shortcuts at an epoch: linear between two epochs, else constant."""
    begin, end = schedule.epochs
    passed = min(max((epoch - begin) / (end - begin), 0.0), 1.0)
    return schedule.start + (schedule.end - schedule.start) * passed


def make_fadable(model: nn.Module) -> None:
    """Give every site that uses its shortcut a strength, 1 at first."""
    device = next(model.parameters()).device
    for site in sites(model).values():
        if site.uses_shortcut:
            site.register_buffer("strength", torch.ones((), device=device))
            site.register_forward_pre_hook(_weaken)


def set_skip_strength(model: nn.Module, strength: float) -> None:
    """Set the strength of every shortcut of a network that was made fadable."""
    for site in sites(model).values():
        if site.uses_shortcut:
            site.get_buffer("strength").fill_(strength)


def _weaken(site: nn.Module, args: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Multiply x before the connection sees it; a hook that is handed its module works in copies too."""
    x, fx = args
    return x * site.get_buffer("strength"), fx
