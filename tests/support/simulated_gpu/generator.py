"""The random generator of the simulated GPU, which a capture holds, and one that broke off never lets go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload


class DeviceGenerator:
    """What torch.cuda.default_generators has of the GPU.

    Attributes:
        state: what it would draw next.
        is_held: whether a capture holds it: nothing but what is captured may draw.
    """

    def __init__(self, state: Tensor) -> None:
        self.state, self.is_held = state, False

    def manual_seed(self, number: int) -> None:
        """Begin a stream of draws; torch.cuda.manual_seed."""
        self.state = torch.Generator().manual_seed(number).get_state()

    def clone_state(self) -> DeviceGenerator:
        """Return another of the same draws."""
        return DeviceGenerator(self.state)

    def graphsafe_set_state(self, other: DeviceGenerator) -> None:
        """Become another one."""
        self.state, self.is_held = other.state, other.is_held

    def draw(
        self,
        operation: OpOverload,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        capturing: bool = False,
    ) -> Any:
        """Compute an operation on the CPU, which draws from here if it is random.

        Raises:
            RuntimeError: in torch's words, where a capture holds the generator that is over.
        """
        if torch.Tag.nondeterministic_seeded not in operation.tags:
            return operation(*args, **kwargs)
        if self.is_held and not capturing:
            raise RuntimeError("Offset increment outside graph capture encountered unexpectedly.")
        host = torch.get_rng_state()
        torch.set_rng_state(self.state)
        try:
            return operation(*args, **kwargs)
        finally:
            self.state = torch.get_rng_state()
            torch.set_rng_state(host)
