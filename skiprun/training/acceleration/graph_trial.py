"""Compare a captured CUDA graph with the eager step: a replay must compute the same numbers, and be faster.

Both start from one state, which is kept before and put back after: nothing is left of a trial. Where the GPU
adds in no fixed order, two eager steps differ as well; how much they do is the measure for the replay.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from skiprun.errors import in_a_line
from skiprun.training.step_state import KeptState, StepState, StepStates, Tensors, cloned, distance

Work = Callable[[], Tensor]
# Kernels that add with atomics, in whatever order comes first, differ by some rounding from time to time: a
# replay may differ from an eager step by this many times what two eager steps do.
TOLERANCE = 10.0
# Two steps that make the same weights make the same of everything, but for the order of some sum. What
# differs by a larger part of the largest number is kept somewhere from step to step, unseen by a graph.
ROUNDING = 1e-3
# Times are the least of some bursts, as other programs can only make one longer. In a burst the GPU computes
# one step while the host launches the next one, as in a run.
ROUNDS, BURST = 2, 3


@dataclass
class Trial:
    """What is asked of a step: before the capture whether it can be captured, after it whether that pays.

    Attributes:
        state: what the step changes.
        timed: whether a replay has to be faster.
    """

    state: StepState | StepStates
    timed: bool

    def warm_up(self, eager: Work) -> tuple[Tensor, str | None]:
        """Make the eager step where torch refuses what breaks a capture: a wait of the host for the GPU.

        Returns:
            What the step returned, and why it cannot be captured, if so. A step that fails is made again
            without that care, so that an error of its own is raised as in any step.
        """
        kept = None
        try:
            kept = self.state.keep()
            with no_waiting(self.state.device):
                result = eager()
            moved = kept.moved()
            return result, f"it puts its {moved} elsewhere in memory" if moved else None
        except Exception as error:  # of torch, a task or a probe
            problem = in_a_line(error)
            if kept:
                kept.put_back()
        return eager(), problem

    def refusal(self, eager: Work, replay: Work) -> str | None:
        """Return why replays may not take the place of eager steps, None if they may."""
        kept = None
        try:
            kept = self.state.keep()
            return self._difference(kept, eager, replay) or (slowness(eager, replay) if self.timed else None)
        except Exception as error:  # no memory for both, above all
            return in_a_line(error)
        finally:
            if kept:
                kept.put_back()

    def _difference(self, kept: KeptState, eager: Work, replay: Work) -> str | None:
        """Say what a replay computes otherwise than the eager step, if it differs more than two of those."""
        first = cloned(self._outcome(eager))
        kept.put_back()
        again = self._outcome(eager)
        noise = {kind: distance(first[kind], again[kind]) for kind in first}
        for kind, found in noise.items():
            if not noise["weights"] and found > ROUNDING * largest(first[kind]):
                return f"two steps from one state differ in their {kind} by {found:.2g}"
        kept.put_back()
        replayed = self._outcome(replay)
        for kind, allowed in noise.items():
            if any(noise.values()):
                allowed = max(allowed, rounding(first[kind]))
            found = distance(first[kind], replayed[kind])
            if not found <= TOLERANCE * allowed:
                what = f"a launch and the step differ in their {kind} by {found:.2g}"
                return f"{what}, two steps by {noise[kind]:.2g}"
        return None

    def _outcome(self, work: Work) -> Tensors:
        """Return what is there after some work: what it returned, what it changed, and the generators."""
        return {"metrics": [work()], **self.state.tensors(), "draws": self.state.generators()}


def rounding(tensors: list[Tensor]) -> float:
    """Return the distance of the largest of some numbers from its neighbour in float32."""
    return torch.finfo(torch.float32).eps * largest(tensors)


def largest(tensors: list[Tensor]) -> float:
    """Return the largest of some numbers, without its sign."""
    return distance(tensors, [torch.zeros_like(each) for each in tensors])


def slowness(eager: Work, replay: Work) -> str | None:
    """Say that a replay takes no less time than the eager step, if that is so."""
    least = least_times([eager, replay])
    if least[replay] < least[eager]:
        return None
    return f"a launch takes {least[replay]:.2f} ms, the step {least[eager]:.2f} ms"


def least_times(works: Sequence[Work]) -> dict[Work, float]:
    """Return the milliseconds that each work of a GPU takes, made in turns."""
    least = dict.fromkeys(works, math.inf)
    for _ in range(ROUNDS):
        for work in works:
            least[work] = min(least[work], milliseconds(work))
    return least


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
