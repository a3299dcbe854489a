"""Activation checkpointing: keep only block inputs, recompute in the backward pass (Chen et al. 2016).

A step takes about a third longer, and a network keeps one tensor a block instead of all that is between two.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from skiprun.connections import Connection
from skiprun.system.torch_internals import BatchNorm
from skiprun.training.host_copy import tensors_in


def apply_activation_checkpointing(model: nn.Module) -> None:
    """Let each block around a connection keep its input only, and compute the rest again going backward."""
    for block in model.modules():
        if any(isinstance(child, Connection) for child in block.children()):
            block.forward = CheckpointedForward(block)


class CheckpointedForward:
    """The forward pass of a block, whose backward pass computes it again.

    What the block draws at random has to be the same again, for which torch asks a generator for its state.
    That breaks the capture of a CUDA graph, so it is left out there, if the steps before drew nothing.
    """

    def __init__(self, block: nn.Module) -> None:
        self.forward, self.contexts, self.draws = block.forward, partial(_contexts, block), False

    def __call__(self, *inputs: Tensor | Sequence[Tensor]) -> Tensor:
        """Return what the block makes of its inputs, one of which may be several."""
        if not torch.is_grad_enabled():  # nothing is kept, nor computed again
            output: Tensor = self.forward(*inputs)
            return output
        on_gpu = any(tensor.is_cuda for tensor in tensors_in(inputs))
        capturing = on_gpu and torch.cuda.is_current_stream_capturing()
        if capturing and self.draws:
            raise RuntimeError("a block that draws at random is computed again")
        before = torch.cuda.get_rng_state() if on_gpu and not capturing else None
        output = checkpoint(
            self.forward,
            *(list(each) if isinstance(each, list) else each for each in inputs),  # which may grow meanwhile
            use_reentrant=False,
            context_fn=self.contexts,
            preserve_rng_state=not capturing,
        )
        if before is not None:
            self.draws |= not torch.equal(before, torch.cuda.get_rng_state())
        return output


def _contexts(
    block: nn.Module,
) -> tuple[contextlib.AbstractContextManager, contextlib.AbstractContextManager]:
    """Return what surrounds the first and the second run."""
    return contextlib.nullcontext(), _seen_already(block)


@contextlib.contextmanager
def _seen_already(block: nn.Module) -> Iterator[None]:
    """Keep running statistics as they are: they have seen this batch."""
    norms = [module for module in block.modules() if isinstance(module, BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, seen) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, seen
