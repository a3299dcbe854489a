"""A tensor that says it is on a GPU and holds one on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor
from torch._ops import OpOverload

if TYPE_CHECKING:
    from tests.support.simulated_gpu.device import SimulatedGPU

CUDA = torch.device("cuda", 0)


class SimulatedTensor(Tensor):
    """A tensor of the simulated GPU.

    Attributes:
        host_tensor: the CPU tensor with its values, of the same shape and strides.
        gpu: where it lies; `patches.simulated` says which.
    """

    gpu: ClassVar[SimulatedGPU]
    host_tensor: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor, requires_grad: bool = False) -> SimulatedTensor:
        """Wrap a CPU tensor."""
        made: SimulatedTensor = Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=CUDA,
            requires_grad=requires_grad,
        )
        made.host_tensor = inner
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"SimulatedTensor({self.host_tensor!r})"

    def tolist(self) -> Any:
        """Return the values, by way of a copy to the host; torch would read the memory of the wrapper."""
        return self.detach().to("cpu").tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as a CPU tensor, for torch.save."""
        self.gpu.wait("copy to host (pickle)")
        return self.host_tensor.detach().clone().__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        func: OpOverload,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute an operation that torch makes where no mode sees it."""
        return cls.gpu.compute(func, args, kwargs or {})


def held(value: Any) -> Any:
    """Return what a value is on the CPU: the tensor within, and the CPU for a device."""
    if isinstance(value, torch.device):
        return torch.device("cpu")
    return value.host_tensor if isinstance(value, SimulatedTensor) else value


def wrapped(value: Any, wrappers: Mapping[int, Any]) -> Any:
    """Return a result as one of the GPU; an operation in place returns the tensor that it was given."""
    if not isinstance(value, Tensor):
        return value
    return wrappers[id(value)] if id(value) in wrappers else SimulatedTensor(value)
