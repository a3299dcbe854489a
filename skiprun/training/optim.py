"""Build the optimizer, gradient clipping and the weight average from the config."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from skiprun.config import OptimConfig
from skiprun.errors import percent
from skiprun.models.weights.parameter_groups import parameter_groups
from skiprun.system.torch_internals import Uncompiled
from skiprun.training.schedule import put_learning_rate_on


class SGD(Uncompiled, torch.optim.SGD):
    """Stochastic gradient descent."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class AdamW(Uncompiled, torch.optim.AdamW):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


def make_optimizer(
    model: nn.Module, config: OptimConfig, device: torch.device, backbone_lr: float | None = None
) -> torch.optim.Optimizer:
    """Return SGD or AdamW over the parameters that learn.

    Args:
        model: the network.
        config: `decay: weights` spares biases and norms (dim < 2) the weight decay.
        device: where the parameters are.
        backbone_lr: factor on the learning rate of all layers but the head; None is 1.
    """
    groups = []
    for group in parameter_groups(model, backbone_lr):
        spared = [each for each in group["params"] if config.decay == "weights" and each.ndim < 2]
        decayed = [each for each in group["params"] if config.decay == "all" or each.ndim >= 2]
        groups += [group | {"params": decayed, "weight_decay": config.weight_decay}] if decayed else []
        groups += [group | {"params": spared, "weight_decay": 0.0}] if spared else []
    fused = device.type in ("cpu", "cuda")
    optimizer: torch.optim.Optimizer
    if config.name == "adamw":
        betas, capturable = (config.momentum, 0.999), device.type == "cuda"
        optimizer = AdamW(groups, lr=config.lr, betas=betas, fused=fused, capturable=capturable)
    else:
        optimizer = SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.nesterov, fused=fused)
    if device.type == "cuda":  # whether or not the step is captured: a number in Python has other digits
        put_learning_rate_on(optimizer, device)
    return optimizer


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load the state of an optimizer; what its own device decides stays as it was made.

    That is whether its step can be captured, and whether the learning rate is a number or a tensor: a graph
    would keep a number as it is.
    """
    made = optimizer.param_groups
    optimizer.load_state_dict(state)
    for group, own in zip(optimizer.param_groups, made, strict=True):
        if "capturable" in own:
            group["capturable"] = own["capturable"]
        lr = float(group["lr"])
        group["lr"] = own["lr"].fill_(lr) if isinstance(own["lr"], Tensor) else lr


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


def clip(parameters: Iterable[nn.Parameter], config: OptimConfig) -> Tensor | None:
    """Clip the gradients in place; return 1 if a norm or value was above its limit, else 0; None if off."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if config.clip_norm:
        norm = nn.utils.get_total_norm(gradients)
        nn.utils.clip_grads_with_norm_(
            [parameter for parameter in parameters if parameter.grad is not None], config.clip_norm, norm
        )
        return (norm > config.clip_norm).float()
    if config.clip_value:
        largest = nn.utils.get_total_norm(gradients, math.inf)
        nn.utils.clip_grad_value_(parameters, config.clip_value)
        return (largest > config.clip_value).float()
    return None


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
