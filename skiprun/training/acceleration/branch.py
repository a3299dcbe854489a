"""One of several runs whose steps are made together: when its turn comes, and what it has from that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from skiprun.training.acceleration.branches import Branches, Member
from skiprun.training.acceleration.captured_step import Step
from skiprun.training.acceleration.graph import StepGraph


class Branch:
    """Makes the steps of one run, in turn with the others.

    Args:
        branches: makes the steps of all.
        own: what makes them where the run is alone.
    """

    def __init__(self, branches: Branches, own: StepGraph) -> None:
        self.branches, self.own, self.member = branches, own, Member(own)
        self.begun = False
        own.compile_trial = None  # which compares steps of one run, and seeds are to be computed alike

    @property
    def choice(self) -> bool | None:
        """Whether steps are launched; None: that is not known yet."""
        graph = self.branches.graph if self.is_member else self.own
        return graph.choice if graph else None

    @property
    def is_member(self) -> bool:
        """Whether its steps are made together with others."""
        return self.member in self.branches.members

    def go_on(self, step: int, choice: bool | None) -> None:
        """Keep to the choices of a run that goes on after a step."""
        self.own.go_on(step, choice)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Train on the run's own stream; the others go on without it after."""
        try:
            with self.own.aside():
                yield
        finally:
            if self.is_member:
                self.branches.leave(self.member)

    def __call__(self, step: Step, *batch: Tensor) -> Tensor:
        """Make a step; see `StepGraph`."""
        if not self.begun:
            return self._first(step, batch)
        if not self.is_member:
            return self.own(step, *batch)
        member = self.member
        member.step, member.batch = step, batch
        while member.batch:
            if all(each.batch for each in self.branches.members):
                self.branches.make_steps()
            else:
                self.branches.turns.give()
        member.step = None  # it belongs to the run, which keeps this; see `StepGraph`
        if member.error:
            try:
                raise member.error
            finally:
                member.error = None
        assert member.result is not None
        return member.result

    def _first(self, step: Step, batch: Sequence[Tensor]) -> Tensor:
        """Make the first step alone, which shows whether the network draws, and let the others do so too."""
        assert self.own.trial
        before = self.own.trial.state.generators()
        result = step(*batch)
        self.begun = True
        if all(map(torch.equal, before, self.own.trial.state.generators())):
            self.branches.join(self.member)
        self.branches.turns.give()
        return result
