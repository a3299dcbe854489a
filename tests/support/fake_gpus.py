"""GPUs that are not there, as the processes that look for them would find them; each function runs in one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from skiprun.config import RunConfig
from skiprun.data import residence
from skiprun.errors import InputError, SkiprunError
from skiprun.experiment import survey, worker
from skiprun.experiment.gpus import GPU
from skiprun.system.machine import cores
from skiprun.training.device import DeviceSetup
from skiprun.training.gpu import VISIBLE_GPUS

GB = 1_000_000_000
Answer = tuple[int, list[DeviceSetup | InputError]]


def ask_for_two(configs: Sequence[RunConfig]) -> Answer:
    """There are two GPUs, and every run is to be on one."""
    return 2, [DeviceSetup(torch.device("cuda"), "bf16") for _ in configs]


def look_at(entry: str) -> GPU | SkiprunError:
    """Every GPU is free but the second, which is broken where it is called `broken`."""
    if entry == "broken":
        return SkiprunError("GPU broken: CUDA error: unknown error")
    return GPU(entry, 70 * GB, 80 * GB)


def report(plain: dict[str, Any], runs: Path, need: object, until: float = 1.0) -> None:
    """Write what a training process sees, and wait until another has done so."""
    runs.mkdir(exist_ok=True)
    seen = {"gpu": os.environ.get(VISIBLE_GPUS), "cores": cores(), "process": os.getpid()}
    seen |= {"cuda_begun": torch.cuda.is_initialized(), "planned": residence.planned["free"]}
    label = " and ".join(plain)
    part = runs / f"{label}.part"
    part.write_text(json.dumps(seen))
    part.rename(runs / f"{label}.json")
    until = time.monotonic() + 60
    while len({each["process"] for each in reports(runs)}) < 2:
        assert time.monotonic() < until, "the second process does not begin"
        time.sleep(0.02)


def reports(runs: Path) -> list[dict[str, Any]]:
    """Return what the training processes have seen."""
    return [json.loads(file.read_text()) for file in sorted(runs.glob("*.json"))]


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two GPUs be found, and training processes report instead of train."""
    monkeypatch.setattr(survey, "is_gpu_build", lambda: True)
    monkeypatch.setattr(survey, "ask_torch", ask_for_two)
    monkeypatch.setattr(survey, "look_at", look_at)
    monkeypatch.setattr(worker, "train_here", report)
