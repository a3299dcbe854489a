"""Around the passes of a step on a GPU: one launch where torch makes one for each layer.

In bf16, autocast casts each weight alone, and each gradient back: 42 of the 302 kernels of a step of
resnet20. Batch norms count their batches, each in a kernel of its own: 19 more. The bits stay the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skiprun.system.torch_internals import BatchNorm
from skiprun.training.acceleration.compilation import ForwardPass
from skiprun.training.device import DeviceSetup

# Layers whose weight and bias autocast casts. A class that is derived from one may do something else first.
CAST_LAYERS = {
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    nn.Linear,
}


class FewerLaunches:
    """Surrounds forward and backward passes; between steps the network is as it always is.

    Not used on a CPU, where a launch costs nothing; by a compiled pass, which has few kernels; and where
    hooks watch, which may look at a layer's parameters.
    """

    def __init__(self, forward_pass: ForwardPass, setup: DeviceSetup) -> None:
        self.forward_pass, self.on_gpu = forward_pass, setup.device.type == "cuda"
        self.weights = layers_to_cast(forward_pass.model) if setup.precision == "bf16" else []
        self.norms = norms_that_count(forward_pass.model)

    @contextlib.contextmanager
    def __call__(self, watched: bool = False) -> Iterator[None]:
        """Let the passes within launch less; `watched` where hooks watch."""
        if watched or not self.on_gpu or self.forward_pass.execution != "eager":
            yield
            return
        with contextlib.ExitStack() as around:
            if self.weights:
                around.enter_context(cast_once(self.weights, torch.bfloat16))
            if self.norms:
                around.enter_context(counted_on_host(self.norms))
            yield


def layers_to_cast(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """Return the layers and the names of their parameters that autocast casts, and that nobody else has."""
    own = [(layer, name) for layer in model.modules() for name, _ in layer.named_parameters(recurse=False)]
    is_cast = lambda layer, name: type(layer) in CAST_LAYERS and name in ("weight", "bias")  # noqa: E731
    others = {id(getattr(*place)) for place in own if not is_cast(*place)}
    return [place for place in own if is_cast(*place) and id(getattr(*place)) not in others]


@contextlib.contextmanager
def cast_once(places: list[tuple[nn.Module, str]], dtype: torch.dtype) -> Iterator[None]:
    """Let layers compute with copies of their parameters, whose gradients come back to the parameters."""
    parameters = {id(parameter): parameter for parameter in (getattr(*place) for place in places)}
    # One that several layers share is one copy, so that its gradient is added in the same type as ever.
    copies = dict(zip(parameters, CastAll.apply(dtype, *parameters.values()), strict=True))
    before = [(layer, name, getattr(layer, name)) for layer, name in places]
    try:
        for layer, name, parameter in before:
            layer._parameters[name] = copies[id(parameter)]
        yield
    finally:
        for layer, name, parameter in before:
            layer._parameters[name] = parameter


class CastAll(torch.autograd.Function):
    """Casts tensors by one kernel, and their gradients by another."""

    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return copies of another type."""
        copies = cast_all(tensors, dtype)
        ctx.dtype = tensors[0].dtype
        ctx.mark_non_differentiable(
            *(copy for copy, tensor in zip(copies, tensors, strict=True) if not tensor.requires_grad)
        )
        ctx.set_materialize_grads(False)
        return tuple(copies)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients in the type of the tensors; none where a pass did not use one."""
        cast = iter(cast_all([gradient for gradient in gradients if gradient is not None], ctx.dtype))
        return None, *(None if gradient is None else next(cast) for gradient in gradients)


def cast_all(tensors: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """Return copies of tensors in another type and the same layout."""
    copies = [torch.empty_like(tensor, dtype=dtype) for tensor in tensors]
    torch._foreach_copy_(copies, list(tensors))
    return copies


def norms_that_count(model: nn.Module) -> list[BatchNorm]:
    """Return the batch norms that count their batches and do not compute with the count."""
    norms = [module for module in model.modules() if isinstance(module, BatchNorm)]
    return [norm for norm in norms if norm.num_batches_tracked is not None and norm.momentum is not None]


@contextlib.contextmanager
def counted_on_host(norms: list[BatchNorm]) -> Iterator[None]:
    """Let batch norms count on the host, and add that to their counters when the passes are made.

    A graph keeps the number that was counted in its capture: every step makes the same passes.
    """
    counters = [norm.num_batches_tracked for norm in norms if norm.num_batches_tracked is not None]
    counted = torch.zeros(len(norms), dtype=torch.int64)
    try:
        for norm, count in zip(norms, counted, strict=True):
            norm.num_batches_tracked = count
        yield
    finally:
        for norm, counter in zip(norms, counters, strict=True):
            norm.num_batches_tracked = counter
    torch._foreach_add_(counters, counted.tolist())
