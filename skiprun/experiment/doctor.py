"""Checks of the machine and of one config before a long run."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch

import skiprun
from skiprun.config import RunConfig
from skiprun.errors import (
    RunBusy,
    SkiprunError,
    StorageError,
    counted,
    is_out_of_memory,
    out_of_memory,
    with_type,
)
from skiprun.experiment.forecast import forecast
from skiprun.experiment.parts import Parts, prepare
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.room import check_room, room_needed
from skiprun.experiment.start_weights import refuse_other_weights, with_known_weights
from skiprun.run import Run
from skiprun.system.cache import cache_folder, code_folder, naming_the_way_out
from skiprun.system.disk import check_writable, free_bytes
from skiprun.system.event_files import tensorboard_needed
from skiprun.system.machine import cores
from skiprun.training.device import check_threads, fast_precision
from skiprun.training.gpu import sees_gpu, why_no_gpu


@dataclass(frozen=True)
class Check:
    """One finding; `exit_code` is what a run would end with."""

    name: str
    state: Literal["ok", "fail"]
    finding: str
    exit_code: int = 0


def check(name: str, look: Callable[[], str]) -> Check:
    """Return what a look finds, or how it fails."""
    try:
        return Check(name, "ok", look())
    except SkiprunError as error:
        return Check(name, "fail", str(error), error.exit_code)
    except Exception as error:
        said = str(out_of_memory(error)) if is_out_of_memory(error) else with_type(error)
        return Check(name, "fail", said, SkiprunError.exit_code)


def examine(config: RunConfig | None, runs: Path) -> Iterator[Check]:
    """Yield the checks of this machine, and of a config if there is one; nothing is left on the disk."""
    yield check("versions", versions)
    yield check("device", device)
    yield check("runs folder", lambda: room_for_runs(runs))
    yield check("cache", cache)
    if config is None or config.log.tensorboard:
        yield check("TensorBoard", tensorboard)
    if config is None:
        return
    config = with_known_weights(with_plugins(config), runs)
    yield check("run", lambda: directory(Run.of(runs, config), config))
    found: list[Parts] = []
    yield check("data and network", lambda: data(config, found))
    for parts in found:
        yield check("disk", partial(disk, parts, Run.of(runs, config)))
        yield check("training", partial(forecast, parts))


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
        from torch.utils.tensorboard import SummaryWriter

    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        writer.add_scalar("check", 1.0, 0)
        writer.flush()
        program.TensorBoard(default.get_plugins()).configure(argv=["tensorboard", "--logdir", folder])
    return f"{version.VERSION}, writes events and is ready to show them"


def directory(run: Run, config: RunConfig) -> str:
    """Return what the run's directory holds; another experiment or another process there is a failure."""
    run.refuse_another(config)
    refuse_other_weights(run, config)
    if run.is_locked():
        raise RunBusy(run.path, "another process")
    return f"{run.path}: {run.state}" if run.config_file.exists() else f"{run.path}: new"


def data(config: RunConfig, found: list[Parts]) -> str:
    """Build what the config names."""
    check_threads(config)
    parts = prepare(config)
    found.append(parts)
    return " ".join([f"{parts.description}; data {parts.loaders.fingerprint[:12]}.", *parts.notes])


def disk(parts: Parts, run: Run) -> str:
    """Compare what the run will need with what is free."""
    check_room(parts, run.path)
    return f"{room_needed(parts) / 1e6:.1f} MB needed, {free_bytes(run.path) / 1e6:,.0f} MB free"
