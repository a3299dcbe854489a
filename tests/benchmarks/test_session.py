"""The command: which device, what is kept, what a second start measures, how bars are read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from benchmarks import __main__, apart, bars, catalog, kept, report
from benchmarks.catalog import DEFAULT
from benchmarks.measure import NETWORKS, Setting, Skipped, Unfinished
from tests.support import ROOT

Rows = list[dict[str, Any]]
CARD = {"gpu": "NVIDIA H200", "driver": "580.1", "cudnn": 91002}


class Works:
    """One that works."""

    run = staticmethod(lambda setting: [{"what": "a thing", "ms": 1.0}])


class Fails:
    """One that fails."""

    run = staticmethod(lambda setting: [{"ms": 1 / 0}])


class HasParts:
    """One with a part that is done, one that is not, and one that cannot be measured."""

    asked: ClassVar[list[str]] = []

    @classmethod
    def parts(cls, setting: Setting) -> dict[str, Any]:
        """Return the parts."""
        return {"done": cls.done, "half": cls.half, "none": cls.none}

    @classmethod
    def done(cls) -> Rows:
        """Return a row."""
        cls.asked.append("done")
        return [{"ms": 2.0}]

    @classmethod
    def half(cls) -> Rows:
        """Stop at the first call."""
        cls.asked.append("half")
        if cls.asked.count("half") == 1:
            raise Unfinished("at step 1")
        return [{"ms": 3.0}]

    @staticmethod
    def none() -> Rows:
        """Say why not."""
        raise Skipped("it is not there")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command in this process, with made-up benchmarks."""
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(__main__, "in_own_process", apart.outcome)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")

    def run(benchmarks: dict[str, Any], *words: str) -> int:
        monkeypatch.setattr(catalog, "ALL", benchmarks)
        monkeypatch.setattr(__main__, "ALL", benchmarks)
        monkeypatch.setitem(DEFAULT, "cpu", tuple(benchmarks))
        monkeypatch.setattr("sys.argv", ["benchmarks", "--device", "cpu", *words])
        return __main__.main()

    return run


