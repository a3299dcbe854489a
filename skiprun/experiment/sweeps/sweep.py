"""Train the arms of a sweep, stop hopeless ones early if that is asked, and choose by validation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from skiprun.claims.arm_result import ArmRuns
from skiprun.claims.sweep import Sweep, read_sweep
from skiprun.config import Count
from skiprun.errors import InputError, counted
from skiprun.experiment.commands import write_commands
from skiprun.experiment.crew import ProgressFor
from skiprun.experiment.many import train_missing
from skiprun.experiment.study_runner.keeping import warn_instead
from skiprun.experiment.sweeps.halving import halve, train_lasting
from skiprun.experiment.sweeps.plan_sweep import plan_sweep
from skiprun.reports.sweep import write_sweep
from skiprun.run import RUNS
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import NullProgress, ProgressCallback

log = logging.getLogger(__name__)


@checked_arguments
def sweep(
    path: Path | str,
    *,
    overrides: Sequence[str] = (),
    seeds: Count | None = None,
    halving: bool = False,
    runs: Path | str = RUNS,
    name: str | None = None,
    jobs: Count | None = None,
    ray: str | None = None,
    progress_for: ProgressFor = lambda _: NullProgress(),
    loading: ProgressCallback | None = None,
) -> Sweep:
    """Train what is missing of a sweep, choose an arm, and write it down; what `skiprun sweep` does.

    Args:
        path: the sweep file, see `skiprun.config.sweep`.
        overrides: `section.key=value` for all arms.
        seeds: of each arm, in place of the file's.
        halving: stop hopeless arms early, by default where the file does not say how.
        runs: the folder of all runs; these lie in its `sweeps/<name>/`.
        name: of the sweep, in place of the file's.
        jobs: runs at once; None: see `train_missing`.
        ray: the address of a Ray cluster, see `train_missing`; None: train here.
        progress_for: gives somebody to tell of the steps and epochs of a run, by its label.
        loading: told of (done, total, what) while data is prepared.

    Raises:
        InputError: the file says no sweep, or overrides say what it varies.
    """
    plan = plan_sweep(Path(path).expanduser(), overrides, seeds, halving, Path(runs), name)
    log.info(f"{counted(len(plan.arms), 'arm')}, {counted(len(plan.every), 'run')} in {plan.folder}.")
    train = partial(
        train_missing, runs=plan.folder, progress_for=progress_for, loading=loading, jobs=jobs, ray=ray
    )
    stops = halve(plan.runs, plan.asked.halving, train) if plan.asked.halving else {}
    train_lasting(
        [item for label in plan.arms if label not in stops for item in plan.runs[label]], 1.0, train
    )
    found = [
        ArmRuns(label, arm.settings, tuple(item.run for item in plan.runs[label]), stops.get(label))
        for label, arm in plan.arms.items()
    ]
    result = read_sweep(str(plan.asked.name), found, plan.folder)
    with warn_instead():
        write_sweep(result)
    return result


@checked_arguments
def sweep_commands(
    path: Path | str,
    *,
    overrides: Sequence[str] = (),
    seeds: Count | None = None,
    halving: bool = False,
    runs: Path | str = RUNS,
    name: str | None = None,
) -> list[str]:
    """Return a command line for each run that `sweep` would train, see `write_commands`.

    The arguments are those of `sweep`, and what it refuses is refused; so is halving, as who goes on is
    decided by what came of the others.
    """
    plan = plan_sweep(Path(path).expanduser(), overrides, seeds, halving, Path(runs), name)
    if plan.asked.halving:
        raise InputError(
            f"--print-commands: {plan.asked.place('halving')} asks for runs as it sees what came of others; "
            "leave it out."
        )
    return write_commands(plan.every, plan.folder)
