"""`skiprun train --profile`: a trace, and shares that add up."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerAction, ProfilerActivity

from skiprun.system.progress import NullProgress
from skiprun.training import profiling
from skiprun.training.profiling import Profiling, kind, shares
from tests.support.tiny import tiny_config, tiny_trainer
from tests.training.test_trainer import assert_same_run


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("aten::mkldnn_convolution", "convolution"),
        ("aten::native_batch_norm_backward", "normalization"),
        ("aten::threshold_backward", "activation"),
        ("WinogradFunctionBackward", "convolution"),
        ("graph_0_cpp_fused_add_18", "compiled"),
        ("aten::_fused_sgd_", "optimizer"),
        ("aten::copy_", "the rest"),
    ],
)
def test_operations_belong_to_kinds(operation: str, expected: str) -> None:
    assert kind(operation) == expected


def test_profile_writes_a_trace_says_shares_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Profiling(NullProgress(), tmp_path / "trace.json")
    tiny_trainer(tmp_path / "profiled", tiny_config(), progress=watcher).fit()
    tiny_trainer(tmp_path / "plain", tiny_config()).fit()
    assert_same_run(tmp_path / "profiled", tmp_path / "plain")
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    percents = [float(line.split("%")[0].split()[-1]) for line in caplog.messages if "%" in line]
    assert sum(percents) == pytest.approx(100, abs=1)
    assert any("convolution" in line for line in caplog.messages)
    assert "trace.json" in caplog.messages[-1]


def test_shares_are_of_one_of_the_five_steps_that_are_watched_the_largest_first() -> None:
    """Times are in microseconds; what holds the operations of a step is not counted once more."""
    times = {"aten::copy_": 5_000.0, "aten::conv2d": 10_000.0, "aten::relu_": 2_000.0, "ProfilerStep#5": 1e9}
    events: list[Any] = [
        SimpleNamespace(key=key, self_device_time_total=0.0, self_cpu_time_total=time)
        for key, time in {**times, "aten::convolution": 3_000.0}.items()
    ]
    assert shares(events) == [
        "A step takes 4.0 ms under the profiler:",
        "      2.60 ms  65.0%  convolution",
        "      1.00 ms  25.0%  the rest",
        "      0.40 ms  10.0%  activation",
    ]


@pytest.mark.parametrize(
    ("gpu", "activities"),
    [(False, [ProfilerActivity.CPU]), (True, [ProfilerActivity.CPU, ProfilerActivity.CUDA])],
)
def test_five_steps_are_watched_behind_the_first_three_on_the_gpu_too_where_there_is_one(
    gpu: bool, activities: list[ProfilerActivity], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def record(**given: Any) -> SimpleNamespace:
        asked.update(given)
        return SimpleNamespace(start=lambda: None)

    monkeypatch.setattr(profiling, "profile", record)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    Profiling(NullProgress(), tmp_path / "trace.json")
    assert asked["activities"] == activities
    actions = [asked["schedule"](step) for step in range(20)]
    watched = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
    assert [step for step, action in enumerate(actions) if action in watched] == [3, 4, 5, 6, 7]
