"""The benchmarks' arithmetic and protocol: ratios within a round, failing arms, devices, names untold."""

from __future__ import annotations

import inspect
import json
import logging
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from benchmarks import arms, crews, floor, measure, ours, peers, report, scaling, several, steps
from benchmarks.arms import Arm
from benchmarks.floor import conv_outputs
from benchmarks.measure import Setting
from benchmarks.scaling import label
from benchmarks.worker import ARMS
from skiprun.run import Run
from skiprun.training.acceleration.compilation import ForwardPass

TURNS = [{"cpu": 1.0, "wall": 2.0, "peak_mb": 5.0}, {"cpu": 3.0, "wall": 9.0, "peak_mb": 6.0}]
GPU = Setting("cuda")


def arm(name: str, factor: float) -> Arm:
    turns = [{clock: value / factor for clock, value in turn.items()} for turn in TURNS]
    return Arm(name, {}, turns=turns, first={"wall": 1.0})


def test_a_ratio_is_formed_within_a_round_so_that_drift_cancels() -> None:
    found = arms.row(arm("ours", 2.0), arm("theirs", 1.0), "cpu", steps=10)
    assert found["speedup"] == pytest.approx(2.0)
    assert found["speedup_range"] == pytest.approx([2.0, 2.0])
    assert found["ms"] == pytest.approx(100.0)


@pytest.mark.slow
def test_arms_that_fail_are_named_and_the_others_measured(capfd: pytest.CaptureFixture[str]) -> None:
    work = {"name": "resnet20", "batch": 4}
    both = [Arm("raises", {"loop": "nothing"}), Arm("trains", {"loop": "skiprun", **work})]
    held = torch.ones(1 << 28)  # a gigabyte of ours is not theirs
    raised, trained = arms.side_by_side(both, 1, 2, Setting())
    assert raised == {"arm": "raises", "failed": "KeyError: 'nothing'"}
    assert "Traceback" in capfd.readouterr().err
    assert trained["ms"] > 0
    assert 50 < trained["peak_mb"] < held.nbytes / 2**20
    assert "speedup" not in trained  # there is nothing to compare with


def test_an_arm_that_is_killed_says_its_code() -> None:
    killed = Arm("killed", {"loop": "skiprun", "name": "resnet20", "batch": 4})
    killed.start(Setting())
    killed.process.kill()
    killed.process.wait()
    killed.ask(1)
    assert killed.answer() == {}
    assert killed.failed == "ended with code -9"


def test_an_arm_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(arms.PATIENCE, "cpu", 0)
    silent = Arm("silent", {"loop": "skiprun", "name": "resnet20", "batch": 4})
    with arms.running([silent], Setting()):
        assert silent.failed == "no answer within 0 s"


def test_work_that_fails_is_a_row_that_says_why() -> None:
    assert measure.found({"what": "copies"}, lambda: {"ms": 1.0}) == {"what": "copies", "ms": 1.0}
    failed = measure.found({"what": "copies"}, lambda: {"ms": 1 / 0})
    assert failed == {"what": "copies", "failed": "ZeroDivisionError: division by zero"}
    assert measure.why(ValueError("all options: " + 1000 * "this, ")).startswith(
        "ValueError: all options: this, this"
    )
    assert len(measure.why(ValueError(1000 * "this, "))) < 300


def test_a_trainer_that_goes_on_without_what_is_measured_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(RuntimeError, match="goes on without: no compiler"):
        ours.skiprun(lambda: None, "cpu", "resnet20", 4, way="compiled")
    logging.getLogger("skiprun.training").removeHandler(measure.NOTHING_LESS)
    ForwardPass(torch.nn.Identity(), "compiled")(torch.zeros(1))  # by itself it does go on


@pytest.mark.parametrize(
    "setting", [Setting(), Setting(threads=2), GPU], ids=["one thread", "two threads", "a GPU"]
)
def test_every_arm_is_what_its_loop_takes(setting: Setting) -> None:
    sizes = [scaling.arm(size, setting) for size in [*scaling.sizes(setting), *scaling.deepest(setting)]]
    contestants = [
        *steps.arms("resnet56", setting),
        *sizes,
        *floor.arms("resnet56", setting),
        *several.gpu_arms([0]),
    ]
    for each in contestants:
        work = {key: value for key, value in each.work.items() if key not in ("loop", "cores")}
        inspect.signature(ARMS[each.work["loop"]]).bind(print, device=setting.device, **work)
    assert len({each.label for each in sizes}) == len(sizes)


