"""Cast the weights of a network by one kernel a step, where autocast takes one for each layer.

In bf16, autocast casts each weight alone, and each gradient back: 42 of the 302 kernels of a step of
resnet20. The bits stay the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

# Layers whose weight and bias autocast casts.
CAST_LAYERS = {
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    nn.Linear,
}


def layers_to_cast(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """Return the layers and the names of their parameters that autocast casts, and that nobody else has."""
    own = [(layer, name) for layer in model.modules() for name, _ in layer.named_parameters(recurse=False)]
    is_cast = lambda layer, name: is_plain(layer, CAST_LAYERS) and name in ("weight", "bias")  # noqa: E731
    others = {id(getattr(*place)) for place in own if not is_cast(*place)}
    return [place for place in own if is_cast(*place) and id(getattr(*place)) not in others]


def is_plain(layer: nn.Module, classes: Collection[type]) -> bool:
    """Tell whether a layer does what torch's class of it does, and nothing else."""
    return type(layer) in classes and "forward" not in vars(layer)


@contextlib.contextmanager
def cast_once(places: list[tuple[nn.Module, str]], dtype: torch.dtype) -> Iterator[None]:
    """Let layers compute with copies of their parameters, whose gradients come back to the parameters.

    Whoever else reads a parameter, or computes a layer without autocast, finds the parameter itself.
    """
    parameters = {id(parameter): parameter for parameter in (getattr(*place) for place in places)}
    # One that several layers share is one copy, so that its gradient is added in the same type as ever.
    copies = dict(zip(parameters, CastAll.apply(dtype, *parameters.values()), strict=True))
    layers: dict[nn.Module, dict[str, Tensor]] = {}
    for layer, name in places:
        layers.setdefault(layer, {})[name] = copies[id(getattr(layer, name))]
    try:
        for layer, own in layers.items():
            layer.__dict__["forward"] = WithCopies(layer, own, dtype)
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


class WithCopies:
    """The forward pass of a layer, which computes with copies of its parameters where autocast would."""

    def __init__(self, layer: nn.Module, copies: dict[str, Tensor], dtype: torch.dtype) -> None:
        self.layer, self.copies, self.dtype = layer, copies, dtype
        self.forward = partial(type(layer).forward, layer)

    def __call__(self, *inputs: Tensor, **named: Any) -> Tensor:
        """Return what the layer makes of its inputs."""
        device = next(iter(self.copies.values())).device.type
        if not torch.is_autocast_enabled(device) or torch.get_autocast_dtype(device) != self.dtype:
            return self.forward(*inputs, **named)
        parameters = self.layer._parameters
        before = {name: parameters[name] for name in self.copies}
        parameters.update(self.copies)  # type: ignore[arg-type]
        try:
            return self.forward(*inputs, **named)
        finally:
            parameters.update(before)


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
