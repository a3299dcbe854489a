"""Let compiled code make the steps of a long run on a GPU, if that pays and computes the same.

The step as it is, a CUDA graph already, is kept until the compiled one has proved itself: from one state it
has to change everything as the other does, but for rounding, and to save more time than it took.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from skiprun.config import ComputeConfig
from skiprun.errors import in_a_line
from skiprun.training.acceleration.captured_step import first_cause
from skiprun.training.acceleration.compilation import MARGIN, ForwardPass
from skiprun.training.acceleration.graph_trial import Work, least_times
from skiprun.training.acceleration.rounding import NUDGE, changes, difference
from skiprun.training.step_state import StepState

log = logging.getLogger(__name__)

# Foreseen, not measured: compiling takes a second for each module, and saves a fifth of each step.
SECONDS_A_MODULE = 1.0
SHARE_SAVED = 0.2


@dataclass
class CompileTrial:
    """Whether compiled code makes the steps of a run.

    Attributes:
        forward_pass: what is compiled.
        state: what a step changes.
        precision: of the run.
        steps: that are left to be launched.
    """

    forward_pass: ForwardPass
    state: StepState
    precision: str
    steps: int

    def is_won(self, capture: Callable[[], None], before: Work, after: Work) -> bool:
        """Compile, if the run is long enough; tell whether compiled code is to make the steps.

        Args:
            capture: makes some steps, of which the first compiles the pass, and captures the last.
            before: launches the step as it is.
            after: launches the captured one.
        """
        kept, problem = None, None
        try:
            kept = self.state.keep()
            milliseconds = least_times([before])[before]
            kept.put_back()
            if not worth_compiling(
                milliseconds, self.steps, sum(1 for _ in self.forward_pass.model.modules())
            ):
                return False
            begun = monotonic()
            self.forward_pass.choose("compiled")
            capture()
            seconds = monotonic() - begun
            kept.put_back()
            if self.forward_pass.execution == "eager":  # the pass has said why
                return False
            expected, nudged = (changes(kept, before, nudge) for nudge in (0.0, NUDGE[self.precision]))
            problem = difference(expected, nudged, changes(kept, after), kept.values)
            if not problem:
                times = least_times([before, after])
                pays, said = balance(times[before], times[after], self.steps, seconds)
                problem = None if pays else said
        except Exception as error:  # of a compiler, a driver, a task, or no memory for both
            problem = in_a_line(first_cause(error))
        finally:
            if kept:
                kept.put_back()
        if problem:
            self.forward_pass.choose("eager")
            log.info(f"The run goes on without compiled code: {problem}.")
            return False
        log.info(f"Compiled code makes the steps from here on: {said}.")
        return True


def worth_compiling(milliseconds: float, steps: int, modules: int) -> bool:
    """Tell whether so many steps take so long that compiling a network is expected to pay."""
    return SHARE_SAVED * milliseconds / 1e3 * steps > MARGIN * SECONDS_A_MODULE * modules


def balance(before: float, after: float, steps: int, seconds: float) -> tuple[bool, str]:
    """Tell whether compiling has paid at the end of a run, and say what it took and saves.

    Args:
        before: milliseconds of a step.
        after: milliseconds of a compiled one.
        steps: that are left.
        seconds: of compiling.
    """
    saved = (before - after) / 1e3 * steps
    said = f"a step takes {after:.2f} ms instead of {before:.2f}, {saved:,.0f} s less in what is left"
    return saved > seconds, f"{said}, and compiling took {seconds:,.0f} s"


def make_compile_trial(
    compute: ComputeConfig, forward_pass: ForwardPass, state: StepState, precision: str, steps: int
) -> CompileTrial | None:
    """Return what tries compiled code in a run, if its config leaves that open.

    Not where a run has to be repeatable, as a clock is asked; blocks that are computed again, for activation
    checkpointing, cannot be looked into.
    """
    if compute.compile != "auto" or compute.deterministic or compute.activation_checkpointing:
        return None
    return CompileTrial(forward_pass, state, precision, steps)
