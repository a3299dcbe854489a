"""Stand-ins for torch.compile, which knows no simulated GPU: one that is right, and wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from skiprun.training.acceleration.captured_step import CapturedStep
from skiprun.training.acceleration.compilation import ForwardPass

Compiled = Callable[[Tensor], Tensor]
launch = CapturedStep.launch


def right(model: nn.Module) -> Compiled:
    """Compute the same."""
    return model


def other_outputs(model: nn.Module) -> Compiled:
    """Be off by a thousandth."""
    return lambda images: model(images) * 1.001


def other_gradients(model: nn.Module) -> Compiled:
    """Lose the gradient of one tensor."""

    def compiled(images: Tensor) -> Tensor:
        first = next(model.parameters())
        first.requires_grad_(False)
        try:
            return model(images) + first.sum() * 0
        finally:
            first.requires_grad_(True)

    return compiled


def other_statistics(model: nn.Module) -> Compiled:
    """Move running statistics a little further than a step does."""
    norms = [each for each in model.modules() if isinstance(each, nn.BatchNorm2d)]

    def compiled(images: Tensor) -> Tensor:
        before = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 0.101
        outputs: Tensor = model(images)
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
        return outputs

    return compiled


def other_draws(model: nn.Module) -> Compiled:
    """Draw once more."""

    def compiled(images: Tensor) -> Tensor:
        torch.rand(1, device=images.device)
        return model(images)

    return compiled


def no_capture(model: nn.Module) -> Compiled:
    """Look at a value."""

    def compiled(images: Tensor) -> Tensor:
        images.sum().item()
        return model(images)

    return compiled


def no_compiler(_: nn.Module) -> Compiled:
    """Do not compile."""
    raise RuntimeError("Cannot find a working triton installation")


def no_memory(model: nn.Module) -> Compiled:
    """Find no room for a second graph."""

    def compiled(images: Tensor) -> Tensor:
        if torch.cuda.is_current_stream_capturing():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return model(images)

    return compiled


COMPILERS: dict[str, Callable[[nn.Module], Compiled]] = {
    each.__name__.replace("_", " "): each
    for each in (
        right,
        other_outputs,
        other_gradients,
        other_statistics,
        other_draws,
        no_capture,
        no_compiler,
        no_memory,
    )
}


def compiles(name: str, saves: float = 0.5) -> AbstractContextManager[Any]:
    """Let a stand-in compile, whose launches save a part of their time."""

    def faster(self: CapturedStep) -> Tensor:
        gpu, begun = self.graph.gpu, self.graph.gpu.microseconds  # type: ignore[attr-defined]
        result = launch(self)
        if getattr(self, "is_compiled", False):
            gpu.microseconds -= saves * (gpu.microseconds - begun)
        return result

    def capture(self: CapturedStep, *args: Any) -> None:
        init(self, *args)
        self.is_compiled = bool(compiled)  # type: ignore[attr-defined]

    def compile_model(self: ForwardPass) -> Compiled:
        compiled.append(True)
        return COMPILERS[name](self.model)

    compiled: list[bool] = []
    init = CapturedStep.__init__
    stack = ExitStack()
    stack.enter_context(mock.patch.object(CapturedStep, "__init__", capture))
    stack.enter_context(mock.patch.object(CapturedStep, "launch", faster))
    stack.enter_context(mock.patch.object(ForwardPass, "_compile", compile_model))
    return stack
