"""The exponential moving average of a network's weights, which is evaluated in their place."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from skiprun.errors import percent


class EmaModel(AveragedModel):
    """The exponential moving average of a network's weights and buffers.

    Attributes:
        n_averaged: number of updates, on the CPU, where a look at it waits for nothing.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model)
        self.move = get_ema_multi_avg_fn(decay)
        self.n_averaged = self.n_averaged.cpu()

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take the network's weights the first time, and move towards them from then on.

        A CUDA graph may record this, and what it records has not happened yet: whoever makes the step counts
        it in `n_averaged`. (torch's own method counts here, and copies the number to the device.)
        """
        ours, theirs = ([*each.parameters(), *each.buffers()] for each in (self.module, model))
        if self.n_averaged == 0:
            torch._foreach_copy_(ours, theirs)
            return
        pairs = list(zip(ours, theirs, strict=True))
        for is_float in (True, False):
            kind = [pair for pair in pairs if pair[0].is_floating_point() == is_float]
            if kind:
                self.move([average for average, _ in kind], [weight for _, weight in kind], 0)


def make_ema_model(model: nn.Module, decay: float | None) -> EmaModel | None:
    """Return the moving average of a network; None without a decay."""
    return None if decay is None else EmaModel(model, decay)


def average_note(decay: float | None, steps: int) -> str | None:
    """Say that a weight average reaches back further than a run of so many steps, where it does."""
    if decay is None or (span := round(1 / (1 - decay))) <= steps:
        return None
    way_out = (
        f"{1 - 10 / steps:.2g} would average over a tenth of it" if steps > 20 else "so few steps need none"
    )
    return (
        f"optim.ema {decay:g} averages over the last {span:,} steps, longer than the run of {steps:,}: "
        f"{percent(decay ** (steps - 1))} of what is evaluated at its end are the weights of the "
        f"first step; {way_out}."
    )
