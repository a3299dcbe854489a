"""A run on a GPU records which one, its driver and libraries, and how much memory it took."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from skiprun.experiment import train
from skiprun.training import gpu_record
from skiprun.training.gpu_record import describe_gpu, forget_peak
from tests.gpu.cases import Case, config_of
from tests.support.simulated_gpu.machine import SimulatedMachine
from tests.support.simulated_gpu.patches import CUDNN, MEMORY, NAME, PEAK

SHORT = Case({"schedule": {"steps": 2}})
CUDA = torch.device("cuda")
SAYS = "NVRM version: NVIDIA UNIX {}Kernel Module for x86_64  570.86.15  Release Build\nGCC 12"


def test_a_run_records_its_gpu_and_the_memory_that_it_took(machine: SimulatedMachine, tmp_path: Path) -> None:
    outcome = machine(train, config_of(SHORT, "cuda"), runs=tmp_path)
    (session,) = outcome.result.sessions()
    known = {"name": NAME, "cudnn": CUDNN, "memory_bytes": MEMORY, "peak_memory_bytes": PEAK}
    assert known.items() <= session["gpu"].items()
    assert outcome.result.summary()["gpu"] == session["gpu"]
    assert "This process took 3.22 GB of the GPU's memory at most." in outcome.messages


def test_a_run_on_the_cpu_has_nothing_to_record(tmp_path: Path) -> None:
    run = train(config_of(SHORT, "cpu"), runs=tmp_path)
    assert "gpu" not in run.summary() and "gpu" not in run.sessions()[0]


@pytest.mark.parametrize("kind", ["", "Open "])
def test_the_driver_is_the_one_that_the_system_has_loaded(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "version").write_text(SAYS.format(kind))
    monkeypatch.setattr(gpu_record, "DRIVER", tmp_path / "version")
    assert gpu_record.driver_version() == "570.86.15"


def test_a_driver_that_answers_nothing_leaves_its_line_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    for name in ("get_device_name", "get_device_properties", "max_memory_reserved", "empty_cache"):
        monkeypatch.setattr(torch.cuda, name, broken)
    monkeypatch.setattr(torch.backends.cudnn, "version", broken)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(gpu_record, "DRIVER", tmp_path / "none")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    forget_peak(CUDA)
    assert describe_gpu(CUDA) == {}
