"""The base class of probes: measurements of one training step, at fixed tags, without side effects."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from torch import Tensor, nn


class Probe(Protocol):
    """Watches the forward and backward pass of a logged step; made without arguments, one for a run.

    Attributes:
        hooks: whether it looks inside the pass. A step that it watches runs uncompiled; False where it reads
            what the backward pass has left.
    """

    hooks: bool

    def tags(self, model: nn.Module) -> list[str]:
        """Return the names of the values, the same at every step."""
        ...

    def watch(self, model: nn.Module) -> AbstractContextManager[None]:
        """Measure what happens inside: hooks are put in on entry and are gone on exit, whatever happened."""
        ...

    def read(self) -> Tensor:
        """Return the values of the last step watched, float32 [len(tags)] on the model's device.

        Called after backward and before the clip. Nothing here waits for the device.
        """
        ...


def numbered_paths(paths: Iterable[str]) -> list[str]:
    """Return paths with their number from the input, '01.conv1', padded so that they sort by depth."""
    paths = list(paths)
    digits = max(2, len(str(len(paths))))
    return [f"{number:0{digits}d}.{path}" for number, path in enumerate(paths, start=1)]