def test_the_clock_of_a_gpu_is_the_walls() -> None:
    assert (Setting().clock, Setting(threads=2).clock, GPU.clock) == ("cpu", "wall", "wall")


@pytest.mark.parametrize("count", [1, 2, 6, 16])
def test_runs_share_the_cores(count: int) -> None:
    shares = [each.work["cores"] for each in several.gpu_arms(range(count))]
    assert len(shares) == 8
    assert sorted({core for share in shares for core in share}) == list(range(count))
    assert count < 8 or len({core for share in shares for core in share}) == sum(map(len, shares))


def test_several_runs_take_as_long_as_the_slowest() -> None:
    walls = {1: [[1.0], [2.0]], 2: [[1.5, 2.0], [4.0, 3.0]]}
    found = several.at_once(2, walls, steps=100)
    assert found["ms"] == pytest.approx(30.0)
    assert found["times_one"] == pytest.approx(2.0)


def test_an_epoch_is_50000_images_and_the_best_expert_is_the_measure() -> None:
    rows = [{"arm": "expert: a", "ms": 4.0}, {"arm": "expert: b", "ms": 2.0}, {"arm": "skiprun", "ms": 1.0}]
    found = steps.with_epochs("resnet20", [*rows, {"arm": "timm's loop", "failed": "why"}], 128)
    assert found[2]["epoch_s"] == pytest.approx(0.390625)
    assert found[2]["over_expert"] == pytest.approx(2.0)
    assert found[3] == {"network": "resnet20", "arm": "timm's loop", "failed": "why"}


def test_the_floor_counts_the_convolutions_of_resnet20() -> None:
    assert conv_outputs("resnet20") == 188_416
    layers = floor.convolutions("resnet20")
    assert [layers[0][1], layers[-1][2]] == [(1, 3, 32, 32), (1, 64, 8, 8)]


def test_sizes_have_names() -> None:
    assert label({"name": "resnet20", "batch": 32, "width": 64, "recompute": True}) == (
        "resnet20, batch 32, width 64, recomputed"
    )


def test_files_of_a_gpu_bear_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    assert report.stem("steps", GPU) == "nvidia-h200-steps"
    assert report.stem("steps", Setting(threads=2)).endswith("-steps-2-threads")


def test_a_table_has_the_columns_of_all_rows() -> None:
    rows: list[dict[str, Any]] = [{"arm": "a", "failed": "no GPU"}, {"arm": "b", "ms": 2.0, "range": [1, 2]}]
    console = Console(record=True, width=80)
    console.print(report.table("", rows))
    assert [line.split() for line in console.export_text().splitlines()[-3:]] == [
        ["arm", "failed", "ms"],
        ["a", "no", "GPU"],
        ["b", "2"],
    ]


def test_results_are_a_table_a_figure_and_json_without_the_name_of_the_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    rows = [
        arms.row(arm("classic", 1.0), arm("classic", 1.0), "cpu", 1),
        {"arm": "timm's loop", "failed": "why"},
    ]
    both = [row for name in ("resnet20", "resnet56") for row in steps.with_epochs(name, rows, 128)]
    report.keep({"machine": report.machine(Setting()), "benchmarks": {"steps": both}}, "found")
    assert json.loads((tmp_path / "found.json").read_text())["benchmarks"]["steps"][0]["arm"] == "classic"
    text = (tmp_path / "found.json").read_text() + (tmp_path / "found.txt").read_text()
    assert socket.gethostname() not in text
    assert str(tmp_path) not in text
    assert (tmp_path / "found.png").read_bytes()[:4] == b"\x89PNG"


def test_peers_that_are_installed_beside_torch_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: find_spec("torch"))
    assert peers.folder("timm") is None


def test_peers_that_are_not_there_are_not_fetched_where_there_may_be_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    monkeypatch.setattr(peers, "PLACE", tmp_path)
    timm = Arm("timm's loop", {"loop": "timm"}, "timm")
    with arms.running([timm], GPU):
        assert timm.failed == "timm is not installed"


def test_a_run_that_trains_nothing_is_a_finished_run(tmp_path: Path) -> None:
    [write] = crews.calls(tmp_path, 1)
    write()
    path = tmp_path / "dummy" / "seed-0"
    assert (Run(path).state, len(Run(path).metrics())) == ("finished", 100)
