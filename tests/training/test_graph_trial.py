"""A captured step is compared with what two steps differ by, and nothing of that stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, cycle

import pytest
import torch
from torch import Tensor, nn

from skiprun.training.acceleration import graph_trial
from skiprun.training.acceleration.compilation import ForwardPass
from skiprun.training.acceleration.graph import WORTHWHILE, StepGraph, make_graph
from skiprun.training.acceleration.graph_trial import Trial
from skiprun.training.step_state import StepState, distance
from skiprun.training.totals import EpochTotals
from tests.support.compare import assert_same
from tests.support.tiny import tiny_config

CPU, GPU = torch.device("cpu"), torch.device("cuda")
Step = Callable[[], Tensor]


def state_of(model: nn.Module, device: torch.device = CPU) -> StepState:
    return StepState(device, model, torch.optim.SGD(model.parameters(), 0.1), EpochTotals(CPU))


@pytest.fixture
def state() -> StepState:
    torch.manual_seed(0)
    return state_of(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))


NONE = cycle([0.0])


def step_of(state: StepState, noise: Iterator[float] = NONE, error: float = 0.0) -> Step:
    """Return a step that draws, learns and counts; its noise is another each time, as that of atomics."""

    @torch.no_grad()
    def step() -> Tensor:
        metrics: Tensor = state.model(torch.randn(8, 4)).square().mean()
        shift = next(noise)
        for weight in state.model.parameters():
            weight.add_(0.01 + error + shift)
        state.totals.loss += metrics
        return metrics

    return step


@pytest.mark.parametrize(
    ("noise", "error", "differs"),
    [
        (0.0, 0.0, False),
        (0.0, 1e-6, True),  # two steps do not differ, so nothing may
        (1e-4, 2e-4, False),
        (1e-4, 1e-2, True),
    ],
)
def test_a_launch_may_differ_by_some_times_what_two_steps_do(
    state: StepState, noise: float, error: float, differs: bool
) -> None:
    before, draws = state.keep(), torch.get_rng_state()
    shifts = cycle([0.0, noise, 3 * noise])
    said = Trial(state, timed=False).refusal(step_of(state, shifts), step_of(state, shifts, error))
    assert (said is not None) == differs
    assert said is None or said.startswith("a launch and the step differ in their weights by ")
    assert_same(before.values, state.keep().values)
    assert torch.equal(draws, torch.get_rng_state())


def test_a_launch_that_draws_other_numbers_is_refused(state: StepState) -> None:
    step = step_of(state)

    def launch() -> Tensor:
        metrics = step()
        torch.rand(1)
        return metrics

    said = Trial(state, timed=False).refusal(step, launch)
    assert said is not None and "differ in their draws" in said


def test_a_launch_that_leaves_a_count_out_is_refused(state: StepState) -> None:
    step = step_of(state)

    def launch() -> Tensor:
        counter = state.model.get_buffer("1.num_batches_tracked")
        before = counter.clone()
        metrics = step()
        counter.copy_(before)
        return metrics

    said = Trial(state, timed=False).refusal(step, launch)
    assert said == "a launch and the step differ in their statistics by 1, two steps by 0"


@pytest.mark.parametrize(("part", "refused"), [(1e-5, False), (1e-2, True)])
def test_a_step_that_remembers_the_one_before_is_refused(
    state: StepState, part: float, refused: bool
) -> None:
    """A graph would return for ever what it counted in its capture, and two steps differ, too."""
    step, steps = step_of(state), count()

    def counting() -> Tensor:
        return step() * 0 + 1 + part * next(steps)

    said = Trial(state, timed=False).refusal(counting, counting)
    expected = "two steps from one state differ in their metrics by 0.01"
    assert said == (expected if refused else None)


def test_no_memory_for_a_trial_is_a_reason_and_no_error(state: StepState) -> None:
    before = state.keep()

    def launch() -> Tensor:
        step_of(state)()
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nmore for developers")

    said = Trial(state, timed=False).refusal(step_of(state), launch)
    assert said == "CUDA out of memory. Tried to allocate 2.00 GiB"
    assert_same(before.values, state.keep().values)


def test_the_least_time_of_some_bursts_counts(state: StepState, monkeypatch: pytest.MonkeyPatch) -> None:
    step, launch = step_of(state), step_of(state)
    times = {step: [5.0, 3.0], launch: [9.0, 2.0]}
    monkeypatch.setattr(graph_trial, "milliseconds", lambda work: times[work].pop(0))
    trial = Trial(state, timed=True)
    assert trial.refusal(step, launch) is None
    times = {step: [5.0, 3.0], launch: [9.0, 3.0]}
    assert trial.refusal(step, launch) == "a launch takes 3.00 ms, the step 3.00 ms"


def test_a_rehearsal_that_fails_is_undone_and_made_again(state: StepState) -> None:
    step, failures = step_of(state), [RuntimeError("called a synchronizing CUDA operation")]

    def fails_once() -> Tensor:
        metrics = step()
        if failures:
            raise failures.pop()
        return metrics

    assert Trial(state, timed=False).warm_up(fails_once)[1] == "called a synchronizing CUDA operation"
    torch.manual_seed(0)
    other = state_of(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))
    step_of(other)()
    assert_same(state.keep().values, other.keep().values)


def test_an_error_of_its_own_is_raised_as_in_any_step(state: StepState) -> None:
    def fails() -> Tensor:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        Trial(state, timed=False).warm_up(fails)


def test_numbers_that_are_none_differ_from_numbers_alone() -> None:
    nan, one, inf = torch.tensor([torch.nan]), torch.ones(1), torch.tensor([torch.inf])
    assert distance([nan, inf], [nan, inf]) == 0
    assert distance([nan], [one]) == distance([inf], [one]) == torch.inf
    assert distance([], []) == 0


@pytest.mark.parametrize(
    ("asked", "steps", "every", "hooks", "taken"),
    [
        ("auto", WORTHWHILE, 10, False, False),
        ("auto", WORTHWHILE + 1, 10, False, True),
        ("auto", WORTHWHILE + 1, 10, True, False),  # each tenth step is not launched
        ("auto", 2 * WORTHWHILE, 10, True, True),
        ("auto", 100 * WORTHWHILE, 1, True, False),
        ("auto", 100 * WORTHWHILE, 1, False, True),
        (True, 1, 1, True, True),
        (False, 100 * WORTHWHILE, 10, False, False),
    ],
)
def test_auto_takes_a_graph_where_it_makes_enough_steps(
    monkeypatch: pytest.MonkeyPatch, asked: bool | str, steps: int, every: int, hooks: bool, taken: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: device)
    config = tiny_config(compute={"cuda_graph": asked}, log={"every": every})
    model = nn.Linear(1, 1)
    how = ForwardPass(model, "eager"), "fp32"
    graph = make_graph(config, steps, hooks, state_of(model, GPU), 1, *how)
    assert isinstance(graph, StepGraph) == taken
    assert graph is None or (graph.trial is not None and graph.trial.timed == (asked == "auto"))
