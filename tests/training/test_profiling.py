"""`skiprun train --profile`: a trace, and shares that add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skiprun.system.progress import NullProgress
from skiprun.training.profiling import Profiling, kind
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
