"""Try whether a captured step may stand for the step itself: it computes the same numbers, and is faster.

Nothing is left of a trial: the run goes on from the state that was before.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from skiprun.errors import in_a_line
from skiprun.training.step_state import KeptState, StepState, StepStates, Tensors, cloned, distance

Work = Callable[[], Tensor]
# Steps of a GPU that adds in whatever order comes first (atomics) differ by some rounding: one launch and one
# step may differ by this many times what two steps do.
TOLERANCE = 10.0
# Steps that make the same weights make the same of everything, but for the order of some sum: what differs by
# a larger part of the largest number is remembered from step to step, where a graph keeps what it was once.
ROUNDING = 1e-3
# The least of some bursts is taken, as another program can only make one longer. In a burst the GPU computes
# one step while the next one is launched, as in a run.
ROUNDS, BURST = 2, 3


@dataclass
class Trial:
    """What is asked of a step before and after its capture.

    Attributes:
        state: what the step changes.
        timed: whether it has to be faster by a launch.
    """

    state: StepState | StepStates
    timed: bool

    def rehearse(self, step: Work) -> tuple[Tensor, str | None]:
        """Make a step where a wait for the device is an error, as it would break a capture.

        Returns:
            What the step returned, and why it cannot be captured, if so. What fails here is made again
            without that care, so that an error of its own is raised as in any step.
        """
        kept = None
        try:
            kept = self.state.keep()
            with no_waiting(self.state.device):
                result = step()
            moved = kept.moved()
            return result, f"it puts its {moved} elsewhere in memory" if moved else None
        except Exception as error:  # of torch, a task or a probe
            problem = in_a_line(error)
            if kept:
                kept.put_back()
        return step(), problem

    def refusal(self, step: Work, launch: Work) -> str | None:
        """Return why a launch may not stand for the step, None if it may."""
        kept = None
        try:
            kept = self.state.keep()
            return self._difference(kept, step, launch) or (slowness(step, launch) if self.timed else None)
        except Exception as error:  # no memory for both, above all
            return in_a_line(error)
        finally:
            if kept:
                kept.put_back()

    def _difference(self, kept: KeptState, step: Work, launch: Work) -> str | None:
        """Say what a launch computes otherwise than the step, if it differs more than two steps do."""
        first = cloned(self._made(step))
        kept.put_back()
        again = self._made(step)
        noise = {kind: distance(first[kind], again[kind]) for kind in first}
        for kind, found in noise.items():
            if not noise["weights"] and found > ROUNDING * largest(first[kind]):
                return f"two steps from one state differ in their {kind} by {found:.2g}"
        kept.put_back()
        launched = self._made(launch)
        for kind, allowed in noise.items():
            if any(noise.values()):
                allowed = max(allowed, rounding(first[kind]))
            found = distance(first[kind], launched[kind])
            if not found <= TOLERANCE * allowed:
                what = f"a launch and the step differ in their {kind} by {found:.2g}"
                return f"{what}, two steps by {noise[kind]:.2g}"
        return None

    def _made(self, work: Work) -> Tensors:
        """Return what is there after some work: what it returned, what it changed, and the generators."""
        return {"metrics": [work()], **self.state.tensors(), "draws": self.state.generators()}


def rounding(tensors: list[Tensor]) -> float:
    """Return the distance of the largest of some numbers from its neighbour in float32."""
    return torch.finfo(torch.float32).eps * largest(tensors)


def largest(tensors: list[Tensor]) -> float:
    """Return the largest of some numbers, without its sign."""
    return distance(tensors, [torch.zeros_like(each) for each in tensors])


def slowness(step: Work, launch: Work) -> str | None:
    """Say that a launch takes no less time than the step, if that is so."""
    least = {step: math.inf, launch: math.inf}
    for _ in range(ROUNDS):
        for work in least:
            least[work] = min(least[work], milliseconds(work))
    if least[launch] < least[step]:
        return None
    return f"a launch takes {least[launch]:.2f} ms, the step {least[step]:.2f} ms"


def milliseconds(work: Work) -> float:
    """Return how long some work of a GPU takes, from when the GPU is idle until it is idle again."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    for _ in range(BURST):
        work()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / BURST


@contextlib.contextmanager
def no_waiting(device: torch.device) -> Iterator[None]:
    """Let torch refuse within what makes the host wait for a GPU."""
    if device.type != "cuda":
        yield
        return
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(action="ignore"):  # that not every wait is known to it
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
