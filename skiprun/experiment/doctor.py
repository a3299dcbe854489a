"""Checks of the machine and of one config before a long run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.errors import RunBusy
from skiprun.experiment.forecast import forecast
from skiprun.experiment.machine_checks import (
    Check,
    cache,
    checked,
    device,
    room_for_runs,
    tensorboard,
    versions,
)
from skiprun.experiment.parts import Parts
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.prepare import prepare
from skiprun.experiment.room import check_room, room_needed
from skiprun.experiment.start_weights import refuse_other_weights, with_known_weights
from skiprun.run import Run
from skiprun.system.disk import free_bytes
from skiprun.training.cpu_threads import check_threads


def examine(config: RunConfig | None, runs: Path) -> Iterator[Check]:
    """Yield the checks of this machine, and of a config if there is one; nothing is left on the disk."""
    yield checked("versions", versions)
    yield checked("device", device)
    yield checked("runs folder", lambda: room_for_runs(runs))
    yield checked("cache", cache)
    if config is None or config.log.tensorboard:
        yield checked("TensorBoard", tensorboard)
    if config is None:
        return
    config = with_known_weights(with_plugins(config), runs)
    yield checked("run", lambda: directory(Run.of(runs, config), config))
    found: list[Parts] = []
    yield checked("data and network", lambda: data_and_network(config, found))
    for parts in found:
        yield checked("disk", partial(disk, parts, Run.of(runs, config)))
        yield checked("training", partial(forecast, parts))


def directory(run: Run, config: RunConfig) -> str:
    """Return what the run's directory holds; another experiment or another process there is a failure."""
    run.refuse_another(config)
    refuse_other_weights(run, config)
    if run.is_locked():
        raise RunBusy(run.path, "another process")
    return f"{run.path}: {run.state}" if run.config_file.exists() else f"{run.path}: new"


def data_and_network(config: RunConfig, found: list[Parts]) -> str:
    """Build what the config names."""
    check_threads(config)
    parts = prepare(config)
    found.append(parts)
    return " ".join([f"{parts.description}; data {parts.loaders.fingerprint[:12]}.", *parts.notes])


def disk(parts: Parts, run: Run) -> str:
    """Compare what the run will need with what is free."""
    check_room(parts, run.path)
    return f"{room_needed(parts) / 1e6:.1f} MB needed, {free_bytes(run.path) / 1e6:,.0f} MB free"
