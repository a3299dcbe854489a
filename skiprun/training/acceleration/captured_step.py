"""A training step as a CUDA graph, which computes nothing when it is captured, and all of it at each launch.

Whatever changes between steps has to be in tensors: the batch, the learning rate, and the state of the random
generators, which torch enters at every launch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

Step = Callable[..., Tensor]


class CapturedStep:
    """A step in a CUDA graph; its inputs and its result stay where they are in memory."""

    def __init__(self, step: Step, inputs: Sequence[Tensor], stream: torch.cuda.Stream | None) -> None:
        self.graph = torch.cuda.CUDAGraph()
        # The thread that writes checkpoints may wait for the GPU meanwhile.
        capture = torch.cuda.graph(self.graph, stream=stream, capture_error_mode="thread_local")
        with healthy_generator(), capture:
            self.result = step(*inputs)

    def launch(self) -> Tensor:
        """Compute, from what is in the inputs now, what is in the result after."""
        self.graph.replay()
        return self.result


@contextlib.contextmanager
def healthy_generator() -> Iterator[None]:
    """Put another generator in the place of the GPU's if a capture fails within.

    One that the driver broke off never gives the generator back, and each draw of the run would fail.
    """
    own = torch.cuda.default_generators[torch.cuda.current_device()]
    spare = own.clone_state()
    try:
        yield
    except BaseException:
        own.graphsafe_set_state(spare)
        raise


def first_cause(error: BaseException) -> BaseException:
    """Return what made an error: of a capture that is broken torch only says that something did it before."""
    while error.__context__ and not error.__suppress_context__:
        error = error.__context__
    return error
