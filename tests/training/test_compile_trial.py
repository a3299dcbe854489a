"""Compiled code is taken where it pays, and where it differs from a step by rounding alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from skiprun.config import ComputeConfig
from skiprun.training.acceleration import compile_trial
from skiprun.training.acceleration.compilation import ForwardPass
from skiprun.training.acceleration.compile_trial import CompileTrial, balance, worth_compiling
from skiprun.training.acceleration.rounding import NUDGE, difference, irregular
from skiprun.training.device import Execution
from skiprun.training.resume import restore_conditions
from skiprun.training.state import Checkpoint, Conditions
from skiprun.training.step_state import StepState, Tensors
from tests.support.compare import assert_same
from tests.support.tiny import tiny_config, tiny_trainer

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("milliseconds", "steps", "modules", "worth"),
    [
        (0.6, 64_000, 80, False),  # 38 s, of which compiling could save 8
        (0.6, 1_400_000, 80, True),  # 14 minutes: 168 s, for 80 that may be lost once
        (0.6, 1_300_000, 80, False),
        (100.0, 450_000, 160, True),  # a day of ImageNet
        (20.0, 450_000, 5_000, False),  # 1,202 layers
    ],
)
def test_a_run_has_to_be_long_for_its_network(
    milliseconds: float, steps: int, modules: int, worth: bool
) -> None:
    assert worth_compiling(milliseconds, steps, modules) == worth


@pytest.mark.parametrize(("after", "pays"), [(0.75, True), (0.85, False), (1.0, False), (1.1, False)])
def test_compiling_has_to_be_paid_back(after: float, pays: bool) -> None:
    """0.25 ms of 200,000 steps are 50 s; compiling took 40."""
    assert balance(1.0, after, 200_000, 40.0)[0] == pays


def test_the_balance_is_said() -> None:
    said = "a step takes 0.75 ms instead of 1.00, 50 s less in what is left, and compiling took 40 s"
    assert balance(1.0, 0.75, 200_000, 40.0)[1] == said


def changed(by: float = 0.0, only: int | None = None, count: int = 1) -> Tensors:
    """Return what a step changes: three tensors of weights, all or one of them otherwise."""
    ones = [torch.ones(100) * (1 + by * (only in (None, number))) for number in range(3)]
    return {"weights": ones, "draws": [torch.tensor([count])], "totals": [torch.zeros(1)]}


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        (changed(0.005), False),
        (changed(0.029), False),  # three times what it differs by where weights are nudged
        (changed(0.031), True),
        (changed(0.031, only=1), True),
        (changed(-1.0, only=2), True),
        (changed(torch.nan), True),
        (changed(torch.inf, only=0), True),
        (changed() | {"totals": [torch.ones(1)]}, False),
        (changed(count=2), True),
    ],
)
def test_a_step_may_differ_by_some_times_what_nudged_weights_make(found: Tensors, differs: bool) -> None:
    said = difference(changed(), changed(0.01), found, {"weights": changed()["weights"]})
    assert (said is not None) == differs


def test_a_tensor_that_a_nudge_leaves_may_differ_as_the_middle_one() -> None:
    nudged = changed(0.01) | {"weights": [*changed(0.01)["weights"][:2], torch.ones(100)]}
    assert difference(changed(), nudged, changed(0.029), {}) is None
    assert difference(changed(), nudged, changed(0.05), {}) is not None


def test_what_no_step_changes_may_not_change() -> None:
    frozen = {"weights": [torch.zeros(4)], "draws": []}
    assert difference(frozen, frozen, frozen, {}) is None
    said = difference(frozen, frozen, frozen | {"weights": [torch.full((4,), 1e-3)]}, {})
    assert said == "its weights are off by 0.002, where a step changes 0"


def test_nudges_are_small_irregular_and_the_same_each_time() -> None:
    numbers = irregular(torch.empty(8, 3, 3, 3))
    assert numbers.abs().max() <= 1 and numbers.std() > 0.5 and numbers.mean().abs() < 0.01
    assert torch.equal(numbers, irregular(torch.empty(8, 3, 3, 3)))
    weight = torch.full((216,), 0.1)
    assert not torch.equal(weight * (1 + NUDGE["fp32"] * irregular(weight)), weight)


@pytest.mark.parametrize(
    ("then", "now", "kept"),
    [
        (("fused", "cpu"), "cpu", "fused"),
        (("compiled", "NVIDIA H100"), "NVIDIA A100", "compiled"),
        (("compiled", "NVIDIA H100"), "cpu", "eager"),
        (("fused", "cpu"), "NVIDIA H100", "eager"),
    ],
)
def test_a_run_that_goes_on_keeps_its_pass_on_the_same_kind_of_device(
    then: tuple[Execution, str], now: str, kept: str
) -> None:
    state = Checkpoint(threads=torch.get_num_threads(), step=1, ranks=1, device=then[1])
    state["pass"] = then[0]
    forward_pass = ForwardPass(nn.Linear(1, 1), "eager")
    restore_conditions(state, Conditions(ranks=1, device=now), ComputeConfig(), forward_pass, None)
    assert forward_pass.execution == kept


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_torch_compiles_for_a_cpu_is_taken_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config(compute={"precision": precision, "compile": "off"}))
    for _ in range(3):
        trainer.train_step()
    forward_pass = trainer.forward_pass
    after = partial(trainer.optimizer_step, *trainer.data.fetch(trainer.sampler.batch(3)), watched=True)

    def before() -> Tensor:
        compiled = forward_pass.execution, forward_pass.call
        forward_pass.choose("eager")
        result = after()
        forward_pass.execution, forward_pass.call = compiled
        return result

    monkeypatch.setattr(compile_trial, "least_times", lambda works: dict.fromkeys(works, 1.0) | {before: 2.0})
    state = StepState(CPU, trainer.model, trainer.optimizer, trainer.totals)
    kept = state.keep()
    assert CompileTrial(forward_pass, state, precision, 1_000_000).is_won(lambda: None, before, after)
    assert forward_pass.call is not None and forward_pass.execution == "compiled"
    assert_same(kept.values, state.keep().values)
