"""Gradient norm by layer: the Euclidean norm of dL/dW of each convolution and linear layer, |dL/dW|_F.

`grad/first` is the first layer behind the stem and `grad/last` the last one before the classifier. Their
ratio tells vanishing (below 1) from exploding (above 1) gradients (Glorot and Bengio 2010, section 4.2). It
is NaN where neither has a gradient, as at the start of ReZero. A frozen layer has no gradient, which is not
one of zero: its norm is NaN, and so is a ratio with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from skiprun.models.complexity.cost import layers_by_depth
from skiprun.probes.base import numbered_paths
from skiprun.registry import PROBES
from skiprun.system import torch_internals

SUMMARY = ["grad/total", "grad/first", "grad/last", "grad/first_over_last"]


@PROBES.register("grad_norm", paper="Glorot and Bengio 2010, section 4.2")
class GradNorm:
    """Norm of the gradient of every layer's weight, and of all parameters together."""

    hooks = False

    def tags(self, model: nn.Module) -> list[str]:
        """Return a tag for each layer, such as 'grad_norm/01.conv1', and those of `SUMMARY`."""
        return [f"grad_norm/{name}" for name in numbered_paths(layers_by_depth(model))] + SUMMARY

    @contextmanager
    def watch(self, model: nn.Module) -> Iterator[None]:
        """Remember the parameters; their gradients are read when they are there."""
        self.weights = [layer.get_parameter("weight") for layer in layers_by_depth(model).values()]
        self.parameters = list(model.parameters())
        yield

    def read(self) -> Tensor:
        """Return the norm of each layer, then total, first, last and first over last, [layers + 4]."""
        norms = gradient_norms(self.parameters)
        nothing = self.parameters[0].new_zeros(())
        layers = of_weights(self.weights, norms)
        # Stem and classifier stand aside, as far as the network has anything between them.
        body = layers[1:-1] or layers or [nothing]
        total = torch.linalg.vector_norm(torch.stack([nothing, *norms.values()]))
        return torch.stack([*layers, total, body[0], body[-1], body[0] / body[-1]]).float()


def of_weights(weights: Sequence[nn.Parameter], norms: Mapping[Tensor, Tensor]) -> list[Tensor]:
    """Return the norm of each weight's gradient: 0 where none arrived, NaN where the weight is frozen."""
    absent = lambda weight: weight.new_full((), 0.0 if weight.requires_grad else math.nan)  # noqa: E731
    return [norms[each] if each in norms else absent(each) for each in weights]


def gradient_norms(parameters: list[nn.Parameter]) -> dict[Tensor, Tensor]:
    """Return the norm of each gradient that is there, by parameter."""
    grads = {parameter: parameter.grad for parameter in parameters if parameter.grad is not None}
    return dict(zip(grads, torch_internals.norms(list(grads.values())), strict=True)) if grads else {}
