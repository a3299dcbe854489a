"""Several runs as branches of one CUDA graph: the steps of one network leave most of a GPU idle.

The runs take turns (see `skiprun.system.turns`). Each prepares its step as if it were alone; when every one
has, all their steps are made by one launch, side by side, and each goes on with its own result. A network
that draws at random, for dropout or stochastic depth, has a graph of its own: a graph has one generator.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from skiprun.errors import InputError
from skiprun.system.turns import Turns
from skiprun.training.acceleration.captured_step import Step
from skiprun.training.acceleration.graph import StepGraph
from skiprun.training.acceleration.graph_trial import Trial
from skiprun.training.acceleration.streams import after_all, on_streams
from skiprun.training.step_state import StepStates

log = logging.getLogger(__name__)

DREW_LATE = (
    "A network that drew nothing at random in its first step did so later, from the generators that runs "
    "side by side share; train such runs one by one (--jobs 1)."
)


@dataclass(eq=False)
class Member:
    """A run that makes its steps together with others.

    Attributes:
        own: what makes them where the run is alone; its stream is the run's.
        step: makes the prepared step from `batch`, which is empty while none is prepared.
        result: of the step that was made; an error of any run's step is everyone's.
    """

    own: StepGraph
    step: Step | None = None
    batch: Sequence[Tensor] = ()
    result: Tensor | None = None
    error: BaseException | None = None

    @property
    def stream(self) -> torch.cuda.Stream:
        """Where the run launches what is its own."""
        return stream_of(self.own)


class Branches:
    """Runs whose steps are made together, as long as more than one of them has steps to make.

    Attributes:
        turns: those of the runs.
        members: the runs that make their steps here.
    """

    turns: Turns

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.graph: StepGraph | None = None

    def join(self, member: Member) -> None:
        """Let a run be one of those whose steps are made together."""
        self.members.append(member)
        self.graph = None

    def leave(self, member: Member) -> None:
        """Make the steps of the others without a run."""
        self.members.remove(member)
        self.graph = None

    def make_steps(self) -> None:
        """Make the prepared step of every run; each finds its result."""
        if self.graph is None:
            self.graph = as_one_graph([member.own for member in self.members])
        members, batches = list(self.members), [tensor for member in self.members for tensor in member.batch]
        try:
            with after_all([member.stream for member in members], stream_of(self.graph)):
                results = self.graph(self._step, *batches)
        except BaseException as error:  # some may have made their step, and none may make it twice
            for member in members:
                member.batch, member.error = (), error
            return
        for member, result in zip(members, results, strict=True):
            member.batch, member.result = (), result
        if self.graph.choice is False:
            log.info("Each run goes on by itself.")
            self.members, self.graph = [], None

    def _step(self, *batches: Tensor) -> Tensor:
        """Make the steps side by side; return what they return, [runs, values]."""
        given, works = iter(batches), []
        for member in self.members:
            assert member.step
            works.append((member.stream, partial(member.step, *[next(given) for _ in member.batch])))
        if torch.cuda.is_current_stream_capturing():
            return on_streams(works)
        draws = [torch.get_rng_state(), torch.cuda.get_rng_state()]
        results = on_streams(works)
        if not all(map(torch.equal, draws, [torch.get_rng_state(), torch.cuda.get_rng_state()])):
            raise InputError(DREW_LATE)
        return results


def stream_of(graph: StepGraph) -> torch.cuda.Stream:
    """Return the stream of what makes steps on a GPU."""
    assert graph.stream is not None
    return graph.stream


def as_one_graph(graphs: Sequence[StepGraph]) -> StepGraph:
    """Return what makes the steps of several runs as one."""
    trials = [graph.trial for graph in graphs if graph.trial]
    states = StepStates([trial.state for trial in trials])
    return StepGraph(states.device, Trial(states, timed=all(trial.timed for trial in trials)))
