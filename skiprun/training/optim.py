"""Build the optimizer and gradient clipping from the config."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from skiprun.config import OptimConfig
from skiprun.models.weights.parameter_groups import hidden_weights, parameter_groups
from skiprun.training.optimizers import SGD, Adam, AdamW, Muon, RMSprop


def make_optimizer(
    model: nn.Module, config: OptimConfig, device: torch.device, backbone_lr: float | None = None
) -> torch.optim.Optimizer:
    """Return the optimizer of a config over the parameters that learn.

    Args:
        model: the network.
        config: `decay: weights` spares biases and norms (dim < 2) the weight decay.
        device: where the parameters are.
        backbone_lr: factor on the learning rate of all layers but the head; None is 1.
    """
    groups, on_gpu = groups_to_decay(model, config, backbone_lr), device.type == "cuda"
    options: dict[str, Any] = {"lr": config.lr, "fused": device.type in ("cpu", "cuda")}
    adam = options | {"betas": (config.momentum, 0.999), "capturable": on_gpu}
    optimizer: torch.optim.Optimizer
    match config.name:
        case "sgd":
            optimizer = SGD(groups, momentum=config.momentum, nesterov=config.nesterov, **options)
        case "adam":
            optimizer = Adam(groups, **adam)
        case "adamw":
            optimizer = AdamW(groups, **adam)
        case "rmsprop":  # not fused; the loop over tensors would read the learning rate as a number
            how = {"foreach": on_gpu, "capturable": on_gpu}
            optimizer = RMSprop(groups, lr=config.lr, momentum=config.momentum, **how)
        case "muon":
            optimizer = Muon(split_hidden(groups, model), config.nesterov, **adam)
    if on_gpu:  # whether or not the step is captured: a number in Python has other digits
        put_learning_rate_on(optimizer, device)
    return optimizer


def put_learning_rate_on(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Keep the learning rate of every group in a tensor, which a captured step reads anew."""
    for group in optimizer.param_groups:
        group["lr"] = torch.tensor(float(group["lr"]), device=device)


def groups_to_decay(model: nn.Module, config: OptimConfig, backbone_lr: float | None) -> list[dict[str, Any]]:
    """Return the parameters that learn in groups, each with its weight decay."""
    groups = []
    for group in parameter_groups(model, backbone_lr):
        spared = [each for each in group["params"] if config.decay == "weights" and each.ndim < 2]
        decayed = [each for each in group["params"] if config.decay == "all" or each.ndim >= 2]
        groups += [{**group, "params": decayed, "weight_decay": config.weight_decay}] if decayed else []
        groups += [{**group, "params": spared, "weight_decay": 0.0}] if spared else []
    return groups


def split_hidden(groups: list[dict[str, Any]], model: nn.Module) -> list[dict[str, Any]]:
    """Return groups of which each holds weights of hidden layers only, or none, and says so."""
    hidden = hidden_weights(model)
    parts = [
        {
            **group,
            "params": [each for each in group["params"] if (id(each) in hidden) == kind],
            "hidden": kind,
        }
        for group in groups
        for kind in (True, False)
    ]
    return [part for part in parts if part["params"]]


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load the state of an optimizer; what its own device decides stays as it was made.

    That is which kernels make the step, whether it can be captured, and whether the learning rate is a number
    or a tensor: a graph would keep a number as it is.
    """
    made = optimizer.param_groups
    groups = [
        saved | {key: own[key] for key in ("capturable", "foreach") if key in own}
        for saved, own in zip(state["param_groups"], made, strict=True)
    ]
    optimizer.load_state_dict(state | {"param_groups": groups})
    for group, own in zip(optimizer.param_groups, made, strict=True):
        lr = float(group["lr"])
        group["lr"] = own["lr"].fill_(lr) if isinstance(own["lr"], Tensor) else lr


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
