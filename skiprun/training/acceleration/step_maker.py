"""What the training loop asks of whatever makes a run's steps on a GPU, alone or beside other runs."""

from __future__ import annotations

import contextlib
from typing import Protocol

from torch import Tensor

from skiprun.training.acceleration.captured_step import Step


class StepMaker(Protocol):
    """Makes the steps of a run."""

    @property
    def choice(self) -> bool | None:
        """Whether steps are launched; None: that is not known yet."""

    def __call__(self, step: Step, *batch: Tensor) -> Tensor:
        """Make a step."""

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Work on a stream of its own."""

    def go_on(self, step: int, choice: bool | None) -> None:
        """Keep to the choices of a run that goes on after a step."""


def aside(graph: StepMaker | None) -> contextlib.AbstractContextManager[None]:
    """Return a context where everything is on the stream of a graph, if there is one."""
    return graph.aside() if graph else contextlib.nullcontext()
