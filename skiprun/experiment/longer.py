"""A run is given a longer schedule: constant and multistep go on, a cosine begins again where it ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Literal

import torch
import yaml

from skiprun.config import RunConfig, ScheduleConfig
from skiprun.configfile import build_config
from skiprun.errors import InputError
from skiprun.run import Run
from skiprun.storage import plain_words, write_text
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.optim import total_steps

Unit = Literal["epochs", "steps"]


def lengthen(
    run: Run, length: float, unit: Unit, lr: float | None = None, say: Callable[[str], None] = lambda message: None
) -> RunConfig:
    """Write a longer schedule into a run, finished or not, and return its config; nothing is trained yet.

    What was goes to the history of environment.json first, then summary.json goes, then config.yaml changes. A kill
    between leaves a run that is whole, and the same call goes on.

    Args:
        run: what was begun.
        length: of the whole run, not of what is added.
        unit: of the length, as the run's own schedule has it.
        lr: where the cosine begins again; None: optim.lr.
        say: told, in a line, what becomes of learning rate and test split.

    Raises:
        InputError: the length is not in the run's unit or no longer than it, or the rate could not be used.
        RunBusy: another process trains it.
    """
    config = run.config
    schedule = config.schedule
    if getattr(schedule, unit) is None:
        other = "steps" if unit == "epochs" else "epochs"
        raise InputError(f"--{unit} {length:g}: the schedule of {run.path} counts {other}; give --{other}.")
    if length < schedule.length:
        raise InputError(f"--{unit} {length:g}: {run.path} has {schedule.length:g} already; give the whole length.")
    if lr is not None and schedule.kind != "cosine":
        raise InputError(f"--lr {lr:g}: the {schedule.kind} schedule of {run.path} goes on; a cosine begins again.")
    if length == schedule.length:
        refuse_another_rate(schedule, lr)
        return config
    with run.lock():
        longer = _longer(config, length, unit, lr, _steps(run, config))
        _write(run, schedule, longer, say)
    return longer


def refuse_another_rate(schedule: ScheduleConfig, lr: float | None) -> None:
    """Raise InputError for a rate that comes too late: the run is as long already, from another one."""
    if lr is not None and (not schedule.restarts or schedule.restarts[-1].lr != lr):
        known = f"begins again from lr {schedule.restarts[-1].lr:g}" if schedule.restarts else "does not begin again"
        raise InputError(f"--lr {lr:g}: the run is that long already, and its cosine {known}.")


def _steps(run: Run, config: RunConfig) -> int:
    """Return after how many steps a run ends, as its schedule is now."""
    state, _ = Checkpoints(run.checkpoints).load_last(torch.device("cpu"))
    if state is None or "samples" not in state:
        raise InputError(f"{run.path} has no checkpoint to go on from; `skiprun train --fresh` a longer schedule.")
    return total_steps(config, state["samples"])


def _longer(config: RunConfig, length: float, unit: Unit, lr: float | None, end: int) -> RunConfig:
    """Return a config with a longer schedule, whose cosine begins again at the old end."""
    plain = config.plain()
    schedule: dict[str, Any] = plain["schedule"] | {unit: length if unit == "epochs" else round(length)}
    if config.schedule.kind == "cosine":
        schedule["restarts"] = [*schedule["restarts"], {"step": end, "lr": lr or config.optim.lr}]
    return build_config(plain | {"schedule": schedule})


def _write(run: Run, before: ScheduleConfig, longer: RunConfig, say: Callable[[str], None]) -> None:
    """Write a longer config into a locked run, and say what it means."""
    test = run.summary()["test"] if run.summary_file.exists() else None
    history = {"schedule": before.model_dump(mode="json", by_alias=True), "test": test}
    if [session.get("lengthened") for session in run.sessions()[-1:]] != [history]:  # a kill may have come after it
        told = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "command": " ".join(sys.argv)}
        run.record_environment(told | {"lengthened": history})
    with plain_words("delete", run.summary_file):
        run.summary_file.unlink(missing_ok=True)
    write_text(run.config_file, yaml.safe_dump(longer.plain(), sort_keys=False))
    if longer.schedule.restarts:
        restart = longer.schedule.restarts[-1]
        say(f"The cosine begins again at step {restart.step}, from lr {restart.lr:g}.")
    if test is not None:
        scores = ", ".join(f"{key} {value:.4g}" for key, value in test.items() if value is not None)
        say(
            f"The test split was scored already ({scores}; kept in environment.json), and will be scored once more: "
            "what is chosen after seeing it is not chosen blindly."
        )
