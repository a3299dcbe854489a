"""Several runs as branches of one CUDA graph: the steps of one network leave most of a GPU idle.

The runs take turns (see `skiprun.system.turns`). Each prepares its step as if it were alone; when every one
has, all their steps are made by one launch, side by side, and each goes on with its own result. A network
that draws at random, for dropout or stochastic depth, has a graph of its own: a graph has one generator.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from skiprun.system.turns import Turns
from skiprun.training.acceleration.captured_step import Step
from skiprun.training.acceleration.graph import StepGraph
from skiprun.training.acceleration.graph_trial import Trial
from skiprun.training.step_state import StepStates

log = logging.getLogger(__name__)


class Branches:
    """Runs whose steps are made together, as long as more than one of them has steps to make.

    Attributes:
        turns: those of the runs.
        members: the runs that make their steps here.
    """

    turns: Turns

    def __init__(self) -> None:
        self.members: list[Branch] = []
        self.graph: StepGraph | None = None

    def branch(self, own: StepGraph) -> Branch:
        """Return what makes the steps of a run, given what makes them where it is alone."""
        return Branch(self, own)

    def join(self, branch: Branch) -> None:
        """Let a run be one of those whose steps are made together."""
        self.members.append(branch)
        self.graph = None

    def leave(self, branch: Branch) -> None:
        """Make the steps of the others without a run."""
        self.members.remove(branch)
        self.graph = None

    def make_steps(self) -> None:
        """Make the prepared step of every run; each finds its result."""
        if self.graph is None:
            self.graph = joined([member.own for member in self.members])
        members, batches = list(self.members), [tensor for member in self.members for tensor in member.batch]
        try:
            with self._after_all(self.graph):
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
        """Make the steps side by side, each on its own stream; return what they return, [runs, values]."""
        here, given, results = torch.cuda.current_stream(), iter(batches), []
        for member in self.members:
            member.stream.wait_stream(here)
            with torch.cuda.stream(member.stream):
                results.append(member.step(*[next(given) for _ in member.batch]))
        for member in self.members:
            here.wait_stream(member.stream)
        return torch.stack(results)

    @contextmanager
    def _after_all(self, graph: StepGraph) -> Iterator[None]:
        """Let what is launched within come after what the runs have launched, and before what they will."""
        streams = [member.stream for member in self.members]
        for stream in streams:
            stream_of(graph).wait_stream(stream)
        with torch.cuda.stream(stream_of(graph)):
            yield
        for stream in streams:
            stream.wait_stream(stream_of(graph))


class Branch:
    """Makes the steps of one run, in turn with the others.

    Attributes:
        own: what makes them where the run is alone; its stream is the run's.
        step: makes the prepared step from `batch`, which is empty while none is prepared.
        result: of the step that was made; an error of any run's step is everyone's.
    """

    step: Step

    def __init__(self, branches: Branches, own: StepGraph) -> None:
        self.branches, self.own = branches, own
        self.batch: Sequence[Tensor] = ()
        self.result: Tensor | None = None
        self.error: BaseException | None = None
        self.begun = False

    @property
    def choice(self) -> bool | None:
        """Whether steps are launched; None: that is not known yet."""
        graph = self.branches.graph if self.is_member else self.own
        return graph.choice if graph else None

    @property
    def stream(self) -> torch.cuda.Stream:
        """Where the run launches what is its own."""
        return stream_of(self.own)

    @property
    def is_member(self) -> bool:
        """Whether its steps are made together with others."""
        return self in self.branches.members

    def go_on(self, choice: bool | None) -> None:
        """Keep to the choice of a run that goes on."""
        self.own.go_on(choice)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Train on the run's own stream; the others go on without it after."""
        try:
            with self.own.aside():
                yield
        finally:
            if self.is_member:
                self.branches.leave(self)

    def __call__(self, step: Step, *batch: Tensor) -> Tensor:
        """Make a step; see `StepGraph`."""
        if not self.begun:
            return self._first(step, batch)
        if not self.is_member:
            return self.own(step, *batch)
        self.step, self.batch = step, batch
        while self.batch:
            if all(member.batch for member in self.branches.members):
                self.branches.make_steps()
            else:
                self.branches.turns.give()
        if self.error:
            raise self.error
        assert self.result is not None
        return self.result

    def _first(self, step: Step, batch: Sequence[Tensor]) -> Tensor:
        """Make the first step alone, which shows whether the network draws, and let the others do so too."""
        assert self.own.trial
        before = self.own.trial.state.generators()
        result = step(*batch)
        self.begun = True
        if all(map(torch.equal, before, self.own.trial.state.generators())):
            self.branches.join(self)
        self.branches.turns.give()
        return result


def stream_of(graph: StepGraph) -> torch.cuda.Stream:
    """Return the stream of what makes steps on a GPU."""
    assert graph.stream is not None
    return graph.stream


def joined(graphs: Sequence[StepGraph]) -> StepGraph:
    """Return what makes the steps of several runs as one."""
    trials = [graph.trial for graph in graphs if graph.trial]
    states = StepStates([trial.state for trial in trials])
    return StepGraph(states.device, Trial(states, timed=all(trial.timed for trial in trials)))
