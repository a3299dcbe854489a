"""What is recorded of a run's GPU: its name, driver and libraries, and how much of its memory was taken."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from skiprun.run.documents import GPURecord
from skiprun.training.gpu import VISIBLE_GPUS

DRIVER = Path("/proc/driver/nvidia/version")
Answer = TypeVar("Answer")


def describe_gpu(device: torch.device) -> GPURecord:
    """Return what is known of a GPU; nothing of a CPU."""
    if device.type != "cuda":
        return {}
    found: GPURecord = {}
    if visible := os.environ.get(VISIBLE_GPUS):
        found["visible"] = visible.split(",")[0].strip()
    if name := answer(lambda: torch.cuda.get_device_name(device)):
        found["name"] = name
    if driver := answer(driver_version):
        found["driver"] = driver
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    if cudnn := answer(torch.backends.cudnn.version):
        found["cudnn"] = cudnn
    if memory := answer(lambda: torch.cuda.get_device_properties(device).total_memory):
        found["memory_bytes"] = memory
    if peak := answer(lambda: torch.cuda.max_memory_reserved(device)):
        found["peak_memory_bytes"] = peak
    return found


def answer(question: Callable[[], Answer]) -> Answer | None:
    """Return what a driver answers, or None: a run does not end because that could not be written down."""
    with contextlib.suppress(Exception):
        return question()
    return None


def driver_version() -> str | None:
    """Return the version of NVIDIA's driver, as its kernel module tells it."""
    found = re.search(r"Kernel Module\b.*?\s(\d+(?:\.\d+)+)\s", DRIVER.read_text())
    return found and found[1]


def forget_peak(device: torch.device) -> None:
    """Begin to measure the memory of a run; what torch keeps of one before it is given back."""
    if device.type == "cuda":
        answer(torch.cuda.empty_cache)
        answer(lambda: torch.cuda.reset_peak_memory_stats(device))
