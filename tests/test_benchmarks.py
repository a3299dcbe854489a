"""The arithmetic of the benchmarks: ratios are formed within a round, and nothing names the computer."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from benchmarks import measure, report
from benchmarks.floor import conv_outputs
from benchmarks.scaling import label

TURNS = [{"cpu": 1.0, "wall": 2.0, "peak_mb": 5.0}, {"cpu": 3.0, "wall": 9.0, "peak_mb": 6.0}]


def arm(name: str, factor: float) -> measure.Arm:
    turns = [{clock: value / factor for clock, value in turn.items()} for turn in TURNS]
    return measure.Arm(name, {}, turns=turns, first={"wall": 1.0})


def test_a_ratio_is_formed_within_a_round_so_that_drift_cancels() -> None:
    found = measure.row(arm("ours", 2.0), arm("theirs", 1.0), "cpu", steps=10)
    assert found["speedup"] == pytest.approx(2.0)
    assert found["speedup_range"] == pytest.approx([2.0, 2.0])
    assert found["ms"] == pytest.approx(100.0)


def test_an_arm_that_dies_is_named() -> None:
    broken = measure.Arm("no such loop", {"loop": "nothing"})
    with pytest.raises(RuntimeError, match="no such loop ended with code 1"), measure.running([broken], 1):
        pass


def test_the_floor_counts_the_convolutions_of_resnet20() -> None:
    assert conv_outputs() == 188_416


def test_sizes_have_names() -> None:
    assert label({"name": "resnet20", "batch": 32, "width": 64, "recompute": True}) == (
        "resnet20, batch 32, width 64, recomputed"
    )


def test_results_are_a_table_a_figure_and_json_without_the_name_of_the_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(report.peers, "folder", lambda: tmp_path)
    monkeypatch.setattr(report.peers, "versions", lambda place: {"timm": "1", "lightning": "2"})
    rows = [measure.row(arm("classic", 1.0), arm("classic", 1.0), "cpu", 1)]
    report.keep({"machine": report.machine(1), "benchmarks": {"steps": rows}}, "found")
    assert json.loads((tmp_path / "found.json").read_text())["benchmarks"]["steps"][0]["arm"] == "classic"
    text = (tmp_path / "found.json").read_text() + (tmp_path / "found.txt").read_text()
    assert socket.gethostname() not in text
    assert str(tmp_path) not in text
    assert (tmp_path / "found.png").read_bytes()[:4] == b"\x89PNG"
