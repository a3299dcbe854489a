"""Checks of the machine: versions, device, room, cache, TensorBoard."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

import skiprun
from skiprun.errors import (
    SkiprunError,
    StorageError,
    counted,
    is_out_of_memory,
    out_of_memory,
    with_type,
)
from skiprun.system.cache import cache_folder, code_folder, naming_the_way_out
from skiprun.system.disk import check_writable, free_bytes
from skiprun.system.event_files import EventFile, tensorboard_needed
from skiprun.system.machine import cores
from skiprun.training.device import fast_precision
from skiprun.training.gpu import sees_gpu, why_no_gpu


@dataclass(frozen=True)
class Check:
    """One finding; `exit_code` is what a run would end with."""

    name: str
    state: Literal["ok", "fail"]
    finding: str
    exit_code: int = 0


def checked(name: str, look: Callable[[], str]) -> Check:
    """Return what a look finds, or how it fails."""
    try:
        return Check(name, "ok", look())
    except SkiprunError as error:
        return Check(name, "fail", str(error), error.exit_code)
    except Exception as error:
        said = str(out_of_memory(error)) if is_out_of_memory(error) else with_type(error)
        return Check(name, "fail", said, SkiprunError.exit_code)


def versions() -> str:
    """Return the versions that a result depends on."""
    from skiprun.system.torchvision_repair import torchvision

    return (
        f"skiprun {skiprun.__version__}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}"
    )


def device() -> str:
    """Return where a run with `device: auto` computes."""
    if sees_gpu():
        free, total = torch.cuda.mem_get_info()
        return f"{torch.cuda.get_device_name()}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    precision = fast_precision(torch.device("cpu"))
    load = f" load {os.getloadavg()[0]:.1f}," if hasattr(os, "getloadavg") else ""
    return f"CPU, {counted(len(cores()), 'core')},{load} {precision} by default (no GPU: {why_no_gpu()})"


def room_for_runs(runs: Path) -> str:
    """Return where runs go and how much room is there."""
    check_writable(runs)
    return f"{runs.absolute()}, {free_bytes(runs) / 1e6:,.0f} MB free"


def cache() -> str:
    """Return where data and compiled code are kept, or why nowhere; digits need neither."""
    return f"data: {folder_or_reason(cache_folder)}; compiled code: {folder_or_reason(code_folder)}"


def folder_or_reason(find: Callable[[], Path]) -> str:
    """Return a folder that can be written to, with its free room, or why there is none."""
    try:
        folder = find()
        with naming_the_way_out():
            check_writable(folder)
    except StorageError as error:
        return f"none ({error})"
    return f"{folder}, {free_bytes(folder) / 1e6:,.0f} MB free"


def tensorboard() -> str:
    """Write an event as a run does, and make a server ready as the dashboard does."""
    with tensorboard_needed():
        from tensorboard import default, program, version

    with tempfile.TemporaryDirectory() as folder:
        events = EventFile(Path(folder))
        events.add_scalars({"check": 1.0}, 0)
        events.close()
        program.TensorBoard(default.get_plugins()).configure(argv=["tensorboard", "--logdir", folder])
    return f"{version.VERSION}, writes events and is ready to show them"
