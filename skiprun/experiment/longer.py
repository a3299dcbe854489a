"""Extend the schedule of a run: constant, multistep, and wsd before its fall, go on; others begin again."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Literal

import yaml

from skiprun.config import RunConfig, ScheduleConfig
from skiprun.config_file import build_config
from skiprun.errors import InputError
from skiprun.experiment.data_place import config_with_data
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.prepare import prepare
from skiprun.run import Run
from skiprun.system.disk import storage_errors
from skiprun.system.files import write_text
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.schedule import is_stable, total_steps
from skiprun.training.state import Checkpoint

log = logging.getLogger(__name__)

Unit = Literal["epochs", "steps"]


def lengthen(
    run: Run,
    length: float,
    unit: Unit,
    lr: float | None = None,
    root: Path | str | None = None,
) -> RunConfig:
    """Write a longer schedule into a run, finished or not, and return its config; nothing is trained yet.

    The schedule has no patience then: a run that stopped early, or would, goes on to the end.
    The data is found and known first. Then what was goes to the history of environment.json, summary.json
    goes, and config.yaml changes. A kill between leaves a run that is whole, and the same call goes on.

    Args:
        run: what was begun.
        length: of the whole run, not of what is added.
        unit: of the length, as the run's own schedule has it.
        lr: with which the schedule begins again; None: optim.lr.
        root: where its data is now; None: where it was.

    Raises:
        InputError: the length is not in the run's unit or no longer than it, or the rate could not be used.
        OtherData: the data is not what the run was trained on.
        RunBusy: another process trains it.
    """
    config = run.config
    refuse_unusable(run, config.schedule, length, unit, lr)
    if length > config.schedule.length or config.schedule.patience:
        known = KnownData(run, way_out="start over with `skiprun train --fresh`")
        prepare(config_with_data(run, root), given_weights=False, accept=known)
        with run.lock():
            before, config = config.schedule, _longer(config, length, unit, lr, _last_state(run))
            _write_down(run, before, config)
    if not run.summary_file.exists():
        _log_changes(run, config)
    return config


def refuse_unusable(run: Run, schedule: ScheduleConfig, length: float, unit: Unit, lr: float | None) -> None:
    """Raise InputError for a length or a rate that the schedule of a run cannot take."""
    if getattr(schedule, unit) is None:
        other = "steps" if unit == "epochs" else "epochs"
        raise InputError(f"--{unit} {length:g}: the schedule of {run.path} counts {other}; give --{other}.")
    if not length >= schedule.length:
        raise InputError(
            f"--{unit} {length:g}: {run.path} has {schedule.length:g} already; give the whole length."
        )
    if lr is None:
        return
    if not lr > 0:
        raise InputError(
            f"--lr {lr:g}: a learning rate is above 0; without --lr the schedule begins again with optim.lr."
        )
    if not schedule.begins_again:
        raise InputError(
            f"--lr {lr:g}: the {schedule.kind} schedule of {run.path} goes on; cosine, one_cycle and wsd "
            "begin again."
        )
    if length == schedule.length and (not schedule.restarts or schedule.restarts[-1].lr != lr):
        known = (
            f"begins again from lr {schedule.restarts[-1].lr:g}"
            if schedule.restarts
            else "does not begin again"
        )
        raise InputError(f"--lr {lr:g}: the run is that long already, and its {schedule.kind} {known}.")


def _last_state(run: Run) -> Checkpoint:
    """Return what a run goes on from."""
    state, _ = Checkpoints(run.checkpoints).load_last()
    if state is None or "samples" not in state:
        raise InputError(
            f"{run.path} has no checkpoint to go on from; `skiprun train --fresh` a longer schedule."
        )
    return state


def _longer(config: RunConfig, length: float, unit: Unit, lr: float | None, state: Checkpoint) -> RunConfig:
    """Return a config with a longer schedule, which begins again at the old end if it falls until there."""
    plain, samples = config.to_dict(), state["samples"]
    schedule = plain["schedule"] | {unit: length, "patience": None}
    longer = build_config(plain | {"schedule": schedule})
    if not config.schedule.begins_again or length == config.schedule.length:
        return longer
    if lr is None and is_stable(config, longer, state["step"], samples):
        return longer
    restart = {"step": total_steps(config, samples), "lr": config.optim.lr if lr is None else lr}
    restarts = [*schedule["restarts"], restart]
    return build_config(plain | {"schedule": schedule | {"restarts": restarts}})


def _write_down(run: Run, before: ScheduleConfig, longer: RunConfig) -> None:
    """Write a longer config into a locked run, from wherever an earlier try was cut off."""
    schedule = before.model_dump(mode="json", by_alias=True)
    cut_off = run.sessions()[-1:] and run.sessions()[-1].get("lengthened", {}).get("schedule") == schedule
    if not cut_off:
        test = run.summary()["test"] if run.summary_file.exists() else None
        now, command = time.strftime("%Y-%m-%dT%H:%M:%S%z"), " ".join(sys.argv)
        run.record_environment(
            {"time": now, "command": command, "lengthened": {"schedule": schedule, "test": test}}
        )
    with storage_errors("delete", run.summary_file):
        run.summary_file.unlink(missing_ok=True)
    write_text(run.config_file, yaml.safe_dump(longer.to_dict(), sort_keys=False))


def _log_changes(run: Run, config: RunConfig) -> None:
    """Log what it means that a run, not finished, was made longer."""
    if config.schedule.restarts:
        restart = config.schedule.restarts[-1]
        kind = config.schedule.kind
        log.info(f"The {kind} begins again at step {restart.step}, from lr {restart.lr:g}.")
    tests = [test for entry in run.lengthenings() if (test := entry["lengthened"].get("test"))]
    if tests:
        scores = ", ".join(f"{key} {value:.4g}" for key, value in tests[-1].items() if value is not None)
        log.info(
            f"The test split was scored already ({scores}; kept in environment.json), and will be scored "
            "once more: what is chosen after seeing it is not chosen blindly."
        )
