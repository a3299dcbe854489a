"""Run a training step as one CUDA graph: its many small kernels take longer to launch than to run.

The first steps run as they are: they allocate, and choose algorithms. The last of these is a rehearsal, and
is then captured as a CUDA graph. The next step is made both ways from the same state; if a launch computes
the same, and in less time, the steps of the run are launches from there on.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from skiprun.config import RunConfig
from skiprun.errors import in_a_line
from skiprun.training.acceleration.captured_step import CapturedStep, Step, first_cause
from skiprun.training.acceleration.compilation import ForwardPass
from skiprun.training.acceleration.compile_trial import CompileTrial, make_compile_trial
from skiprun.training.acceleration.graph_trial import Trial
from skiprun.training.step_state import StepState

log = logging.getLogger(__name__)

WARM_UP = 3
SETTLED = WARM_UP + 1  # the one after the capture is made several times
# Capture and trial take as long as about 15 steps. A run of so many steps has them back where a launch saves
# a tenth of a step; where it saves half of one, they cost a seventh of the gain.
WORTHWHILE = 200


class StepGraph:
    """Makes training steps: the first ones as they are, the others by launching a captured one.

    It keeps no step, which belongs to somebody who keeps the graph: the memory of a GPU would wait for
    Python's collection of cycles.

    Args:
        device: where the steps are made.
        trial: what is asked of the step; None: nothing.
        compile_trial: whether compiled code makes it, once it is launched; None: as it is.
    """

    def __init__(
        self, device: torch.device, trial: Trial | None = None, compile_trial: CompileTrial | None = None
    ) -> None:
        # What was launched on the default stream could not be captured together with what follows.
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.trial, self.compile_trial = trial, compile_trial
        self.left = WARM_UP
        self.captured: CapturedStep | None = None
        self.inputs: list[Tensor] = []
        self.choice: bool | None = None  # whether steps are launched; None: that is not known yet

    def __call__(self, step: Step, *batch: Tensor) -> Tensor:
        """Make a step.

        Args:
            step: the same one each time; makes a step from the tensors of a batch, and returns a tensor. It
                may not look at a value, and after an error it can be called again.
            batch: its tensors, of the same shapes each time.
        """
        with self.aside():
            if self.captured and self.choice is None:
                self._try(step, batch)
            if self.captured:
                return self._launch(self.captured, batch)
            self.left -= 1
            return step(*batch) if self.left or self.choice is False else self._last_before(step, batch)

    def go_on(self, step: int, choice: bool | None) -> None:
        """Keep to the choices of a run that goes on after a step: a clock may have made them."""
        if choice is not None:
            self.compile_trial = None
        elif self.compile_trial:
            self.compile_trial.steps -= step
        if self.trial and self.trial.timed:
            self.choice = False if choice is False else None
            self.trial.timed = choice is None

    def _last_before(self, step: Step, batch: Sequence[Tensor]) -> Tensor:
        """Make the last step that is made as it is, and capture it, of which nothing is computed."""
        eager = partial(step, *batch)
        result, problem = self.trial.warm_up(eager) if self.trial else (eager(), None)
        if problem is None:
            self.inputs = [tensor.clone() for tensor in batch]
            try:
                self.captured = CapturedStep(step, self.inputs, self.stream)
            except Exception as error:  # of torch, a task or a probe
                problem = in_a_line(first_cause(error))
        if problem is not None:
            self._give_up(f"The step cannot be captured, so the run goes on without: {problem}")
        return result

    def _try(self, step: Step, batch: Sequence[Tensor]) -> None:
        """Choose whether the steps that follow are launches, by one whose numbers were not captured."""
        assert self.captured
        launch = partial(self._launch, self.captured, batch)
        problem = self.trial.refusal(partial(step, *batch), launch) if self.trial else None
        if problem is not None:
            self._give_up(f"The run goes on without a CUDA graph: {problem}")
            return
        self.choice = True
        if self.compile_trial:
            self._try_compiled(self.compile_trial, step, batch)

    def _try_compiled(self, trial: CompileTrial, step: Step, batch: Sequence[Tensor]) -> None:
        """Choose whether the launches that follow are of compiled code."""
        assert self.captured
        compiled: list[CapturedStep] = []

        def capture() -> None:
            for _ in range(WARM_UP):  # the first one compiles, and all choose algorithms
                step(*batch)
            compiled.append(CapturedStep(step, self.inputs, self.stream))

        as_it_is = partial(self._launch, self.captured, batch)
        if trial.is_won(capture, as_it_is, lambda: self._launch(compiled[0], batch)):
            self.captured = compiled[0]

    def _launch(self, captured: CapturedStep, batch: Sequence[Tensor]) -> Tensor:
        for place, value in zip(self.inputs, batch, strict=True):
            place.copy_(value)
        return captured.launch().clone()

    def _give_up(self, message: str) -> None:
        self.captured, self.inputs, self.choice = None, [], False
        log.info(message)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Work on a stream of its own, after what came before and before what comes after."""
        if self.stream is None or (here := torch.cuda.current_stream()) == self.stream:
            yield
            return
        self.stream.wait_stream(here)
        try:
            with torch.cuda.stream(self.stream):
                yield
        finally:
            here.wait_stream(self.stream)


def make_graph(
    config: RunConfig,
    steps: int,
    has_hooks: bool,
    state: StepState,
    ranks: int,
    forward_pass: ForwardPass,
    precision: str,
) -> StepGraph | None:
    """Return what captures the steps of a run on a GPU, if that is asked for, or pays; on a CPU it is said.

    Args:
        config: of the run.
        steps: its length.
        has_hooks: whether its logged steps cannot be launched.
        state: what a step changes.
        ranks: number of processes that make a step together, which no graph of one of them holds.
        forward_pass: of the step, which may be compiled.
        precision: of the run.
    """
    asked, on_gpu = config.compute.cuda_graph, state.device.type == "cuda"
    if asked is True and not on_gpu:
        log.info("compute.cuda_graph: true is not used; it is for a GPU.")
    elif asked is True and ranks > 1:
        log.info("compute.cuda_graph: true is not used; it is for a run of one process.")
    launches = steps - steps // config.log.every if has_hooks else steps
    if not on_gpu or not asked or ranks > 1 or (asked == "auto" and launches <= WORTHWHILE):
        return None
    compile_trial = make_compile_trial(config.compute, forward_pass, state, precision, launches)
    return StepGraph(state.device, Trial(state, timed=asked == "auto"), compile_trial)