def test_a_benchmark_that_fails_does_not_lose_the_others(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command({"fails": Fails, "works": Works}) == 1
    assert "fails all: failed, ZeroDivisionError: division by zero" in capsys.readouterr().err
    assert [file.suffix for file in sorted(tmp_path.glob("cpu-*-works-1-threads.*"))] == [".json", ".txt"]


def test_a_second_start_measures_what_is_missing(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    HasParts.asked.clear()
    out = ["--out", str(tmp_path / "out")]
    assert command({"parts": HasParts}, *out) == 1
    said = capsys.readouterr().err
    assert "parts half: unfinished, at step 1" in said
    assert "parts none: skipped, it is not there" in said
    assert command({"parts": HasParts}, *out) == 0
    assert HasParts.asked == ["done", "half", "half"]
    [file] = (tmp_path / "out").rglob("*.json")
    found = json.loads(file.read_text())
    assert {part: each["rows"] for part, each in found.items()} == {
        "done": [{"ms": 2.0}],
        "half": [{"ms": 3.0}],
    }
    assert found["done"]["machine"].keys() >= {"processor", "torch", "code"}
    assert "parts" in (file.parent / "tables.txt").read_text()


def test_no_part_begins_when_the_time_is_up(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command({"works": Works}, "--out", str(tmp_path / "out"), "--minutes", "0.5") == 1
    assert "works all: unfinished, not begun, as the time is up" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.json"))


def test_results_of_two_cards_or_torches_are_never_in_one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.11.0+cu130")
    places = []
    for change in ({}, {"gpu": "NVIDIA H100 80GB HBM3"}, {"driver": "600.0"}, {"cudnn": 90000}):
        monkeypatch.setattr(report, "graphics", lambda change=change: CARD | change)
        places.append(kept.place_of(Setting("cuda")))
    assert places[0] == "nvidia-h200-driver-580.1-cudnn-91002-torch-2.11.0-cu130"
    places += [kept.place_of(Setting()), kept.place_of(Setting("cuda", quick=True))]
    monkeypatch.setattr(torch, "__version__", "2.13.0+cu130")
    places.append(kept.place_of(Setting("cuda")))
    assert len(set(places)) == len(places)


def test_parts_of_an_older_code_are_told(tmp_path: Path) -> None:
    here = kept.Kept(tmp_path, Setting())
    for part, code in (("one", "0a"), ("two", "0b")):
        here.add("steps", part, [{"ms": 1.0}], {"code": code})
    assert "measured with 2 versions of the code" in here.write_tables().read_text()


def test_options_choose_the_device_and_what_can_be_measured_on_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    choose = lambda *words: __main__.choose(__main__.options(words))  # noqa: E731
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(__main__, "sees_gpu", lambda: True)
    assert (choose().device, choose("--device", "cpu").device) == ("cuda", "cpu")
    assert "demo" in choose("--device", "cpu").only
    assert "demo" not in choose().only
    with pytest.raises(SystemExit):
        choose("--only", "demo")
    assert "demo: measured on a CPU" in capsys.readouterr().err
    monkeypatch.setattr(__main__, "sees_gpu", lambda: False)
    assert choose().device == "cpu"


def test_no_gpu_is_one_line_that_says_why() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    command = [sys.executable, "-m", "benchmarks", "--device", "cuda"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("python -m benchmarks: --device cuda: ")
    assert line.endswith(". Use --device cpu here.")


def test_a_part_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child"
    program = f"import os, time; open({str(child)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    hangs = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}])"
    monkeypatch.setattr(apart, "GRACE", 5.0)
    monkeypatch.setattr(apart, "command_of", lambda work: [sys.executable, "-c", hangs])
    assert apart.in_own_process("steps", "a", Setting(limit=1.0)) == {"failed": "took more than 1 s"}
    for _ in range(100):
        if not Path(f"/proc/{child.read_text()}").exists():
            break
        time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(child.read_text()), 0)


def test_a_part_answers_from_its_own_process() -> None:
    assert apart.in_own_process("seeds", "8-seeds", Setting()) == {
        "skipped": "seeds are trained side by side on a GPU alone"
    }


def test_the_bars_are_read_from_the_rows_of_their_parts() -> None:
    arms = {"classic loop": [4.0, 6.0], "classic + norms, add_scalar": [8.0, 8.0], "skiprun": [2.0, 2.0]}
    measured: dict[str, dict[str, Rows]] = {
        "epochs": {"resnet20-default": [{"epoch_s": 0.3}]},
        "steps": {"resnet20": [{"arm": arm, "turns_ms": turns} for arm, turns in arms.items()]},
        "tests": {"marked": [{"outcome": "passed"}, {"outcome": "skipped"}]},
        "degradation": {
            "64k": [
                {"network": name, "test_error": error, "train_error": error / 2, "seconds": 100.0}
                for name, error in (("plain20", 9.0), ("plain56", 14.0), ("resnet20", 9.5), ("resnet56", 7.0))
            ]
            + [{"network": "all", "seconds": 400.0}]
        },
    }
    rows = {row["bar"]: row for row in bars.table(measured)}
    found = {bar: (row["found"], row["met"]) for bar, row in rows.items() if row["met"] != "not measured"}
    assert found == {
        "resnet20, default: seconds an epoch": (0.3, "NO"),
        "resnet20: times as fast as the classic script": (2.5, "yes"),
        "tests marked gpu that do not pass": (1.0, "NO"),
        "64k steps, four networks: seconds": (400.0, "yes"),
        "plain20: test error": (9.0, "yes"),
        "plain56: test error": (14.0, "yes"),
        "resnet20: test error": (9.5, "NO"),
        "resnet56: test error": (7.0, "yes"),
        "plain56 over plain20: test error": (5.0, "yes"),
        "plain56 over plain20: training error": (2.5, "yes"),
    }
    assert rows["resnet20: test error"]["wanted"] == "8.2 to 8.8"
    assert rows["resnet110: times as fast as timm"]["met"] == "not measured"


def test_every_bar_is_of_a_part_that_is_measured_by_default() -> None:
    parts = {name: catalog.parts_of(name, Setting("cuda")) for name in DEFAULT["cuda"]}
    every = list(bars.bars())
    assert all(bar.part in parts[bar.benchmark] for bar in every)
    assert len({bar.what for bar in every}) == len(every) == 6 + 4 * len(NETWORKS) + 1 + 9 + 1 + 1 + 4 + 2
