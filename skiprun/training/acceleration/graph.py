"""Run a training step as one CUDA graph: its many small kernels take longer to launch than to run.

The first steps run as they are: they allocate, and choose algorithms. Then one is captured as a CUDA graph,
which computes nothing yet, and from there on it is launched again and again. Whatever changes between steps
has to be in
tensors: the batch, the learning rate, and the state of the random generators, which torch enters at every
launch.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from skiprun.config import RunConfig

log = logging.getLogger(__name__)

Step = Callable[..., Tensor]
WARM_UP = 3
SETTLED = WARM_UP + 1  # the one that is captured takes longer, too


class CapturedStep:
    """A step in a CUDA graph; its inputs and its result stay where they are in memory."""

    def __init__(self, step: Step, inputs: Sequence[Tensor], stream: torch.cuda.Stream | None) -> None:
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=stream):
            self.result = step(*inputs)

    def launch(self) -> Tensor:
        """Compute, from what is in the inputs now, what is in the result after."""
        self.graph.replay()
        return self.result


class StepGraph:
    """Makes training steps: the first ones as they are, the others by launching a captured one.

    It keeps no step, which belongs to somebody who keeps the graph: the memory of a GPU would wait for
    Python's collection of cycles.
    """

    def __init__(self, device: torch.device) -> None:
        # What was launched on the default stream could not be captured together with what follows.
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.left = WARM_UP
        self.possible = True
        self.captured: CapturedStep | None = None
        self.inputs: list[Tensor] = []

    def __call__(self, step: Step, *batch: Tensor) -> Tensor:
        """Make a step.

        Args:
            step: the same one each time; makes a step from the tensors of a batch, and returns a tensor. It
                may not look at a value, and after an error it can be called again.
            batch: its tensors, of the same shapes each time.
        """
        with self._aside():
            if self.captured is None and self.left == 0 and self.possible:
                self._capture(step, batch)
            if self.captured is None:
                self.left = max(0, self.left - 1)
                return step(*batch)
            for place, value in zip(self.inputs, batch, strict=True):
                place.copy_(value)
            return self.captured.launch().clone()

    def _capture(self, step: Step, batch: Sequence[Tensor]) -> None:
        self.inputs = [tensor.clone() for tensor in batch]
        try:
            self.captured = CapturedStep(step, self.inputs, self.stream)
        except RuntimeError as error:
            self.possible = False
            log.info(f"The step cannot be captured, so the run goes on without: {str(error).splitlines()[0]}")

    @contextlib.contextmanager
    def _aside(self) -> Iterator[None]:
        """Work on a stream of its own, after what came before and before what comes after."""
        if self.stream is None:
            yield
            return
        here = torch.cuda.current_stream()
        self.stream.wait_stream(here)
        with torch.cuda.stream(self.stream):
            yield
        here.wait_stream(self.stream)


def make_graph(config: RunConfig, device: torch.device) -> StepGraph | None:
    """Return what captures the steps of a run on a GPU, if the config asks for that; on a CPU it is said."""
    if not config.compute.cuda_graph:
        return None
    if device.type != "cuda":
        log.info("compute.cuda_graph: true is not used; it is for a GPU.")
        return None
    return StepGraph(device)
