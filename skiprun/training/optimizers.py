"""The optimizers: torch's own, and Muon for networks of kernels."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from skiprun.system.torch_internals import Uncompiled, orthogonalized


class SGD(Uncompiled, torch.optim.SGD):
    """Stochastic gradient descent."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class Adam(Uncompiled, torch.optim.Adam):
    """Adam (Kingma and Ba 2015), with weight decay as a penalty."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class AdamW(Uncompiled, torch.optim.AdamW):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class RMSprop(Uncompiled, torch.optim.RMSprop):
    """RMSprop (Tieleman and Hinton 2012), with momentum as Szegedy et al. 2016 take it."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.RMSprop.step))


class Muon(Uncompiled, torch.optim.Optimizer):
    """Muon for the weights of hidden layers, AdamW for all other parameters (Jordan et al. 2024).

        B = m B + (1 - m) gradient,    w = w - lr (0.2 sqrt(max(rows, columns)) O + decay w)

    O is B, or with Nesterov's momentum the gradient moved towards B, with all singular values near 1, by five
    steps of a Newton-Schulz iteration. A kernel is the matrix of its outputs by all else. The factor lets O
    be as large as a step of AdamW, so that both have one learning rate (Liu et al. 2025); torch.optim.Muon
    computes the same of matrices, with `adjust_lr_fn="match_rms_adamw"`.

    Args:
        groups: of parameters; those that are `hidden` are of two dimensions or more.
        nesterov: whether the momentum is Nesterov's.
        adamw: arguments of AdamW; the first of `betas` is the momentum.
    """

    def __init__(self, groups: list[dict[str, Any]], nesterov: bool, **adamw: Any) -> None:
        self.nesterov, self.adamw = nesterov, AdamW(groups, **adamw)
        super().__init__(self.adamw.param_groups, self.adamw.defaults)
        self._share()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was saved."""
        super().__setstate__(state)
        self._share()

    def _share(self) -> None:
        """Let AdamW work on its groups of ours."""
        self.adamw.state = self.state
        self.adamw.param_groups = [group for group in self.param_groups if not group["hidden"]]

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override] # noqa: ARG002
        """Make a step."""
        self.adamw.step()
        for group in self.param_groups:
            for weight in group["params"] if group["hidden"] else ():
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """Move one weight; the learning rate may be a tensor, which a CUDA graph reads anew."""
        state, momentum = self.state[weight], group["betas"][0]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        buffer = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        direction = (gradient.lerp(buffer, momentum) if self.nesterov else buffer).flatten(1)
        update = orthogonalized(direction).view(weight.shape).to(weight.dtype)
        update.mul_(0.2 * max(direction.shape) ** 0.5).add_(weight, alpha=group["weight_decay"])
        weight.sub_(update.mul_(group["lr"]))
