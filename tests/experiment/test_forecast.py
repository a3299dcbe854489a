"""The forecast of `skiprun doctor`: a step takes the time until a device has made it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from skiprun.experiment.doctor import examine
from skiprun.experiment.forecast import LAUNCHED_AT_ONCE, StepTimes, device_clock
from skiprun.training.acceleration.graph import SETTLED
from tests.support.faulty import fault_config, tiny_dataset


class SlowGPU:
    """It is told of a step within a millisecond, and makes it in ten; the first ones take longer."""

    def __init__(self) -> None:
        self.host = self.done = 0.0
        self.made = 0

    def launch_step(self) -> None:
        self.host += 0.001
        self.made += 1
        self.done = max(self.done, self.host) + (0.010 if self.made > SETTLED else 0.500)

    def synchronize(self, device: torch.device) -> None:
        self.host = max(self.host, self.done)


def test_a_step_on_a_gpu_takes_until_it_is_made_without_those_that_set_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = SlowGPU()
    monkeypatch.setattr(torch.cuda, "synchronize", gpu.synchronize)
    monkeypatch.setattr("time.monotonic", lambda: gpu.host)
    clock = StepTimes(device_clock(torch.device("cuda")), SETTLED, LAUNCHED_AT_ONCE)
    for number in range(SETTLED + 3 * LAUNCHED_AT_ONCE):
        gpu.launch_step()
        clock.step(number, 1000)
    assert len(clock.times) == 4
    assert clock.step_seconds == pytest.approx(0.010, rel=0.03)


def test_a_cpu_is_waited_for_by_no_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cuda, "synchronize")
    assert device_clock(torch.device("cpu"))() > 0


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_that_is_over_before_its_steps_settle_is_foreseen_too(tmp_path: Path, steps: int) -> None:
    with tiny_dataset():
        found = {check.name: check for check in examine(fault_config(schedule={"steps": steps}), tmp_path)}
    assert found["training"].state == "ok", found["training"].finding
    assert re.search(rf"\d ms a step, .* {steps} steps? in about 0\.1 min", found["training"].finding)
