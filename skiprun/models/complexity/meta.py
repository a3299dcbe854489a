"""Networks on torch's meta device: tensors have a shape and no data, so that counting is fast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import flop_registry

from skiprun.errors import InputError
from skiprun.models.complexity.meta_shapes import SHAPES
from skiprun.system.torch_internals import DispatchMode, OpOverload, storage_id


class Shortcuts(DispatchMode):
    """Answers at once with the shape of a result that torch would work out in Python on the meta device.

    That is nine tenths of the time of a deep network.
    """

    def compute(self, operation: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Return an operation's result; on the meta device a shape is enough."""
        first = args[0] if args else None
        first = first[0] if isinstance(first, list) and first else first
        answer = SHAPES.get(operation) if isinstance(first, Tensor) and first.is_meta else None
        return (answer or operation)(*args, **kwargs)


class Counter(Shortcuts):
    """Counts multiply-adds with torch's own formulas, and the bytes of the largest result."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = self.largest = 0

    def compute(self, operation: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Return an operation's result, and count its multiply-adds and its bytes."""
        out = super().compute(operation, args, kwargs)
        if formula := flop_registry.get(operation.overloadpacket):
            # torch counts a multiply-add as two operations; papers count it as one.
            self.macs += formula(*args, **kwargs, out_val=out) // 2
        given = {storage_id(each) for each in args if isinstance(each, Tensor)}
        made = [
            each for each in (out if isinstance(out, tuple) else [out]) if isinstance(each, Tensor) and given
        ]
        self.largest = max([self.largest, *(each.nbytes for each in made if storage_id(each) not in given)])
        return out


@contextmanager
def without_content() -> Iterator[None]:
    """Build networks within on the meta device, without drawing weights."""
    with torch.device("meta"), Shortcuts():
        yield


def run_on_meta(model: nn.Module, shape: Sequence[int]) -> dict[int, Tensor]:
    """Run a network in training mode on an empty batch of a shape, and return its empty tensors by storage.

    Nothing of the network changes.

    Raises:
        InputError: such images do not pass through the network.
    """
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    shadows = {name: _shadow(tensor) for name, tensor in tensors.items()}
    modes = {module: module.training for module in model.modules()}
    try:
        functional_call(model.train(), shadows, (torch.empty(*shape, dtype=torch.float32, device="meta"),))
    except NotImplementedError:
        raise
    except (RuntimeError, AssertionError) as error:  # timm asserts the size of its transformers
        size = "x".join(map(str, shape[1:]))
        reason = str(error).split("\n")[0].rstrip(".")
        raise InputError(
            f"Images of {size} do not pass through this network: {reason}. "
            "Larger images (data.image_size) or model.stem: small may help."
        ) from None
    finally:
        for module, training in modes.items():
            module.training = training
    return {storage_id(tensor): tensor for tensor in shadows.values()}


def _shadow(tensor: Tensor) -> Tensor:
    """Return an empty float32 tensor of the same shape on the meta device."""
    if tensor.is_meta:
        return tensor
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return torch.empty(tensor.shape, dtype=dtype, device="meta", requires_grad=tensor.requires_grad)
